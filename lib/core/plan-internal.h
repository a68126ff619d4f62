/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the steps of one plan: look (views and sums), aim (goals), act
 * (actions). */
#ifndef BL_CORE_PLAN_INTERNAL_H
#define BL_CORE_PLAN_INTERNAL_H

#include "lib/core/plan.h"

struct bl_plan_scratch {
	struct bl_policy *policy;
	struct bl_fill fill;
	struct bl_guest_in *guests;
	struct bl_share_in *shares;
	bl_pages *result;
	bl_pages *grant; /* by view: its new, higher target; 0 none */
	uint32_t *index; /* guests[k] is views[index[k]] */
	size_t cap;
	size_t n; /* managed guests */
	/* of this tick: */
	bl_pages above_floors; /* what guests could give, if those that lag or refuse came round */
	bl_pages asked;	       /* what guests are on their way to give */
	bool claims_short;     /* a claim that balloons can serve waits for room */
	bl_pages shortage;     /* what the claims that balloons can serve lack */
	bl_pages least_ask;    /* a guest is told to give no less */
	bl_pages blocked;      /* promised to claims that only others' end can serve */
};

void bl_plan_look(struct bl_plan *plan, const struct bl_plan_in *in);
int bl_plan_aim(struct bl_plan *plan, const struct bl_plan_in *in);
int bl_plan_act(struct bl_plan *plan, const struct bl_plan_in *in);

/* plan-give.c */
/* The least difference that a guest is told of: a threshold, and less only where that
 * brings what is still to be asked. */
bl_pages bl_plan_least_ask(const struct bl_plan *plan, const struct bl_plan_in *in);
/* The target that a guest that should not grow is to have now. */
bl_pages bl_plan_giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v);
/* plan-grant.c */
/* Shares what is free, claimed by nobody and promised to nobody: sets scratch->grant. */
int bl_plan_grant(struct bl_plan *plan, const struct bl_plan_in *in);
/* It is granted little at a time. */
bool bl_view_is_tried(const struct bl_view *v);

/* It was asked to give and did not, or refuses: it counts as giving nothing for a
 * while. */
bool bl_view_lags(const struct bl_view *v, bl_ms now);
/* The most it may be granted at once; UINT64_MAX unless it is being tried. */
bl_pages bl_view_step(const struct bl_view *v);
/* Where it ends when it is asked for its floor, as far as it ends from its targets. */
bl_pages bl_view_lowest(const struct bl_view *v);
/* A stuck one is to be tried again. */
bool bl_view_retry_due(const struct bl_view *v, const struct bl_plan_in *in);
/* It follows a target below what it has. */
bool bl_view_on_way_down(const struct bl_view *v);

#endif
