/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy: how much each guest should have. */
#ifndef BL_CORE_POLICY_H
#define BL_CORE_POLICY_H

#include "lib/core/settings.h"

/* A participant that gets between lo and hi, by weight. */
struct bl_share_in {
	bl_pages lo, hi; /* lo <= hi */
	uint32_t weight; /* >= 1 */
};

/* Reused between calls; zeroed at first. */
struct bl_fill {
	void *points, *scratch;
	size_t cap;
	size_t n_up; /* how many of points, the first ones, got a page of the remainder */
};
void bl_fill_free(struct bl_fill *f);

/* Weighted max-min fairness: ret[i] = min(hi_i, lo_i + w_i * L), with L such that the sum of
 * (ret[i] - lo_i) is min(amount, sum of (hi_i - lo_i)), exactly, in whole pages: the pages of the
 * remainder go to the first that are not full. O(n) as a rule, O(n log n) at worst. *ret_left is
 * the rest of amount. -ENOMEM, with ret unchanged, only if f has to grow. */
int bl_fill_share(struct bl_fill *f, const struct bl_share_in *in, size_t n, bl_pages amount, bl_pages *ret,
		  bl_pages *ret_left);

/* A guest as the policy sees it. have: its size with its grant. */
struct bl_guest_in {
	bl_pages min, max; /* min <= max */
	bl_pages have;
	bl_pages used;	 /* fresh working set; 0 unknown */
	bl_pages demand; /* what it wants: see bl_policy_demand() */
	uint32_t weight;
};

/* Makes targets whose sum is at most budget, or the sum of the first level if that is more.
 * bl_fill_share() fills a level before the next begins. The first is what the guest has of its
 * min and of what it uses: neither a claim nor a full host takes that. Then, for demand: min,
 * what it uses, demand, what it has; for static: min, what it has, demand; for both with surplus
 * = give: max; for proportional: min, what it uses, and then towards max by the same part of the
 * distance for all. */
struct bl_policy;
struct bl_policy *bl_policy_new(void); /* NULL: out of memory */
void bl_policy_free(struct bl_policy *p);
int bl_policy_targets(struct bl_policy *p, enum bl_policy_kind kind, bool surplus_give,
		      const struct bl_guest_in *in, size_t n, bl_pages budget, bl_pages *ret);
/* True if the last target of the i-th guest has a page of the remainder, which similar guests may
 * lack. */
bool bl_policy_rounded_up(const struct bl_policy *p, size_t i);

/* Working set * (1 + headroom) * (1 + pressure). If `last` was more, half of the difference is
 * added for each 60 s since: demand rises at once and falls slowly. While the newest report shows
 * more in use than the one before, a guest wants the difference once more (bl_progress_update()):
 * memory takes a moment to come, and a use that grows is likely to go on growing. An OOM kill
 * since the last report counts as a pressure of 100 %. */
bl_pages bl_policy_demand(const struct bl_settings *s, const struct bl_telemetry *t, bl_pages last,
			  bl_ms since_last);

#endif
