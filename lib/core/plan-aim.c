/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets the goal of every managed guest: what it should have in the end. */
#include "lib/core/plan-internal.h"

/* Finds the waiting claims that guests can make room for, oldest first. Behind a claim that they
 * cannot, no claim is served. Keep asking guests that do not respond: if we stopped, they could
 * never recover, and the guests that took over their share would be told to grow again half-way. */
static void find_claims_to_serve(struct bl_plan *plan, const struct bl_plan_in *in)
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

/* What a guest keeps of a grant that it did not take: a mebibyte stays on offer, so that a guest
 * that recovers shows it. */
static bl_pages offer_of(const struct bl_view *v)
{
	return bl_pages_add(v->dom->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
}

/* The most that the guest should have now. A guest that does not take a grant gets no more, and
 * others give little at a time for a guest that is being tried. */
static bl_pages most_for(const struct bl_view *v, const struct bl_plan_in *in)
{
	bl_pages most = bl_pages_min(v->limits.max, in->snap->total);
	const struct bl_telemetry *t = &v->dom->tele;
	bl_pages step = bl_pages_max(in->settings->threshold, bl_view_step(v));

	if (v->track->fresh && t->has_max) /* the driver cannot take more */
		most = bl_pages_min(most, bl_pages_max(t->max, v->have));
	if (v->track->stuck & BL_STUCK_TAKING) /* no guest gives for it; it is tried with what is free */
		return bl_pages_min(most, offer_of(v));
	return bl_pages_min(most, bl_pages_add(v->have, step));
}

static struct bl_guest_in guest_of(const struct bl_view *v, const struct bl_plan *plan,
				   const struct bl_plan_in *in)
{
	const struct bl_track *t = v->track;
	struct bl_guest_in g = {
		.min = v->limits.min,
		.max = most_for(v, in),
		.have = v->have,
		.used = t->fresh ? v->dom->tele.used : BL_PAGES(0),
		.demand = v->demand,
		.weight = v->limits.weight,
	};

	if (t->stuck & BL_STUCK_TAKING)
		g.have = bl_pages_min(g.have, offer_of(v));
	/* A guest that boots gives nothing, and gets what it reports to need. */
	if (!plan->scratch->claims_short && bl_track_booting(t, in->settings, in->snap->now)) {
		g.max = t->fresh ? bl_pages_max(g.max, g.have) : g.have;
		g.min = g.have;
		g.demand = bl_pages_clamp(g.demand, g.min, g.max);
	}
	/* Without a report nobody knows what the guest needs: it gives only to claims. */
	if (!plan->scratch->claims_short && !t->fresh && in->settings->policy == BL_POLICY_DEMAND)
		g.min = bl_pages_max(g.min, g.have);
	g.min = bl_pages_min(g.min, g.max);
	return g;
}

/* What the guests share. bl_policy_targets() leaves each guest what it uses even if this is less. */
static bl_pages budget_of(const struct bl_plan *plan)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	int64_t budget = plan->balance + (int64_t)sc->blocked.n;

	/* A few pages always come and go. A claim that lacks only a few more asks for a mebibyte
	 * at once: otherwise guests would be told of each page. */
	if (sc->shortage.n > sc->asked.n && sc->shortage.n - sc->asked.n < BL_PROGRESS_PAGES)
		budget -= (int64_t)BL_PROGRESS_PAGES;
	for (size_t k = 0; k < sc->n; k++)
		budget += (int64_t)plan->views[sc->index[k]].have.n;
	return BL_PAGES(budget > 0 ? budget : 0);
}

static enum bl_why why_of(const struct bl_plan *plan, const struct bl_view *v, const struct bl_guest_in *g)
{
	if (v->goal.n < v->have.n) {
		if (v->have.n > v->limits.max.n)
			return BL_WHY_LIMITS;
		if (plan->scratch->claims_short)
			return BL_WHY_CLAIM;
		return g->have.n < v->have.n ? BL_WHY_WITHDRAWN : BL_WHY_DEMAND;
	}
	if (v->goal.n == v->have.n)
		return BL_WHY_NONE;
	if (v->have.n < v->limits.min.n)
		return BL_WHY_LIMITS;
	return v->goal.n <= v->demand.n ? BL_WHY_DEMAND : BL_WHY_SURPLUS;
}

/* True if a guest that lags is still asked to give: it has been asked already, or a claim waits.
 * Nothing else is worth asking it again. */
static bool still_asked(const struct bl_plan *plan, const struct bl_view *v)
{
	return plan->scratch->claims_short || v->dom->target.n < v->dom->tot.n;
}

/* The share of the k-th guest, equal to that of similar guests: without the page that it got only
 * for its place in the order. */
