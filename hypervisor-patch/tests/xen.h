/* SPDX-License-Identifier: GPL-2.0-only */
/* A host of stand-ins around the series' own code (xen.c): the hypercalls, the
 * life of domains, the steps of an allocation, and a look inside. */
#ifndef HYPERVISOR_PATCH_XEN_H
#define HYPERVISOR_PATCH_XEN_H

#include <stdbool.h>

#include "abi-types.h"

#define XEN_NODES 4
#define XEN_NO_NODE (-1)
#define XEN_NODE_PAGES 512
#define XEN_ORDER_MAX 6
#define XEN_DOMAINS 8 /* ids 0 to 7 */
#define XEN_NOBODY (-1)

/* Of an allocation; a node is a parameter here. */
#define XEN_MEMF_no_refcount 1u
#define XEN_MEMF_no_owner 2u /* and so no_refcount, too */
#define XEN_MEMF_exact_node 4u

/* Whom the caller may not touch: a bit for each domain, and */
#define XEN_DENIED_POOL (1u << XEN_DOMAINS)
extern unsigned int xen_denied;
/* Nothing can be copied there. */
#define XEN_BAD_ADDRESS ((void *)8)

struct xen_extent {
	int node, order;
	unsigned int start;
};

struct xen_view {
	uint64_t outstanding, free;
	uint64_t node_claims[XEN_NODES], node_free[XEN_NODES];
	uint64_t pool[XEN_NODES + 1]; /* the last: no node */
	struct {
		uint64_t claim, tot;
		int node; /* of a claim; without one of no meaning */
	} dom[XEN_DOMAINS];
};

/* Of the test: ends it. */
_Noreturn void xen_broken(const char *what, const char *where);

/* The empty host of before is given other nodes. */
void xen_boot(const unsigned int pages[XEN_NODES], unsigned int online, int cpu_node);
void xen_create(int id, unsigned int affinity, unsigned int max);
void xen_set_max(int id, unsigned int max);
/* domain_kill() in two steps; others can come between. */
void xen_kill_begins(int id);
void xen_kill_gives_up(int id);
void xen_destroy(int id);

int xen_claim_pages(int id, unsigned long pages);
long xen_claim_ctl(struct xen_memory_claim_ctl *ctl);
void xen_physinfo(uint64_t *free, uint64_t *outstanding);

/* alloc_domheap_pages() in its two steps: out of the heap, to the domain. What
 * the second refuses is freed. */
bool xen_take(int id, int order, unsigned int memflags, int node, struct xen_extent *ret);
bool xen_assign(int id, const struct xen_extent *e, unsigned int memflags);
void xen_free(int id, const struct xen_extent *e, bool extra);
/* A page that is in use goes when it is freed. */
void xen_offline(int node, unsigned int page);

bool xen_has_extent(int node, int order);
bool xen_page_is_free(int node, unsigned int page);
void xen_look(struct xen_view *ret);
/* How much was unclaimed when the threshold was last compared; ~0: not since. */
uint64_t xen_virq_looked_at(void);
/* Nothing is held that was taken. */
void xen_at_rest(void);

#endif
