/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/core/plan-internal.h"

static int grow(void *array, size_t n, size_t size)
{
	void **p = array;
	void *bigger = reallocarray(*p, n, size);

	if (!bigger)
		return -ENOMEM;
	*p = bigger;
	return 0;
}

/* A tick does at most two actions per domain and one per claim. */
static int reserve_actions(struct bl_plan *plan, size_t domains, size_t claims)
{
	size_t n = 2 * domains + claims;

	if (n <= plan->cap_actions)
		return 0;
	if (grow(&plan->actions, n + n / 2, sizeof(*plan->actions)))
		return -ENOMEM;
	plan->cap_actions = n + n / 2;
	return 0;
}

static int reserve(struct bl_plan *plan, size_t n)
{
	struct bl_plan_scratch *sc = plan->scratch;
	size_t cap = n + n / 2 + 16;

	if (!sc) {
		sc = plan->scratch = calloc(1, sizeof(*sc));
		if (!sc)
			return -ENOMEM;
	}
	if (!sc->policy && !(sc->policy = bl_policy_new()))
		return -ENOMEM;
	if (n <= sc->cap && plan->views)
		return 0;
	if (grow(&plan->views, cap, sizeof(*plan->views)) || grow(&sc->guests, cap, sizeof(*sc->guests)) ||
	    grow(&sc->shares, cap, sizeof(*sc->shares)) || grow(&sc->result, cap, sizeof(*sc->result)) ||
	    grow(&sc->grant, cap, sizeof(*sc->grant)) || grow(&sc->index, cap, sizeof(*sc->index)))
		return -ENOMEM;
	sc->cap = plan->cap_views = cap;
	return 0;
}

int bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in)
{
	int r;

	plan->n_actions = 0;
	plan->n_views = 0;
	r = reserve_actions(plan, in->snap->n_doms, in->ledger->n);
	if (!r)
		r = reserve(plan, in->snap->n_doms);
	if (r)
		return r;
	bl_plan_make_views(plan, in);
	r = bl_plan_aim(plan, in);
	if (!r)
		r = bl_plan_act(plan, in);
	if (r)
		plan->n_actions = 0;
	return r;
}

void bl_plan_free(struct bl_plan *plan)
{
	struct bl_plan_scratch *sc = plan->scratch;

	free(plan->actions);
	free(plan->views);
	if (sc) {
		bl_policy_free(sc->policy);
		bl_fill_free(&sc->fill);
		free(sc->guests);
		free(sc->shares);
		free(sc->result);
		free(sc->grant);
		free(sc->index);
		free(sc);
	}
	*plan = (struct bl_plan){ 0 };
}

const struct bl_view *bl_plan_view(const struct bl_plan *plan, uint32_t domid)
{
	size_t lo = 0, hi = plan->n_views;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (plan->views[mid].dom->domid == domid)
			return &plan->views[mid];
		if (plan->views[mid].dom->domid < domid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}
