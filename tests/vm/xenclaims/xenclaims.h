/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of xenclaims share. */
#ifndef XENCLAIMS_H
#define XENCLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include <xenctrl.h>

#include "abi.h" /* out of the series: see tests/vm/debs */

enum { ANY_NODE = XEN_CLAIM_ANY_NODE, POOL = XEN_CLAIM_POOL, NOBODY = 0xffffffff };

extern xc_interface *xch;
extern bool patched; /* this Xen has XENMEM_claim_ctl */

struct memory {
	uint64_t free, claimed; /* pages, at one moment */
};

struct memory look(void);
/* When it has been the same for a while: the last of a domain goes after its destruction. */
struct memory settled(void);
uint64_t node_free(unsigned node); /* pages */
uint64_t outstanding(uint32_t domid);

/* An empty PV domain that may have so many pages; whatever fails here ends the program. */
uint32_t domain(uint64_t max_pages);
void destroy(uint32_t domid);

/* 0 or -errno. */
int claim(uint32_t domid, uint64_t pages);
int ctl(struct xen_memory_claim_ctl *c);
int set(uint32_t owner, unsigned node, uint64_t pages);
int move(uint32_t from, uint32_t to, unsigned node, uint64_t pages);

/* How many extents the domain got, from that frame of its on; machine frames to mfns,
 * which may be NULL. node: NOBODY for any, else that and no other. */
unsigned populate(uint32_t domid, uint64_t gpfn, unsigned order, unsigned n, unsigned node, xen_pfn_t *mfns);
void release(uint32_t domid, unsigned order, unsigned n, xen_pfn_t *mfns);

void expect(bool truth, const char *what);

void faults(void);
void errors(void);
void races(unsigned seconds);
void speed(void);

#endif
