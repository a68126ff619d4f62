/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world, counted by hand: what the rules hold a plan against. In pages. */
#ifndef TESTS_PROPERTY_COUNT_H
#define TESTS_PROPERTY_COUNT_H

#include "tests/property/world.h"

static inline uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* NULL: no such domain. */
const struct bl_dom *count_find(const struct world *w, uint32_t domid);
/* What the hypervisor does not keep for the claim yet. */
uint64_t count_promised(const struct world *w, const struct bl_claim *c);
bool count_being_built(const struct world *w, uint32_t domid); /* for a claim */
/* What a domain may still take with that target and that limit. */
uint64_t count_growing(const struct world *w, const struct bl_dom *d, uint64_t target, uint64_t max);
int64_t count_balance(const struct world *w);
/* Whether a plan may touch it at all. */
bool count_eligible(const struct world *w, const struct bl_dom *d);
/* No claim takes it below. */
uint64_t count_floor(const struct world *w, const struct bl_dom *d);
/* Its min, and what a fresh report shows of use and need. */
uint64_t count_need(const struct world *w, const struct bl_dom *d);
/* Its driver says, freshly, that it stays above what it is asked to have. */
bool count_refuses(const struct world *w, const struct bl_dom *d);

#endif
