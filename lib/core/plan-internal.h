/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the steps of a plan: views (views and sums), aim (goals), act (actions). */
#ifndef BL_CORE_PLAN_INTERNAL_H
#define BL_CORE_PLAN_INTERNAL_H

#include "lib/core/plan.h"

struct bl_plan_scratch {
	struct bl_policy *policy;
	struct bl_fill fill;
	struct bl_guest_in *guests;
	struct bl_share_in *shares;
	bl_pages *result;
	bl_pages *grant; /* by view: its new, higher target; 0: none */
	uint32_t *index; /* guests[k] is views[index[k]] */
	size_t cap;
	size_t n; /* managed guests */
	/* of this tick: */
	bl_pages above_floors; /* what guests could give if all followed and none refused */
	bl_pages asked;	       /* what guests are about to give */
	bool claims_short;     /* a claim that guests can make room for waits */
	bl_pages shortage;     /* what such claims lack */
	bl_pages least_ask;    /* no guest is asked to give less */
	bl_pages blocked;      /* promised to claims that wait for other claims to end */
};

void bl_plan_make_views(struct bl_plan *plan, const struct bl_plan_in *in);
int bl_plan_aim(struct bl_plan *plan, const struct bl_plan_in *in);
int bl_plan_act(struct bl_plan *plan, const struct bl_plan_in *in);

/* plan-give.c */
/* The least difference for which a guest's target is changed: the threshold, or less if the sum
 * of larger ones is too small. */
bl_pages bl_plan_least_ask(const struct bl_plan *plan, const struct bl_plan_in *in);
/* The target now of a guest that should not grow. */
bl_pages bl_plan_giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v);
/* plan-grant.c */
/* Shares what is available: sets scratch->grant. */
int bl_plan_grant(struct bl_plan *plan, const struct bl_plan_in *in);
/* True if the guest is granted only a little at a time. */
bool bl_view_is_tried(const struct bl_view *v);

/* True if the guest did not give what it was asked for, or refuses: it counts as giving nothing
 * for a while. */
bool bl_view_lags(const struct bl_view *v, bl_ms now);
/* The most that the guest may be granted at once; UINT64_MAX: all. */
bl_pages bl_view_step(const struct bl_view *v);
/* Where the guest ends if it is asked for its floor, since its balloon may end short of targets. */
bl_pages bl_view_lowest(const struct bl_view *v);
/* True if a stuck guest is due for another try. */
bool bl_view_retry_due(const struct bl_view *v, const struct bl_plan_in *in);
/* True if the guest follows a target below its size. */
bool bl_view_on_way_down(const struct bl_view *v);

#endif