static bl_pages share_of(const struct bl_plan_scratch *sc, size_t k)
{
	return bl_pages_sub(sc->result[k], BL_PAGES(bl_policy_rounded_up(sc->policy, k)));
}

/* What the guest keeps, whatever its share. */
static bl_pages kept_pages(const struct bl_view *v, bl_ms now)
{
	if (bl_view_lags(v, now))
		return v->dom->tot;
	/* its balloon ends so much short of its floor */
	return bl_pages_max(bl_view_own_min(v), v->track->short_by.n ? bl_view_lowest(v) : BL_PAGES(0));
}

/* The goal of a guest that keeps more than its share. */
static bl_pages goal_of_keeper(const struct bl_plan *plan, const struct bl_view *v, bl_pages share,
			       bl_ms now)
{
	bl_pages own = bl_pages_min(bl_view_own_min(v), v->limits.max);

	if (!bl_view_lags(v, now))
		return bl_pages_min(kept_pages(v, now), bl_pages_max(own, v->limits.max));
	return still_asked(plan, v) ? bl_pages_max(bl_pages_min(v->goal, share), own) : v->dom->tot;
}

/* Guests that should give and do not follow keep what they have, and others keep their driver's
 * own min. Returns true if there were some: then the rest is shared again. Guests are excluded
 * only after the sharing, so that a guest that claims to need much gets no more than it keeps.
 * The goal of a guest that is still asked is what it would have to give if it followed. */
static bool exclude_keepers(struct bl_plan *plan, const struct bl_plan_in *in, bool first, bool last)
{
	struct bl_plan_scratch *sc = plan->scratch;
	bool some = false;

	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];
		struct bl_guest_in *g = &sc->guests[k];
		bl_pages keep = kept_pages(v, in->snap->now);

		if (first)
			v->goal = sc->result[k];
		if (share_of(sc, k).n < keep.n) {
			v->goal = goal_of_keeper(plan, v, sc->result[k], in->snap->now);
			g->min = g->max = keep;
			if (bl_view_lags(v, in->snap->now))
				g->have = keep;
			some = true;
		} else if (last) { /* the last round excludes nobody else */
			g->min = bl_pages_max(g->min, keep);
			g->max = bl_pages_max(g->max, g->min);
		}
	}
	return some;
}

/* A reserve that is too small is no reason to shrink a guest: it is filled when a claim, or
 * another guest's need, moves memory. */
static void spare_for_reserve(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;

	if (sc->claims_short || plan->balance + (int64_t)sc->blocked.n >= 0)
		return;
	for (size_t k = 0; k < sc->n; k++) {
		const struct bl_view *v = &plan->views[sc->index[k]];

		if (v->goal.n > v->have.n &&
		    (v->have.n < v->limits.min.n || v->goal.n - v->have.n >= in->settings->threshold.n))
			return;
	}
	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];
		/* a min of its own binds no longer */
		struct bl_guest_in g = bl_view_lags(v, in->snap->now) ? sc->guests[k]
								      : guest_of(v, plan, in);

		v->goal = bl_pages_min(g.have, g.max);
	}
}

/* More rounds than guests need that report honestly. */
#define ROUNDS 8

/* Shares as if all guests followed; then excludes those that do not, and shares the rest among
 * the others. */
int bl_plan_aim(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	const struct bl_settings *s = in->settings;
	bl_pages budget;
	unsigned round = 0;
	int r;

	find_claims_to_serve(plan, in);
	for (size_t k = 0; k < sc->n; k++)
		sc->guests[k] = guest_of(&plan->views[sc->index[k]], plan, in);
	budget = budget_of(plan);
	do
		r = bl_policy_targets(sc->policy, s->policy, s->surplus_give, sc->guests, sc->n, budget,
				      sc->result);
	while (!r && round < ROUNDS && exclude_keepers(plan, in, round == 0, round == ROUNDS - 1) &&
	       ++round);
	for (size_t k = 0; k < sc->n && !r; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];

		if (bl_view_lags(v, in->snap->now) && v->goal.n < v->dom->tot.n)
			continue;
		v->goal = sc->result[k];
		if (bl_view_own_min(v).n &&
		    !bl_view_lags(v, in->snap->now)) /* it may be above the guest's max */
			v->goal = bl_pages_min(v->goal, guest_of(v, plan, in).max);
	}
	if (r)
		return r;
	spare_for_reserve(plan, in);
	for (size_t k = 0; k < sc->n; k++) {
		struct bl_view *v = &plan->views[sc->index[k]];

		v->why = why_of(plan, v, &sc->guests[k]);
	}
	return 0;
}
