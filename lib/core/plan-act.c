/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From goals to this tick's actions. Order: claims whose room is there, then
 * those that give, then limits that follow, then those that get. */
#include <assert.h>
#include <string.h>

#include "lib/core/plan-internal.h"

/* Room was made for all there can be, see bl_plan_make. */
static void emit(struct bl_plan *plan, struct bl_action a)
{
	assert(plan->n_actions < plan->cap_actions);
	plan->actions[plan->n_actions++] = a;
}

static void emit_dom(struct bl_plan *plan, enum bl_action_kind kind, const struct bl_view *v,
		     bl_pages pages, enum bl_why why)
{
	emit(plan, (struct bl_action){
			   .kind = kind, .why = why, .domid = v->dom->domid, .pages = pages });
}

/* Oldest first; the first that does not fit keeps its room from all behind. */
static void act_stake(struct bl_plan *plan, const struct bl_plan_in *in)
{
	int64_t room = plan->balance;

	for (size_t i = 0; i < in->ledger->n; i++)
		if (in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)bl_claim_promised(in->ledger->claims[i], in->snap).n;
	for (size_t i = 0; i < in->ledger->n; i++) {
		struct bl_claim *c = in->ledger->claims[i];
		int64_t need = (int64_t)bl_claim_promised(c, in->snap).n;
		bl_pages size = c->size;

		if (c->state != BL_CLAIM_RECLAIMING)
			continue;
		/* Its pages are on their way; or there is room, but not where it wants it. */
		if (c->after || bl_pages_sub(BL_PAGES(need), c->overhead).n > bl_snapshot_node_room(in->snap, c->node).n) {
			room -= need;
			continue;
		}
		if (need > room) {
			bl_pages lack = BL_PAGES(need - room);

			/* --min: what is there will do once no more can come */
			if (plan->reclaimable.n || room < 0)
				return;
			size = bl_pages_sub(c->size, lack);
			if (size.n < c->min.n || size.n < c->staked.n)
				return;
			need = room;
		}
		emit(plan, (struct bl_action){ .kind = BL_ACT_STAKE, .why = BL_WHY_CLAIM,
					       .domid = BL_DOMID_NONE, .pages = size, .claim = c });
		room -= need;
	}
}

static uint64_t distance(bl_pages a, bl_pages b)
{
	return a.n > b.n ? a.n - b.n : b.n - a.n;
}

/* The target a guest that should not grow is to have now; its present one
 * where a change is not worth it. */
static bl_pages giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
			      const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bool exact = plan->scratch->claims_short || v->why == BL_WHY_LIMITS ||
		     v->why == BL_WHY_WITHDRAWN;
	bl_pages want = v->goal;

	if (!v->track->proven && d->target.n < d->tot.n)
		return bl_pages_max(d->target, v->floor); /* its probe is out */
	if (v->growing.n < v->granted.n && want.n >= d->tot.n) /* not taken: it is withdrawn but for what shows that it is */
		return bl_pages_add(d->tot, bl_pages_min(v->granted, BL_PAGES(BL_PROGRESS_PAGES)));
	if (v->goal.n >= v->have.n) /* nobody asks any more; its limit may be below its target */
		return bl_pages_max(bl_pages_min(d->target, v->have), d->tot);
	if (v->track->refuses) /* it is asked for no more, and may still come round */
		return bl_pages_min(bl_pages_max(d->target, bl_pages_sub(v->have, v->hoped)), v->limits.max);
	if (d->target.n < d->tot.n && d->target.n >= v->floor.n && want.n < d->tot.n) {
		/* on its way down already: for less than the threshold only further */
		if (distance(want, d->target) < in->settings->threshold.n &&
		    (!exact || want.n >= d->target.n))
			return d->target;
		/* one that does not follow is asked for less as others give; what they
		 * get in turn is no reason to ask it for more, until it is tried anew */
		if (!exact && bl_view_lags(v, in->snap->now))
			return bl_pages_max(want, d->target);
	} else if (!exact && v->have.n - want.n < in->settings->threshold.n) {
		return bl_pages_max(d->target, d->tot);
	}
	if (!v->track->proven && want.n < d->tot.n)
		want = bl_pages_max(want, bl_pages_sub(d->tot, BL_PAGES(BL_PROGRESS_PAGES)));
	return want;
}

static enum bl_why why_told(const struct bl_view *v, bl_pages target)
{
	if (!v->track->proven && target.n < v->dom->tot.n)
		return BL_WHY_PROBE;
	if (v->goal.n >= v->have.n && target.n >= v->dom->tot.n && target.n < v->dom->target.n)
		return BL_WHY_WITHDRAWN;
	return v->why;
}

