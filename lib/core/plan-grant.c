/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who gets what is free. */
#include <string.h>

#include "lib/core/plan-internal.h"

bool bl_view_is_tried(const struct bl_view *v)
{
	return bl_view_step(v).n != UINT64_MAX;
}

/* What it has or was promised: one that rests short of its target is not told again. */
static bl_pages grows_from(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	bool rests = d->target.n > d->tot.n && v->track->asked.n == BL_MS_NEVER.n &&
		     d->target.n - d->tot.n <= bl_tolerance(d->tot).n;

	return rests ? bl_pages_max(v->have, d->target) : v->have;
}

static bool may_grow(const struct bl_view *v)
{
	if (!v->managed || v->goal.n <= grows_from(v).n || v->track->stuck & BL_STUCK_TAKING)
		return false;
	return v->dom->target.n == v->dom->tot.n || !bl_view_is_tried(v);
}

/* A guest that reports no need has a fixed goal: while the guest is on its way there, the last
 * bit is no dribble. Otherwise a guest that was tried with a part would never get the rest. */
static bool completes(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to)
{
	const struct bl_track *t = v->track;
	bool moved = t->still_since.n > t->first_seen.n &&
		     bl_ms_since(in->snap->now, t->still_since).n < in->settings->stuck_after.n;

	return moved && !t->fresh && to.n >= v->goal.n;
}

/* A dribble of small grants costs more than it brings. */
static bool worth_it(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to, bl_pages least)
{
	bl_pages from = grows_from(v);

	if (to.n <= from.n || bl_view_is_tried(v))
		return to.n > from.n;
	return to.n - from.n >= least.n || completes(in, v, to) ||
	       (v->have.n < v->limits.min.n && to.n == v->limits.min.n) ||
	       (to.n >= v->goal.n && v->goal.n - from.n >= in->settings->threshold.n);
}

/* The least grant: a threshold, and less only where more than one would be left lying in all. */
static bl_pages worth_granting(const struct bl_plan *plan, const struct bl_plan_in *in, size_t n)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages least = in->settings->threshold, left;

	for (; least.n > 1; least.n /= 2) {
		left = BL_PAGES(0);
		for (size_t k = 0; k < n; k++) {
			const struct bl_view *v = &plan->views[sc->index[k]];

			if (!worth_it(in, v, sc->result[k], least))
				left = bl_pages_add(left, bl_pages_sub(sc->result[k], grows_from(v)));
		}
		if (left.n < in->settings->threshold.n)
			break;
	}
	return bl_pages_max(least, BL_PAGES(1));
}

/* The most that this plan may grant it. */
static bl_pages grant_limit(const struct bl_view *v)
{
	return bl_pages_min(v->goal, bl_pages_add(v->dom->tot, bl_view_step(v)));
}

/* One that left a grant lying is tried again with what nobody else is to have. */
static void try_again(struct bl_plan *plan, const struct bl_plan_in *in, bl_pages left)
{
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		bl_pages to, more;

		if (!v->managed || !(v->track->stuck & BL_STUCK_TAKING) || !bl_view_retry_due(v, in))
			continue;
		to = bl_pages_min(bl_pages_add(v->dom->tot, bl_view_step(v)),
				  in->settings->surplus_give ? v->limits.max : v->demand);
		more = bl_pages_sub(to, v->have);
		if (to.n <= bl_pages_max(v->dom->target, v->dom->tot).n || more.n > left.n)
			continue;
		plan->scratch->grant[i] = to;
		left = bl_pages_sub(left, more);
	}
}

static bl_pages needed(const struct bl_view *v)
{
	return bl_pages_min(grant_limit(v), bl_view_need(v));
}

/* Raises what the first n of sc->index get towards up_to, as far as *left goes. */
static int raise_to(struct bl_plan *plan, size_t n, bl_pages (*up_to)(const struct bl_view *),
		    bl_pages *left)
{
	struct bl_plan_scratch *sc = plan->scratch;

	for (size_t k = 0; k < n; k++) {
		sc->shares[k].lo = sc->result[k];
		sc->shares[k].hi = bl_pages_max(sc->result[k], up_to(&plan->views[sc->index[k]]));
	}
	return bl_fill_share(&sc->fill, sc->shares, n, *left, sc->result, left);
}

/* Who gets how much of what is free now, claimed by nobody and promised to
 * nobody: sc->grant[] by view, the new target or 0. First to those below their
 * min, then to all; where some is kept warm to those who need it before all, and
 * to the others what there is beside it. */
int bl_plan_grant(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	bl_pages left = plan->available, least = BL_PAGES(0);
	size_t n = 0;
	int r;

	memset(sc->grant, 0, plan->n_views * sizeof(*sc->grant));
	if (!left.n || in->paused || in->snap->store_stale)
		return 0;
	for (size_t k = 0; k < sc->n; k++) {
		const struct bl_view *v = &plan->views[sc->index[k]];
		bl_pages hi;

		if (!may_grow(v))
			continue;
		hi = bl_pages_min(grant_limit(v), v->limits.min);
		sc->shares[n] = (struct bl_share_in){ v->have, bl_pages_max(v->have, hi), v->limits.weight };
		sc->index[n++] = sc->index[k];
	}
	r = bl_fill_share(&sc->fill, sc->shares, n, left, sc->result, &left);
	if (!r && plan->warm.n) {
		r = raise_to(plan, n, needed, &left);
		left = bl_pages_sub(left, plan->warm);
	}
	if (!r)
		r = raise_to(plan, n, grant_limit, &left);
	if (!r)
		least = worth_granting(plan, in, n);
	for (size_t k = 0; k < n && !r; k++)
		if (worth_it(in, &plan->views[sc->index[k]], sc->result[k], least))
			sc->grant[sc->index[k]] = sc->result[k];
	if (!r)
		try_again(plan, in, left);
	return r;
}
