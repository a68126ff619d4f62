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

/* ---- those that give ---- */

/* What it will have in the end as it was told, as far as it ends from its targets; where it
 * rests near its target, what it has. */
static bl_pages told_to_have(const struct bl_view *v)
{
	if (bl_view_on_way_down(v))
		return bl_pages_min(bl_pages_add(v->dom->target, v->track->short_by), v->dom->tot);
	return v->dom->target.n < v->dom->tot.n ? v->dom->tot : v->have;
}

/* What it is not asked to go below; a max below that counts all the same. */
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

	if (sc->claims_short)
		return bl_pages_sub(sc->shortage, sc->asked);
	for (size_t k = 0; k < sc->n; k++)
		wanted = bl_pages_add(wanted, bl_pages_sub(plan->views[sc->index[k]].goal,
							   plan->views[sc->index[k]].have));
	wanted = bl_pages_sub(wanted, bl_pages_add(plan->available, sc->asked));
	return wanted.n < in->settings->threshold.n ? BL_PAGES(0) : wanted;
}

/* The least difference that a guest is told of: a threshold, and less only where that
 * brings what is still to be asked. */
static bl_pages worth_asking(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_plan_scratch *sc = plan->scratch;
	bl_pages missing = still_to_ask(plan, in), least = in->settings->threshold;

	while (missing.n && least.n > 1) {
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
	return v->track->proven ? floor_of(v) :
				  bl_pages_max(floor_of(v), bl_pages_sub(v->dom->tot, bl_probe(v->dom->tot)));
}

/* The target a guest that should not grow is to have now; its present one
 * where a change is not worth it. */
static bl_pages giving_target(const struct bl_plan *plan, const struct bl_plan_in *in,
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
		return bl_pages_min(bl_pages_max(d->target, bl_pages_sub(v->have, v->hoped)), v->limits.max);
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
		want = bl_pages_max(bl_pages_max(bl_pages_sub(d->tot, bl_probe(d->tot)), floor_of(v)), stays);
	return bl_pages_distance(want, stays).n > bl_tolerance(d->tot).n ? want : stays;
}

static enum bl_why why_told(const struct bl_view *v, bl_pages target)
{
	if (!v->track->proven && target.n < v->dom->tot.n)
		return BL_WHY_PROBE;
	if (v->goal.n >= v->have.n && target.n >= v->dom->tot.n && target.n < v->dom->target.n)
		return BL_WHY_WITHDRAWN;
	return v->why;
}

/* Its limit is drawn down to its pages once it has come to its end, or went up again on
 * its way: a hypercall for each step would bring nothing more. */
static void limit_follows(struct bl_plan *plan, const struct bl_view *v, bl_pages target)
{
	const struct bl_dom *d = v->dom;
	bl_pages limit = bl_pages_max(d->tot, target);
	bool goes_down = target.n < d->tot.n && !v->track->rose && !v->track->stuck &&
			 (target.n != d->target.n || bl_view_on_way_down(v));

	if (v->state <= BL_STATE_STUCK && v->limits.mode != BL_MODE_IGNORE && !goes_down &&
	    (v->track->ours || target.n != d->target.n) && d->max_pages.n > limit.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, limit, BL_WHY_FOLLOW);
}

static void act_give(struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_view *v)
{
	const struct bl_dom *d = v->dom;
	bl_pages target = d->target;

	if (v->managed && !in->snap->store_stale) {
		target = v->track->stuck ? stuck_target(in, v) : giving_target(plan, in, v);
		if (target.n != d->target.n)
			emit_dom(plan, BL_ACT_TARGET, v, target, why_told(v, target));
		else if (d->target.n != d->tot.n && bl_view_retry_due(v, in))
			emit_dom(plan, BL_ACT_NUDGE, v, d->target, BL_WHY_RETRY);
	}
	limit_follows(plan, v, target);
}

/* ---- those that get ---- */

static bool is_tried(const struct bl_view *v)
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
	return v->dom->target.n == v->dom->tot.n || !is_tried(v);
}

/* A dribble of small grants costs more than it brings. */
static bool worth_it(const struct bl_plan_in *in, const struct bl_view *v, bl_pages to, bl_pages least)
{
	bl_pages from = grows_from(v);

	if (to.n <= from.n || is_tried(v))
		return to.n > from.n;
	return to.n - from.n >= least.n || (v->have.n < v->limits.min.n && to.n == v->limits.min.n) ||
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
static int grant(struct bl_plan *plan, const struct bl_plan_in *in)
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
			*(v->track->stuck ? &plan->waiting : &plan->moving) = true;
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
	plan->scratch->least_ask = worth_asking(plan, in);
	for (size_t i = 0; i < plan->n_views && !in->paused; i++)
		if (plan->views[i].track && !granted[i].n)
			act_give(plan, in, &plan->views[i]);
	for (size_t i = 0; i < plan->n_views; i++)
		if (granted[i].n)
			act_grow(plan, &plan->views[i], granted[i]);
	look_ahead(plan, in);
	return 0;
}
