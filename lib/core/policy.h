/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much each guest should have. */
#ifndef BL_CORE_POLICY_H
#define BL_CORE_POLICY_H

#include "lib/core/settings.h"

/* One that shares: between lo and hi, by weight. */
struct bl_share_in {
	bl_pages lo, hi; /* lo <= hi */
	uint32_t weight; /* >= 1 */
};

/* Reused between calls; all zero at first. */
struct bl_fill {
	void *points;
	size_t cap;
	size_t n_up; /* how many of points, from the first, got a page of the remainder */
};
void bl_fill_free(struct bl_fill *f);

/* Weighted max-min fair: ret[i] = min(hi_i, lo_i + w_i * L) with the one L for
 * which the sum of (ret[i] - lo_i) is min(amount, sum of (hi_i - lo_i)),
 * exactly, in whole pages: the remainder of the division goes one page each to
 * those not full, in the order given. O(n) as a rule, O(n log n) at worst.
 * Returns what is left of amount. -ENOMEM (ret untouched) only when f has to
 * grow. */
int bl_fill_share(struct bl_fill *f, const struct bl_share_in *in, size_t n, bl_pages amount, bl_pages *ret,
		  bl_pages *ret_left);

/* One guest, as the policy sees it. have: what it has or was granted. */
struct bl_guest_in {
	bl_pages min, max; /* min <= max */
	bl_pages have;
	bl_pages used;	 /* fresh working set; 0 unknown */
	bl_pages demand; /* what it wants, see bl_policy_demand */
	uint32_t weight;
};

/* Targets for all that sum to at most budget, or to the first level where that
 * is more. Levels, each filled by bl_fill_share before the next begins:
 *   what it has of its min and of what it uses (always given: neither a claim
 *   nor an overfull host takes that); then
 *   demand: min, what it uses, demand, what it has;
 *   static: min, what it has, demand;
 *   both: with surplus = give, max;
 *   proportional: min, what it uses, and from there towards max in proportion
 *   to the distance, one g for all. */
struct bl_policy;
struct bl_policy *bl_policy_new(void); /* NULL: out of memory */
void bl_policy_free(struct bl_policy *p);
int bl_policy_targets(struct bl_policy *p, enum bl_policy_kind kind, bool surplus_give,
		      const struct bl_guest_in *in, size_t n, bl_pages budget, bl_pages *ret);
/* Of the targets made last: the i-th guest's has a page of the remainder, one
 * more than the share of it and of any other like it. */
bool bl_policy_rounded_up(const struct bl_policy *p, size_t i);

/* working set * (1 + headroom) * (1 + pressure), and where `last` was more,
 * half of the difference for every 60 s since then: up at once, down slowly.
 * What a guest wants is that, and for as long as its newest report shows more in
 * use than the one before, the difference once more (bl_progress_update): memory
 * takes a moment to come, and what grows is likely to grow on. An OOM kill since
 * the report before counts as a pressure of 100 %. */
bl_pages bl_policy_demand(const struct bl_settings *s, const struct bl_telemetry *t, bl_pages last,
			  bl_ms since_last);

#endif
