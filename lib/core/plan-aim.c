/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every managed guest should have in the end. */
#include "lib/core/plan-internal.h"

/* Which waiting claims balloons can serve, oldest first; behind one that they
 * cannot, nobody is served either. Guests that lag are hoped for: were they not
 * asked any more they could not come round, and the others would be called back
 * half way. */
static void sort_out_claims(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	int64_t room = plan->balance, pool;
	bool blocked = false;

	sc->claims_short = false;
	sc->blocked = BL_PAGES(0);
	for (size_t i = 0; i < in->ledger->n; i++)
		if (in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)bl_claim_promised(in->ledger->claims[i], in->snap).n;
	pool = room + (int64_t)sc->above_floors.n;
	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *c = in->ledger->claims[i];
		int64_t need, least;

		if (c->state != BL_CLAIM_RECLAIMING)
			continue;
		need = (int64_t)bl_claim_promised(c, in->snap).n;
		least = need - (int64_t)bl_pages_sub(c->size, c->min).n;
		blocked |= least > pool;
		if (blocked) {
			sc->blocked = bl_pages_add(sc->blocked, BL_PAGES(need));
			continue;
		}
		sc->claims_short |= need > room;
		pool -= need;
		room -= need;
	}
	sc->shortage = BL_PAGES(room < 0 ? -room : 0);
}

/* What is left of a grant that was not taken: a mebibyte stays on offer, so
 * that it shows when the guest comes round. */
static bl_pages offer_of(const struct bl_view *v)
{
	return bl_pages_add(v->dom->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
}

/* The most it should have now. One that does not take what it is granted gets
 * no more, and for one that is being tried others give little at a time. */
static bl_pages most_of(const struct bl_view *v, const struct bl_plan_in *in)
{
	bl_pages most = bl_pages_min(v->limits.max, in->snap->total);
	const struct bl_telemetry *t = &v->dom->tele;
	bl_pages step = bl_pages_max(in->settings->threshold, bl_view_step(v));

	if (v->track->fresh && t->has_max) /* more it says it cannot have */
		most = bl_pages_min(most, bl_pages_max(t->max, v->have));
	if (v->track->stuck & BL_STUCK_TAKING) /* it is tried with what nobody gives for it */
		return bl_pages_min(most, offer_of(v));
	return bl_pages_min(most, bl_pages_add(v->have, step));
}

static struct bl_guest_in guest_of(const struct bl_view *v, const struct bl_plan *plan,
				   const struct bl_plan_in *in)
{
	const struct bl_track *t = v->track;
	struct bl_guest_in g = {
		.min = v->limits.min,
		.max = most_of(v, in),
		.have = v->have,
		.used = t->fresh ? v->dom->tele.used : BL_PAGES(0),
		.demand = v->demand,
		.weight = v->limits.weight,
	};

	if (t->stuck & BL_STUCK_TAKING)
		g.have = bl_pages_min(g.have, offer_of(v));
	/* one that boots gives nothing, and gets what it reports to need */
	if (!plan->scratch->claims_short && bl_track_booting(t, in->settings, in->snap->now)) {
		g.max = t->fresh ? bl_pages_max(g.max, g.have) : g.have;
		g.min = g.have;
		g.demand = bl_pages_clamp(g.demand, g.min, g.max);
	}
	/* nobody knows what it needs: it gives for a claim only */
	if (!plan->scratch->claims_short && !t->fresh && in->settings->policy == BL_POLICY_DEMAND)
		g.min = bl_pages_max(g.min, g.have);
	g.min = bl_pages_min(g.min, g.max);
	return g;
}

/* What the guests may share; bl_policy_targets leaves each what it uses, even
 * where this is less. */
static bl_pages budget_of(const struct bl_plan *plan)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	int64_t budget = plan->balance + (int64_t)sc->blocked.n;

	/* Pages come and go by themselves, and somebody else may take a few all the time: what
	 * lacks a few asks for some more at once, or guests would be told of each. */
	if (sc->shortage.n > sc->asked.n && sc->shortage.n - sc->asked.n < BL_PROGRESS_PAGES)
		budget -= (int64_t)BL_PROGRESS_PAGES;
	for (size_t k = 0; k < sc->n; k++)
		budget += (int64_t)plan->views[sc->index[k]].have.n;
	return BL_PAGES(budget > 0 ? budget : 0);
}

static enum bl_why why_of(const struct bl_plan *plan, const struct bl_view *v, const struct bl_guest_in *g)
{
	if (bl_pages_lt(v->goal, v->have)) {
		if (bl_pages_gt(v->have, v->limits.max))
			return BL_WHY_LIMITS;
		if (plan->scratch->claims_short)
			return BL_WHY_CLAIM;
		return bl_pages_lt(g->have, v->have) ? BL_WHY_WITHDRAWN : BL_WHY_DEMAND;
	}
	if (bl_pages_eq(v->goal, v->have))
		return BL_WHY_NONE;
	if (bl_pages_lt(v->have, v->limits.min))
		return BL_WHY_LIMITS;
	return bl_pages_le(v->goal, v->demand) ? BL_WHY_DEMAND : BL_WHY_SURPLUS;
}

