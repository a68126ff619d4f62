/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The targets of guests that give, and of those that are left as they are. */
#include "lib/core/plan-internal.h"

/* The size that the guest will have in the end: its target and what its balloon ends short
 * of targets. A guest that rests near its target has its size already. */
static bl_pages told_to_have(const struct bl_view *v)
{
	if (bl_view_on_way_down(v))
		return bl_pages_min(bl_pages_add(v->dom->target, v->track->short_by), v->dom->tot);
	return bl_pages_lt(v->dom->target, v->dom->tot) ? v->dom->tot : v->have;
}

/* The guest is not asked to go below its floor; a max below the floor counts all the same. */
static bl_pages floor_of(const struct bl_view *v)
{
	return bl_pages_min(v->floor, v->limits.max);
}

/* By how much less it should have than it was told. */
static bl_pages ask_of(const struct bl_view *v)
{
	bl_pages goal = bl_pages_max(v->goal, floor_of(v));

	if (!v->managed || v->track->refuses || v->track->stuck || bl_pages_ge(v->goal, v->have))
		return BL_PAGES(0);
	if (!v->track->proven && bl_view_on_way_down(v))
		return BL_PAGES(0); /* its probe is out */
	return bl_pages_sub(told_to_have(v), goal);
}

/* What guests should be asked for beyond what they are on their way to give: for claims,
 * or because others wait for more than a threshold. */
static bl_pages still_to_ask(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages wanted = BL_PAGES(0);

	if (sc->claims_short) {
		wanted = bl_pages_sub(sc->shortage, sc->asked);
		/* A few pages can wait until those that are on their way have arrived. */
		return sc->asked.n && wanted.n < BL_PROGRESS_PAGES ? BL_PAGES(0) : wanted;
	}
	for (size_t k = 0; k < sc->n; k++)
		wanted = bl_pages_add(wanted, bl_pages_sub(plan->views[sc->index[k]].goal,
							   plan->views[sc->index[k]].have));
	wanted = bl_pages_sub(wanted, bl_pages_add(plan->available, sc->asked));
	return bl_pages_lt(wanted, in->settings->threshold) ? BL_PAGES(0) : wanted;
}

bl_pages bl_plan_least_ask(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages missing = still_to_ask(plan, in), least = in->settings->threshold;
	/* Nobody is told of less than a mebibyte while somebody is on the way. */
	uint64_t crumb = sc->asked.n ? BL_PROGRESS_PAGES : 1;

	while (!bl_pages_is_zero(missing) && least.n > crumb) {
		bl_pages asked = BL_PAGES(0);

		for (size_t k = 0; k < sc->n; k++) {
			const struct bl_view *v = &plan->views[sc->index[k]];
			bl_pages one = ask_of(v);

			if (bl_pages_ge(one, least) && !v->silent)
				asked = bl_pages_add(asked, one);
		}
		if (bl_pages_ge(asked, missing))
			break;
		least.n /= 2;
	}
	return bl_pages_max(least, BL_PAGES(1));
}

/* Nobody asks it for anything: what it was granted stays its, but for what it left lying;
 * there a mebibyte stays on offer, so that it shows when the guest comes round. */
static bl_pages target_unasked(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	if (bl_pages_gt(d->target, d->tot) && bl_pages_lt(v->growing, v->granted) &&
	    !bl_ms_is_never(v->track->asked))
		return bl_pages_add(d->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
	if (bl_pages_gt(d->target, d->tot)) /* its limit may be below its target */
		return bl_pages_eq(v->granted, v->growing) ? bl_pages_min(d->target, v->have) : d->target;
	/* so near to it that it may as well go there, or stay */
	if (bl_pages_le(bl_pages_sub(d->tot, d->target), bl_tolerance(d->tot)))
		return bl_pages_max(d->target, floor_of(v));
	return d->tot;
}

/* Its own max, which it was told of already as well as it can be. */
static bool told_its_max(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	return bl_pages_le(d->target, v->limits.max) && bl_pages_lt(d->target, d->tot) &&
	       bl_pages_le(bl_pages_sub(d->tot, d->target), bl_tolerance(d->tot));
}

/* The lowest target that it may be given: one that is not proven is tried first. */
static bl_pages least_to_ask(const struct bl_view *v)
{
	return v->track->proven
		       ? floor_of(v)
		       : bl_pages_max(floor_of(v), bl_pages_sub(v->dom->tot, bl_probe(v->dom->tot)));
}

/* Of one that follows: its present target where a change is not worth it. */
static bl_pages willing_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bl_pages want = bl_pages_max(v->goal, floor_of(v)), stays = d->target, ask = ask_of(v);
	bool must = v->why == BL_WHY_WITHDRAWN || (v->why == BL_WHY_LIMITS && !told_its_max(v));

	if (bl_pages_lt(stays, d->tot))
		stays = bl_pages_max(stays, floor_of(v));
	if (!v->track->proven && bl_view_on_way_down(v))
		return stays;
	if (bl_pages_ge(v->goal, v->have))
		return target_unasked(v);
	if (v->track->refuses) /* it is asked for no more, and may still come round */
		return bl_pages_min(bl_pages_max(d->target, bl_pages_sub(v->have, v->hoped)), v->limits.max);
	if (bl_pages_ge(want, told_to_have(v)) &&
	    bl_pages_ge(bl_pages_sub(want, told_to_have(v)), in->settings->threshold))
		return want; /* it was asked for far too much */
	if (bl_pages_is_zero(ask) || (!must && bl_pages_lt(ask, plan->scratch->least_ask)))
		return stays;
	if (v->silent && !plan->scratch->claims_short) /* only a claim asks it for more */
		return stays;
	if (bl_pages_lt(want, d->tot))
		want = bl_pages_max(bl_pages_sub(want, v->track->short_by), least_to_ask(v));
	return want;
}

/* Of one that is stuck: its target is left alone until it is time to try again; then it is
 * asked for what is needed now. Where nobody needs anything no more than a probe stays
 * asked for, which shows when the guest comes round. */
static bl_pages stuck_target(const struct bl_plan_in *in, const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bl_pages stays = bl_pages_lt(d->target, d->tot) ? bl_pages_max(d->target, floor_of(v)) : d->target;
	bl_pages want = bl_pages_max(v->goal, least_to_ask(v));

	if (bl_pages_gt(d->target, d->tot))
		return bl_pages_ge(v->goal, d->tot) ? target_unasked(v) : want;
	if (!bl_view_retry_due(v, in))
		return stays;
	if (bl_pages_ge(v->goal, d->tot))
		want = bl_pages_max(bl_pages_max(bl_pages_sub(d->tot, bl_probe(d->tot)), floor_of(v)),
				    stays);
	if (v->track->refuses) /* it is asked for no more, stuck or not */
		want = bl_pages_max(want, stays);
	return bl_pages_gt(bl_pages_distance(want, stays), bl_tolerance(d->tot)) ? want : stays;
}

bl_pages bl_plan_giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v)
{
	return v->track->stuck ? stuck_target(in, v) : willing_target(plan, in, v);
}
