/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The targets of guests that give, and of guests that stay as they are. */
#include "lib/core/plan-internal.h"

/* While a guest is moving, no other guest is asked for less than this. A look reads the host's free
 * memory and then the guests' sizes: pages that move in between seem to be missing, 2 MiB where a
 * look takes 25 ms, as in an emulator. */
#define CRUMB (4 * BL_PAGES_PER_MIB)

/* The size that the guest will come to rest at: its target, plus what its balloon ends short of
 * targets. A guest that rests near its target has its size already. */
static bl_pages rest_size(const struct bl_view *v)
{
	if (bl_view_on_way_down(v))
		return bl_pages_min(bl_pages_add(v->dom->target, v->track->short_by), v->dom->tot);
	return bl_pages_lt(v->dom->target, v->dom->tot) ? v->dom->tot : v->have;
}

/* A claim takes no guest below its floor; a max below the floor counts all the same. */
static bl_pages floor_of(const struct bl_view *v)
{
	return bl_pages_min(v->floor, v->limits.max);
}

/* How much the guest should give beyond what it has been asked for. */
static bl_pages more_to_ask(const struct bl_view *v)
{
	bl_pages goal = bl_pages_max(v->goal, floor_of(v));

	if (!v->managed || v->track->refuses || v->track->stuck || bl_pages_ge(v->goal, v->have))
		return BL_PAGES(0);
	if (!v->track->proven && bl_view_on_way_down(v))
		return BL_PAGES(0); /* its probe is under way */
	return bl_pages_sub(rest_size(v), goal);
}

/* What guests should be asked for beyond what they are about to give: for claims, or because
 * other guests wait for more than a threshold. */
static bl_pages still_to_ask(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages wanted = BL_PAGES(0);

	if (sc->claims_short) {
		wanted = bl_pages_sub(sc->shortage, sc->asked);
		/* A little can wait until guests that are moving have arrived. */
		return sc->asked.n && wanted.n < CRUMB ? BL_PAGES(0) : wanted;
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
	uint64_t crumb = sc->asked.n ? CRUMB : 1;

	while (!bl_pages_is_zero(missing) && least.n > crumb) {
		bl_pages asked = BL_PAGES(0);

		for (size_t k = 0; k < sc->n; k++) {
			const struct bl_view *v = &plan->views[sc->index[k]];
			bl_pages one = more_to_ask(v);

			if (bl_pages_ge(one, least) && !v->silent)
				asked = bl_pages_add(asked, one);
		}
		if (bl_pages_ge(asked, missing))
			break;
		least.n /= 2;
	}
	return bl_pages_max(least, BL_PAGES(1));
}

/* The target of a guest that nobody asks for anything: it keeps its grant, except what it left
 * unused. Of that a mebibyte stays on offer, so that a guest that recovers shows it. */
static bl_pages target_unasked(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	if (bl_pages_gt(d->target, d->tot) && bl_pages_lt(v->growing, v->granted) &&
	    !bl_ms_is_never(v->track->asked))
		return bl_pages_add(d->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
	if (bl_pages_gt(d->target, d->tot)) /* its limit may be below its target */
		return bl_pages_eq(v->granted, v->growing) ? bl_pages_min(d->target, v->have) : d->target;
	/* So near to its target a guest may go there, or stay. */
	if (bl_pages_le(bl_pages_sub(d->tot, d->target), bl_tolerance(d->tot)))
		return bl_pages_max(d->target, floor_of(v));
	return d->tot;
}

/* True if the guest's max is its target, and its balloon comes no nearer. */
static bool is_at_its_max(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	return bl_pages_le(d->target, v->limits.max) && bl_pages_lt(d->target, d->tot) &&
	       bl_pages_le(bl_pages_sub(d->tot, d->target), bl_tolerance(d->tot));
}

/* The lowest target that the guest may get: an unproven balloon is probed first. */
static bl_pages least_to_ask(const struct bl_view *v)
{
	return v->track->proven
		       ? floor_of(v)
		       : bl_pages_max(floor_of(v), bl_pages_sub(v->dom->tot, bl_probe(v->dom->tot)));
}

/* The target of a guest that follows: the present one if a change is not worth it. */
static bl_pages following_target(const struct bl_plan *plan, const struct bl_plan_in *in,
				 const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bl_pages want = bl_pages_max(v->goal, floor_of(v)), stays = d->target, ask = more_to_ask(v);
	bool must = v->why == BL_WHY_WITHDRAWN || (v->why == BL_WHY_LIMITS && !is_at_its_max(v));

	if (bl_pages_lt(stays, d->tot))
		stays = bl_pages_max(stays, floor_of(v));
	if (!v->track->proven && bl_view_on_way_down(v))
		return stays;
	if (bl_pages_ge(v->goal, v->have))
		return target_unasked(v);
	if (v->track->refuses) /* ask for no more; the guest may still recover */
		return bl_pages_min(bl_pages_max(d->target, bl_pages_sub(v->have, v->givable_if_responsive)),
				    v->limits.max);
	if (bl_pages_ge(want, rest_size(v)) &&
	    bl_pages_ge(bl_pages_sub(want, rest_size(v)), in->settings->threshold))
		return want; /* it was asked for far too much */
	if (bl_pages_is_zero(ask) || (!must && bl_pages_lt(ask, plan->scratch->least_ask)))
		return stays;
	if (v->silent && !plan->scratch->claims_short) /* only a claim asks a silent guest for more */
		return stays;
	if (bl_pages_lt(want, d->tot))
		want = bl_pages_max(bl_pages_sub(want, v->track->short_by), least_to_ask(v));
	return want;
}

/* The target of a stuck guest: the present one until it is time for another try, and then what is
 * needed. If nothing is needed, a probe stays asked for, so that a guest that recovers shows it. */
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
	if (v->track->refuses) /* a guest that refuses is asked for no more */
		want = bl_pages_max(want, stays);
	return bl_pages_gt(bl_pages_distance(want, stays), bl_tolerance(d->tot)) ? want : stays;
}

bl_pages bl_plan_giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v)
{
	return v->track->stuck ? stuck_target(in, v) : following_target(plan, in, v);
}