/* For a claim, or because it is already: only a claim is worth asking one anew
 * that gave nothing a while ago. */
static bool still_asked(const struct bl_plan *plan, const struct bl_view *v)
{
	return plan->scratch->claims_short || bl_pages_lt(v->dom->target, v->dom->tot);
}

/* The k-th guest's share, the same as that of any other like it: without what it
 * got only because it comes before others. */
static bl_pages share_of(const struct bl_plan_scratch *sc, size_t k)
{
	return bl_pages_sub(sc->result[k], BL_PAGES(bl_policy_rounded_up(sc->policy, k)));
}

/* What it keeps, whatever its share is. */
static bl_pages keeps(const struct bl_view *v, bl_ms now)
{
	if (bl_view_lags(v, now))
		return v->dom->tot;
	/* nearer than that to its floor its balloon does not come */
	return bl_pages_max(bl_view_own_min(v), v->track->short_by.n ? bl_view_lowest(v) : BL_PAGES(0));
}

/* Of one that keeps more than its share: what it is asked to have. */
static bl_pages goal_of_keeper(const struct bl_plan *plan, const struct bl_view *v, bl_pages share,
			       bl_ms now)
{
	bl_pages own = bl_pages_min(bl_view_own_min(v), v->limits.max);

	if (!bl_view_lags(v, now))
		return bl_pages_min(keeps(v, now), bl_pages_max(own, v->limits.max));
	return still_asked(plan, v) ? bl_pages_max(bl_pages_min(v->goal, share), own) : v->dom->tot;
}

/* Those that do not follow and would have to give keep what they have, and others
 * their driver's own min; true: there were some, and it has to be shared again
 * without their part. That comes after the sharing, for whoever says he must keep
 * much is to get no more than he keeps. The goal of those who are still asked is
 * what they would have to give if they followed. */
static bool leave_out(struct bl_plan *plan, const struct bl_plan_in *in, bool first, bool last)
{
	struct bl_plan_scratch *sc = plan->scratch;
	bool some = false;

	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];
		struct bl_guest_in *g = &sc->guests[k];
		bl_pages keep = keeps(v, in->snap->now);

		if (first)
			v->goal = sc->result[k];
		if (bl_pages_lt(share_of(sc, k), keep)) {
			v->goal = goal_of_keeper(plan, v, sc->result[k], in->snap->now);
			g->min = g->max = keep;
			if (bl_view_lags(v, in->snap->now))
				g->have = keep;
			some = true;
		} else if (last) { /* and no other will have to */
			g->min = bl_pages_max(g->min, keep);
			g->max = bl_pages_max(g->max, g->min);
		}
	}
	return some;
}

/* A reserve that is short is no reason to take from anybody; it is made up for
 * when a claim or another's need moves memory. */
static void spare_for_reserve(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;

	if (sc->claims_short || plan->balance + (int64_t)sc->blocked.n >= 0)
		return;
	for (size_t k = 0; k < sc->n; k++) {
		const struct bl_view *v = &plan->views[sc->index[k]];

		if (bl_pages_gt(v->goal, v->have) &&
		    (bl_pages_lt(v->have, v->limits.min) ||
		     bl_pages_ge(bl_pages_sub(v->goal, v->have), in->settings->threshold)))
			return;
	}
	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];
		/* its own min is no bound any more */
		struct bl_guest_in g = bl_view_lags(v, in->snap->now) ? sc->guests[k]
								      : guest_of(v, plan, in);

		v->goal = bl_pages_min(g.have, g.max);
	}
}

/* More rounds than guests of good faith ever need. */
#define ROUNDS 8

/* First as if all could follow; then those that do not are taken for what
 * they are, and the others take their part. */
int bl_plan_aim(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	const struct bl_settings *s = in->settings;
	bl_pages budget;
	unsigned round = 0;
	int r;

	sort_out_claims(plan, in);
	for (size_t k = 0; k < sc->n; k++)
		sc->guests[k] = guest_of(&plan->views[sc->index[k]], plan, in);
	budget = budget_of(plan);
	do
		r = bl_policy_targets(sc->policy, s->policy, s->surplus_give, sc->guests, sc->n, budget,
				      sc->result);
	while (r == 0 && round < ROUNDS && leave_out(plan, in, round == 0, round == ROUNDS - 1) && ++round);
	for (size_t k = 0; k < sc->n && r == 0; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];

		if (bl_view_lags(v, in->snap->now) && bl_pages_lt(v->goal, v->dom->tot))
			continue;
		v->goal = sc->result[k];
		if (!bl_pages_is_zero(bl_view_own_min(v)) &&
		    !bl_view_lags(v, in->snap->now)) /* may be above its max */
			v->goal = bl_pages_min(v->goal, guest_of(v, plan, in).max);
	}
	if (r < 0)
		return r;
	spare_for_reserve(plan, in);
	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];

		v->why = why_of(plan, v, &sc->guests[k]);
	}
	return 0;
}
