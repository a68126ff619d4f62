/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The targets of guests that give, and of those that are left as they are. */
#include "lib/core/plan-internal.h"

/* Nobody is told of less than this while somebody is on the way. The host's free memory and
 * the guests' sizes are read one after the other, so what moves in between makes a look seem to
 * lack that much: 2 MiB where a look takes 25 ms, as in an emulator. */
#define CRUMB (4 * BL_PAGES_PER_MIB)

/* The size that the guest will have in the end: its target and what its balloon ends short
 * of targets. A guest that rests near its target has its size already. */
static bl_pages told_to_have(const struct bl_view *v)
{
	if (bl_view_on_way_down(v))
		return bl_pages_min(bl_pages_add(v->dom->target, v->track->short_by), v->dom->tot);
	return v->dom->target.n < v->dom->tot.n ? v->dom->tot : v->have;
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

	if (!v->managed || v->track->refuses || v->track->stuck || v->goal.n >= v->have.n)
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
		/* A little can wait until what is on its way has arrived. */
		return sc->asked.n && wanted.n < CRUMB ? BL_PAGES(0) : wanted;
	}
	for (size_t k = 0; k < sc->n; k++)
		wanted = bl_pages_add(wanted, bl_pages_sub(plan->views[sc->index[k]].goal,
							   plan->views[sc->index[k]].have));
	wanted = bl_pages_sub(wanted, bl_pages_add(plan->available, sc->asked));
	return wanted.n < in->settings->threshold.n ? BL_PAGES(0) : wanted;
}

bl_pages bl_plan_least_ask(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages missing = still_to_ask(plan, in), least = in->settings->threshold;
	uint64_t crumb = sc->asked.n ? CRUMB : 1;

	while (missing.n && least.n > crumb) {
		bl_pages asked = BL_PAGES(0);

		for (size_t k = 0; k < sc->n; k++) {
			const struct bl_view *v = &plan->views[sc->index[k]];
			bl_pages one = ask_of(v);

			if (one.n >= least.n && !v->silent)
				asked = bl_pages_add(asked, one);
		}
		if (asked.n >= missing.n)
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

	if (d->target.n > d->tot.n && v->growing.n < v->granted.n && v->track->asked.n != BL_MS_NEVER.n)
		return bl_pages_add(d->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
	if (d->target.n > d->tot.n) /* its limit may be below its target */
		return v->granted.n == v->growing.n ? bl_pages_min(d->target, v->have) : d->target;
	/* so near to it that it may as well go there, or stay */
	if (d->tot.n - d->target.n <= bl_tolerance(d->tot).n)
		return bl_pages_max(d->target, floor_of(v));
	return d->tot;
}

/* Its own max, which it was told of already as well as it can be. */
static bool told_its_max(const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;

	return d->target.n <= v->limits.max.n && d->target.n < d->tot.n &&
	       d->tot.n - d->target.n <= bl_tolerance(d->tot).n;
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

	if (stays.n < d->tot.n)
		stays = bl_pages_max(stays, floor_of(v));
	if (!v->track->proven && bl_view_on_way_down(v))
		return stays;
	if (v->goal.n >= v->have.n)
		return target_unasked(v);
	if (v->track->refuses) /* it is asked for no more, and may still come round */
		return bl_pages_min(bl_pages_max(d->target, bl_pages_sub(v->have, v->givable_if_responsive)),
				    v->limits.max);
	if (want.n >= told_to_have(v).n && want.n - told_to_have(v).n >= in->settings->threshold.n)
		return want; /* it was asked for far too much */
	if (!ask.n || (!must && ask.n < plan->scratch->least_ask.n))
		return stays;
	if (v->silent && !plan->scratch->claims_short) /* only a claim asks it for more */
		return stays;
	if (want.n < d->tot.n)
		want = bl_pages_max(bl_pages_sub(want, v->track->short_by), least_to_ask(v));
	return want;
}

/* Of one that is stuck: its target is left alone until it is time to try again; then it is
 * asked for what is needed now. Where nobody needs anything no more than a probe stays
 * asked for, which shows when the guest comes round. */
static bl_pages stuck_target(const struct bl_plan_in *in, const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bl_pages stays = d->target.n < d->tot.n ? bl_pages_max(d->target, floor_of(v)) : d->target;
	bl_pages want = bl_pages_max(v->goal, least_to_ask(v));

	if (d->target.n > d->tot.n)
		return v->goal.n >= d->tot.n ? target_unasked(v) : want;
	if (!bl_view_retry_due(v, in))
		return stays;
	if (v->goal.n >= d->tot.n)
		want = bl_pages_max(bl_pages_max(bl_pages_sub(d->tot, bl_probe(d->tot)), floor_of(v)),
				    stays);
	if (v->track->refuses) /* it is asked for no more, stuck or not */
		want = bl_pages_max(want, stays);
	return bl_pages_distance(want, stays).n > bl_tolerance(d->tot).n ? want : stays;
}

bl_pages bl_plan_giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			       const struct bl_view *v)
{
	return v->track->stuck ? stuck_target(in, v) : willing_target(plan, in, v);
}