static void act_give(struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	const struct bl_track *t = v->track;
	bl_pages target = d->target, limit;

	if (v->managed && !in->snap->store_stale) {
		bl_ms last = BL_MS(t->nudged.n > t->moved.n ? t->nudged.n : t->moved.n);

		target = giving_target(plan, in, v);
		if (target.n != d->target.n)
			emit_dom(plan, BL_ACT_TARGET, v, target, why_told(v, target));
		else if (t->lagging &&
			 bl_ms_since(in->snap->now, last).n >= in->settings->retry_after.n)
			emit_dom(plan, BL_ACT_NUDGE, v, d->target, BL_WHY_RETRY);
	}
	limit = bl_pages_max(d->tot, target);
	if (v->state <= BL_STATE_STUCK && v->limits.mode != BL_MODE_IGNORE &&
	    (t->ours || target.n != d->target.n) && d->max_pages.n > limit.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, limit, BL_WHY_FOLLOW);
}

static bool is_tried(const struct bl_view *v)
{
	return bl_view_step(v).n != UINT64_MAX;
}

static bool may_grow(const struct bl_plan_in *in, const struct bl_view *v)
{
	if (!v->managed || v->goal.n <= v->have.n || (v->dom->target.n != v->dom->tot.n && is_tried(v)))
		return false;
	return v->have.n < v->limits.min.n || v->goal.n - v->have.n >= in->settings->threshold.n;
}

/* A dribble of small grants costs more than it brings. */
static bool worth_it(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to)
{
	if (to.n <= v->have.n || is_tried(v))
		return to.n > v->have.n;
	return to.n >= v->goal.n || to.n == v->limits.min.n ||
	       to.n - v->have.n >= in->settings->threshold.n;
}

/* The most that this plan may grant it. */
static bl_pages grant_limit(const struct bl_view *v)
{
	return bl_pages_min(v->goal, bl_pages_add(v->have, bl_view_step(v)));
}

/* Who gets how much of what is free now, claimed by nobody and promised to
 * nobody: sc->grant[] by view, the new target or 0. First to those below their
 * min, then to all. */
static int grant(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	bl_pages left = plan->available;
	size_t n = 0;
	int r;

	memset(sc->grant, 0, plan->n_views * sizeof(*sc->grant));
	if (!left.n || in->paused || in->snap->store_stale)
		return 0;
	for (size_t k = 0; k < sc->n; k++) {
		const struct bl_view *v = &plan->views[sc->index[k]];
		bl_pages hi;

		if (!may_grow(in, v))
			continue;
		hi = bl_pages_min(grant_limit(v), v->limits.min);
		sc->shares[n] = (struct bl_share_in){ v->have, bl_pages_max(v->have, hi), v->limits.weight };
		sc->index[n++] = sc->index[k];
	}
	r = bl_fill_share(&sc->fill, sc->shares, n, left, sc->result, &left);
	for (size_t k = 0; k < n && !r; k++) {
		sc->shares[k].lo = sc->result[k];
		sc->shares[k].hi = bl_pages_max(sc->result[k], grant_limit(&plan->views[sc->index[k]]));
	}
	if (!r)
		r = bl_fill_share(&sc->fill, sc->shares, n, left, sc->result, &left);
	for (size_t k = 0; k < n && !r; k++)
		if (worth_it(in, &plan->views[sc->index[k]], sc->result[k]))
			sc->grant[sc->index[k]] = sc->result[k];
	return r;
}

static void act_grow(struct bl_plan *plan, const struct bl_view *v, bl_pages to)
{
	enum bl_why why = is_tried(v) ? BL_WHY_PROBE : v->why;

	if (v->dom->max_pages.n < to.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, to, why);
	emit_dom(plan, BL_ACT_TARGET, v, to, why);
	if (v->track->ours && v->dom->max_pages.n > to.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, to, why);
}

/* How soon to look again. One that is stuck, or that dies, is no reason to hurry
 * unless a claim waits; nor is a builder that sleeps. */
static void look_ahead(struct bl_plan *plan, const struct bl_plan_in *in)
{
	plan->moving = plan->n_actions > 0;
	plan->waiting = false;
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];

		if (v->state == BL_STATE_GROWING || v->state == BL_STATE_SHRINKING)
			*(v->track->lagging ? &plan->waiting : &plan->moving) = true;
		plan->waiting |= v->state == BL_STATE_BUILDING && v->growing.n;
	}
	for (size_t i = 0; i < in->ledger->n; i++)
		plan->waiting |= in->ledger->claims[i]->state != BL_CLAIM_HELD;
}

int bl_plan_act(struct bl_plan *plan, const struct bl_plan_in *in)
{
	const bl_pages *granted = plan->scratch->grant;
	int r = grant(plan, in);

	if (r)
		return r;
	act_stake(plan, in);
	for (size_t i = 0; i < plan->n_views && !in->paused; i++)
		if (plan->views[i].track && !granted[i].n)
			act_give(plan, in, &plan->views[i]);
	for (size_t i = 0; i < plan->n_views; i++)
		if (granted[i].n)
			act_grow(plan, &plan->views[i], granted[i]);
	look_ahead(plan, in);
	return 0;
}
