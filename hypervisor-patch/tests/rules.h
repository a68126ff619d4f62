/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of ABI.md, told again without any running sum: what a call answers,
 * where an allocation may be met from, and what that does to the claims. */
#ifndef HYPERVISOR_PATCH_RULES_H
#define HYPERVISOR_PATCH_RULES_H

#include <stdbool.h>

#include "xen.h"

struct rules_dom {
	bool exists, dying;
	uint64_t tot, max; /* pages that count against its limit, and that */
	uint64_t claim;
	int node; /* which the claim names, or XEN_NO_NODE */
};

struct rules {
	unsigned int online, denied;
	uint64_t free[XEN_NODES];
	uint64_t pool[XEN_NODES + 1]; /* the last: no node */
	struct rules_dom dom[XEN_DOMAINS];
};

uint64_t rules_free(const struct rules *r);
uint64_t rules_claims(const struct rules *r);
uint64_t rules_claims_on(const struct rules *r, int node);
/* Free pages that no claim is for. */
uint64_t rules_spare(const struct rules *r);
uint64_t rules_spare_on(const struct rules *r, int node);
/* Claims fit in the memory there is: in all, on a node. */
bool rules_fit(const struct rules *r);
bool rules_fit_on(const struct rules *r, int node);
unsigned int rules_entries(const struct rules *r);
/* What that owner has claimed there; node: XEN_CLAIM_ANY_NODE, too. */
uint64_t rules_claim_of(const struct rules *r, unsigned int owner, unsigned int node);

/* The answer to a call, and what it does. Of a query the numbers, not the
 * entries. */
int rules_claim_pages(struct rules *r, int id, uint64_t pages);
long rules_claim_ctl(struct rules *r, struct xen_memory_claim_ctl *ctl);

/* May so many pages come from that node? counted: they count against max_pages. */
bool rules_may_take(const struct rules *r, int id, int node, uint64_t pages, bool counted);
void rules_taken(struct rules *r, int id, int node, uint64_t pages, bool counted);

#endif
