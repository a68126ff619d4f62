/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who gets what is available. */
#include <string.h>

#include "lib/core/plan-internal.h"

bool bl_view_is_tried(const struct bl_view *v)
{
	return bl_view_step(v).n != UINT64_MAX;
}

/* The size that a grant is added to. A guest that rests a little short of its target has been
 * granted the difference already. */
static bl_pages grows_from(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	bool rests = bl_pages_gt(d->target, d->tot) && bl_ms_is_never(v->track->asked) &&
		     bl_pages_le(bl_pages_sub(d->target, d->tot), bl_tolerance(d->tot));

	return rests ? bl_pages_max(v->have, d->target) : v->have;
}

static bool may_grow(const struct bl_view *v)
{
	if (!v->managed || bl_pages_le(v->goal, grows_from(v)) || v->track->stuck & BL_STUCK_TAKING)
		return false;
	return bl_pages_eq(v->dom->target, v->dom->tot) || !bl_view_is_tried(v);
}

/* A guest that reports no need has a fixed goal: while the guest is on its way there, the last part
 * is worth a grant. Otherwise a guest that was tried with a part would never get the rest. */
static bool completes(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to)
{
	const struct bl_track *t = v->track;
	bool moved = bl_ms_gt(t->still_since, t->first_seen) &&
		     bl_ms_lt(bl_ms_since(in->snap->now, t->still_since), in->settings->stuck_after);

	return moved && !t->fresh && bl_pages_ge(to, v->goal);
}

/* Many small grants cost more than they bring. */
static bool is_worth_telling(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to,
			     bl_pages least)
{
	bl_pages from = grows_from(v);

	if (bl_pages_le(to, from) || bl_view_is_tried(v))
		return bl_pages_gt(to, from);
	return bl_pages_ge(bl_pages_sub(to, from), least) || completes(in, v, to) ||
	       (bl_pages_lt(v->have, v->limits.min) && bl_pages_eq(to, v->limits.min)) ||
	       (bl_pages_ge(to, v->goal) &&
		bl_pages_ge(bl_pages_sub(v->goal, from), in->settings->threshold));
}

/* The least grant: the threshold, or less if otherwise more than a threshold would stay unused in
 * all. */
static bl_pages least_grant(const struct bl_plan *plan, const struct bl_plan_in *in, size_t n)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages least = in->settings->threshold, left;

	for (; least.n > 1; least.n /= 2) {
		left = BL_PAGES(0);
		for (size_t k = 0; k < n; k++) {
			const struct bl_view *v = &plan->views[sc->index[k]];

			if (!is_worth_telling(in, v, sc->result[k], least))
				left = bl_pages_add(left, bl_pages_sub(sc->result[k], grows_from(v)));
		}
		if (bl_pages_lt(left, in->settings->threshold))
			break;
	}
	return bl_pages_max(least, BL_PAGES(1));
}

/* The most that this plan may grant the guest. */
static bl_pages grant_limit(const struct bl_view *v)
{
	return bl_pages_min(v->goal, bl_pages_add(v->dom->tot, bl_view_step(v)));
}

/* Tries a guest that left a grant unused again, with memory that no other guest should get. */
static void retry_unused_grants(struct bl_plan *plan, const struct bl_plan_in *in, bl_pages left)
{
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		bl_pages to, more;

		if (!v->managed || !(v->track->stuck & BL_STUCK_TAKING) || !bl_view_retry_due(v, in))
			continue;
		to = bl_pages_min(bl_pages_add(v->dom->tot, bl_view_step(v)),
				  in->settings->surplus_give ? v->limits.max : v->demand);
		more = bl_pages_sub(to, v->have);
		if (bl_pages_le(to, bl_pages_max(v->dom->target, v->dom->tot)) || bl_pages_gt(more, left))
			continue;
		plan->scratch->grant[i] = to;
		left = bl_pages_sub(left, more);
	}
}

static bl_pages needed_size(const struct bl_view *v)
{
	return bl_pages_min(grant_limit(v), bl_view_need(v));
}

/* Raises the results of the first n of sc->index towards up_to, as far as *left goes. */
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

/* Shares what is available: sets sc->grant[], by view, to the new target or 0. Guests below their
 * min come first, then all. If memory is kept warm, guests in need come before all, and the
 * others share what is not kept warm. */
int bl_plan_grant(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	bl_pages left = plan->available, least = BL_PAGES(0);
	size_t n = 0;
	int r;

	memset(sc->grant, 0, plan->n_views * sizeof(*sc->grant));
	if (bl_pages_is_zero(left) || in->paused || in->snap->store_stale)
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
	if (r == 0 && !bl_pages_is_zero(plan->warm)) {
		r = raise_to(plan, n, needed_size, &left);
		left = bl_pages_sub(left, plan->warm);
	}
	if (r == 0)
		r = raise_to(plan, n, grant_limit, &left);
	if (r == 0)
		least = least_grant(plan, in, n);
	for (size_t k = 0; k < n && r == 0; k++)
		if (is_worth_telling(in, &plan->views[sc->index[k]], sc->result[k], least))
			sc->grant[sc->index[k]] = sc->result[k];
	if (r == 0)
		retry_unused_grants(plan, in, left);
	return r;
}
