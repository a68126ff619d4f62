/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/property/rules.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/property/count.h"

static const char *says(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *says(const char *fmt, ...)
{
	static char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

/* What the plan makes of a domain's target and limit. */
struct after {
	uint64_t target, max;
};

static struct after after(const struct bl_plan *plan, const struct bl_dom *d)
{
	struct after a = { d->target.n, d->max_pages.n };

	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct bl_action *act = &plan->actions[i];

		if (act->kind == BL_ACT_STAKE || act->domid != d->domid)
			continue;
		if (act->kind == BL_ACT_MAXMEM)
			a.max = act->pages.n;
		else
			a.target = act->pages.n;
	}
	return a;
}

/* What a guest that is not proven may be tried with: 40 MiB, and no more than a twelfth. */
static uint64_t probe(const struct bl_dom *d)
{
	uint64_t part = d->tot.n / 12, most = 40 * BL_PAGES_PER_MIB;

	part = part < BL_PAGES_PER_MIB ? BL_PAGES_PER_MIB : part;
	return part < most ? part : most;
}

/* ---- 1: memory is never promised twice ---- */

static const char *promised_twice(struct world *w, const struct bl_plan *plan)
{
	int64_t before = count_balance(w), then = before, room = before;

	if (plan->balance != before)
		return says("it counts a balance of %" PRId64 ", there is %" PRId64, plan->balance, before);
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const struct bl_dom *d = &w->snap.doms[i];
		struct after a = after(plan, d);
		uint64_t was = count_growing(w, d, d->target.n, d->max_pages.n);
		uint64_t is = count_growing(w, d, a.target, a.max);

		then -= (int64_t)is - (int64_t)was;
		if (before < 0 && is > was)
			return says("%u grows while the balance is %" PRId64, (unsigned)d->domid, before);
	}
	if (then < 0 && then < before)
		return says("the balance goes from %" PRId64 " to %" PRId64, before, then);
	for (size_t i = 0; i < w->ledger.n; i++)
		if (w->ledger.claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)count_promised(w, w->ledger.claims[i]);
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct bl_claim *c = plan->actions[i].claim;

		if (plan->actions[i].kind != BL_ACT_STAKE)
			continue;
		room -= (int64_t)(count_promised(w, c) - (c->size.n - plan->actions[i].pages.n));
		if (room < 0)
			return says("claim %u is staked on memory that is not there", c->handle.b[15]);
	}
	return NULL;
}

/* ---- claims: in order, whole or at least min, and at once ---- */

static const char *claims_in_order(struct world *w, const struct bl_plan *plan)
{
	size_t at = 0;
	bool passed = false;
	int64_t room = count_balance(w);

	for (size_t i = 0; i < w->ledger.n; i++)
		if (w->ledger.claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)count_promised(w, w->ledger.claims[i]);
	for (size_t i = 0; i < w->ledger.n; i++) {
		const struct bl_claim *c = w->ledger.claims[i];
		const struct bl_action *a = at < plan->n_actions ? &plan->actions[at] : NULL;

		if (c->state != BL_CLAIM_RECLAIMING)
			continue;
		/* Its pages are on their way, or the room is on another node: nobody waits for it. */
		if (c->after ||
		    less(count_promised(w, c), c->overhead.n) > bl_snapshot_node_room(&w->snap, c->node).n) {
			room -= (int64_t)count_promised(w, c);
			continue;
		}
		if (!a || a->kind != BL_ACT_STAKE || a->claim != c) {
			if (!passed && (int64_t)count_promised(w, c) <= room)
				return says("claim %u has its room and is not staked", c->handle.b[15]);
			passed = true;
			continue;
		}
		if (passed)
			return says("claim %u overtakes another", c->handle.b[15]);
		if (a->pages.n > c->size.n || a->pages.n < c->min.n)
			return says("claim %u is staked with %" PRIu64, c->handle.b[15], a->pages.n);
		if (a->pages.n < c->size.n && (int64_t)count_promised(w, c) <= room)
			return says("claim %u gets a part though all is there", c->handle.b[15]);
		room -= (int64_t)(count_promised(w, c) - (c->size.n - a->pages.n));
		at++;
	}
	for (; at < plan->n_actions; at++)
		if (plan->actions[at].kind == BL_ACT_STAKE)
			return "a claim is staked that waits for nothing, or not before all else";
	return NULL;
}

/* ---- 2: limits, and who is never touched ---- */

static const char *action_allowed(const struct world *w, const struct bl_action *a)
{
	const struct bl_dom *d = count_find(w, a->domid);
	const struct bl_track *t;
	struct bl_limits l;

	if (!d || d->flags & BL_DOM_HOLDER)
		return says("%u is no guest", (unsigned)a->domid);
	t = bl_progress_find(&w->progress, a->domid);
	l = bl_settings_limits(&w->settings, d);
	if (w->paused)
		return "something moves while paused";
	if (!count_eligible(w, d)) {
		/* a target set by hand through us: its limit still follows down */
		bool follows = a->kind == BL_ACT_MAXMEM && t->ours && l.mode == BL_MODE_MANUAL &&
			       !l.external && a->pages.n < d->max_pages.n &&
			       !(d->flags & (BL_DOM_DYING | BL_DOM_PAUSED | BL_DOM_MIGRATING |
					     BL_DOM_BUILDING | BL_DOM_EXTERNAL));

		return follows ? NULL : says("%u is touched", (unsigned)a->domid);
	}
	if (a->kind == BL_ACT_MAXMEM)
		return NULL;
	if (w->snap.store_stale)
		return says("%u gets a target though xenstore does not answer", (unsigned)a->domid);
	if (a->kind == BL_ACT_NUDGE)
		return a->pages.n != d->target.n ? says("a nudge changes %u", (unsigned)a->domid) : NULL;
	if (d->static_max.n && a->pages.n > d->static_max.n && a->pages.n > d->tot.n)
		return says("%u goes above its allocation", (unsigned)a->domid);
	if (a->pages.n > d->target.n && a->pages.n > d->tot.n && a->pages.n > l.max.n)
		return says("%u grows above its max", (unsigned)a->domid);
	if (count_refuses(w, d) && a->pages.n < d->target.n && a->pages.n < l.max.n)
		return says("%u refuses, and is asked for more", (unsigned)a->domid);
	if (a->pages.n < d->tot.n && a->pages.n < count_floor(w, d))
		return says("%u goes to %" PRIu64 ", below min or what it uses, %" PRIu64,
			    (unsigned)a->domid, a->pages.n, count_floor(w, d));
	if (!t->proven && a->pages.n < d->target.n && a->pages.n + probe(d) < d->tot.n)
		return says("%u is unproven and asked for more than a probe", (unsigned)a->domid);
	if (!t->proven && a->pages.n > d->target.n && a->pages.n > d->tot.n + probe(d))
		return says("%u is unproven and gets more than a probe", (unsigned)a->domid);
	if (a->pages.n > d->target.n && a->pages.n > d->tot.n && a->pages.n - d->tot.n > t->trust.n)
		return says("%u gets more than it is trusted with", (unsigned)a->domid);
	return NULL;
}

/* What is counted on for a claim leaves out what its driver keeps. */
static const char *counted_on(const struct world *w, const struct bl_plan *plan)
{
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t floor;

		if (v->dom->flags & BL_DOM_HOLDER || !v->managed)
			continue;
		floor = count_refuses(w, v->dom) ? v->dom->tot.n : count_floor(w, v->dom);
		if (v->givable.n > less(v->have.n, floor) && v->have.n <= v->limits.max.n)
			return says("%u is counted on for %" PRIu64 ", it has %" PRIu64
				    " and keeps %" PRIu64,
				    (unsigned)v->dom->domid, v->givable.n, v->have.n, floor);
	}
	return NULL;
}

static const char *limits_kept(struct world *w, const struct bl_plan *plan)
{
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct bl_action *a = &plan->actions[i];
		const char *why = a->kind == BL_ACT_STAKE ? NULL : action_allowed(w, a);

		if (why)
			return why;
	}
	if (counted_on(w, plan))
		return counted_on(w, plan);
	if (w->paused || w->snap.store_stale)
		return NULL;
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const struct bl_dom *d = &w->snap.doms[i];
		uint64_t floor = count_floor(w, d), target = after(plan, d).target;

		if (!(d->flags & BL_DOM_HOLDER) && count_eligible(w, d) && target < d->tot.n &&
		    target < floor)
			return says("%u is left with a target below min or what it uses",
				    (unsigned)d->domid);
	}
	return NULL;
}

/* ---- 3: free first, then give ---- */

static const char *free_first(struct world *w, const struct bl_plan *plan)
{
	int64_t free_now = count_balance(w);
	uint64_t granted = 0;

	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const struct bl_dom *d = &w->snap.doms[i];
		struct after a = after(plan, d);

		granted += less(count_growing(w, d, a.target, a.max),
				count_growing(w, d, d->target.n, d->max_pages.n));
	}
	if (granted && (int64_t)granted > free_now)
		return says("%" PRIu64 " are granted, %" PRId64 " are free", granted, free_now);
	return NULL;
}

/* ---- 4: equal treatment, exact sums ---- */

static const char *equals_alike(struct world *w, const struct bl_plan *plan)
{
	const struct bl_view *a = bl_plan_view(plan, w->twin[0]), *b = bl_plan_view(plan, w->twin[1]);
	uint64_t goals = 0, have = 0;
	int64_t budget;

	for (size_t i = 0; i < plan->n_views; i++)
		if (plan->views[i].managed) {
			const struct bl_view *v = &plan->views[i];

			goals += v->goal.n;
			have += v->dom->tot.n +
				count_growing(w, v->dom, v->dom->target.n, v->dom->max_pages.n);
		}
	budget = (int64_t)have + count_balance(w);
	for (size_t i = 0; i < w->ledger.n; i++)
		if (w->ledger.claims[i]->state == BL_CLAIM_RECLAIMING)
			budget += (int64_t)count_promised(w, w->ledger.claims[i]);
	if (goals > have && (int64_t)goals > budget)
		return says("goals sum to %" PRIu64 " of %" PRId64, goals, budget);
	if (!a || !b || a->dom->flags != b->dom->flags || a->dom->outstanding.n != b->dom->outstanding.n ||
	    count_being_built(w, w->twin[0]) || count_being_built(w, w->twin[1]))
		return NULL;
	if (a->goal.n > b->goal.n + 1 || b->goal.n > a->goal.n + 1)
		return says("equal guests are to have %" PRIu64 " and %" PRIu64, a->goal.n, b->goal.n);
	return NULL;
}

/* ---- policy: nobody gives for nothing ---- */

/* Somebody may be given for: a waiting claim, a guest below its min or (but for
 * static) below its demand. */
static bool is_needed(const struct world *w, const struct bl_plan *plan)
{
	for (size_t i = 0; i < w->ledger.n; i++)
		if (w->ledger.claims[i]->state == BL_CLAIM_RECLAIMING)
			return true;
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		bl_pages want = w->settings.policy == BL_POLICY_STATIC
					? v->limits.min
					: bl_pages_max(v->limits.min, v->demand);

		if (v->managed &&
		    (v->have.n < want.n || (v->track->fresh && v->have.n < v->dom->tele.used.n)))
			return true;
	}
	return false;
}

static const char *nothing_for_nothing(struct world *w, const struct bl_plan *plan)
{
	if (w->settings.policy == BL_POLICY_PROPORTIONAL || is_needed(w, plan))
		return NULL;
	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct bl_action *a = &plan->actions[i];
		const struct bl_view *v = a->kind == BL_ACT_TARGET ? bl_plan_view(plan, a->domid) : NULL;

		if (v && a->pages.n < v->dom->tot.n && a->pages.n < v->dom->target.n &&
		    v->have.n <= v->limits.max.n)
			return says("%u is to give, and nobody needs it", (unsigned)a->domid);
	}
	return NULL;
}

/* ---- warm: what a claim freed in vain is for claims and for need ---- */

static const char *kept_warm(struct world *w, const struct bl_plan *plan)
{
	uint64_t warm = w->warm_until.n > w->snap.now.n ? w->warm.n : 0, granted = 0;
	int64_t balance = count_balance(w);
	uint64_t available = balance > 0 ? (uint64_t)balance : 0;

	for (size_t i = 0; i < w->snap.n_doms && warm; i++) {
		const struct bl_dom *d = &w->snap.doms[i];
		struct after a = after(plan, d);
		uint64_t has = d->tot.n + count_growing(w, d, d->target.n, d->max_pages.n);
		uint64_t gets = d->tot.n + count_growing(w, d, a.target, a.max);
		uint64_t need = count_need(w, d);

		granted += less(gets, has > need ? has : need);
	}
	if (granted > less(available, warm))
		return says("%" PRIu64 " go to those who need it not: %" PRIu64 " are available, %" PRIu64
			    " of it warm",
			    granted, available, warm);
	return NULL;
}

/* ---- 7: nothing is remembered of a plan that was not applied ---- */

static const char *no_trace(struct world *w, const struct bl_plan *plan)
{
	struct bl_plan again = { 0 };
	struct bl_plan_in in = world_in(w);
	const char *why = NULL;

	if (bl_plan_make(&again, &in))
		why = "the second plan failed";
	else if (again.n_actions != plan->n_actions)
		why = "the second plan is another";
	for (size_t i = 0; !why && i < plan->n_actions; i++) {
		const struct bl_action *a = &plan->actions[i], *b = &again.actions[i];

		if (a->kind != b->kind || a->domid != b->domid || a->pages.n != b->pages.n ||
		    a->claim != b->claim)
			why = "the second plan is another";
	}
	bl_plan_free(&again);
	return why;
}

/* ---- 8: the order for a guest ---- */

/* It is on its way to a lower target, and has not turned round. */
static bool goes_down(const struct world *w, const struct bl_dom *d, uint64_t target)
{
	const struct bl_track *t = bl_progress_find(&w->progress, d->domid);

	return target < d->tot.n && !t->rose && !t->stuck &&
	       (target != d->target.n || t->asked.n != BL_MS_NEVER.n);
}

static const char *order_of(const struct world *w, const struct bl_plan *plan, const struct bl_dom *d)
{
	uint64_t max = d->max_pages.n, target = d->target.n;
	unsigned targets = 0, limits = 0;

	for (size_t i = 0; i < plan->n_actions; i++) {
		const struct bl_action *a = &plan->actions[i];

		if (a->kind == BL_ACT_STAKE || a->domid != d->domid)
			continue;
		if (a->kind == BL_ACT_MAXMEM) {
			if (a->pages.n < d->tot.n)
				return says("the limit of %u goes below its pages", (unsigned)d->domid);
			if (a->pages.n < max && a->pages.n < target && target > d->tot.n)
				return says("the limit of %u goes down before its target",
					    (unsigned)d->domid);
			max = a->pages.n;
			limits++;
			continue;
		}
		if (a->pages.n > target && a->pages.n > d->tot.n && a->pages.n > max)
			return says("the target of %u goes above its limit", (unsigned)d->domid);
		target = a->pages.n;
		targets++;
	}
	if (targets > 1 || limits > 1)
		return says("%u is told twice", (unsigned)d->domid);
	if (!w->paused && !(d->flags & BL_DOM_HOLDER) && count_eligible(w, d) &&
	    bl_progress_find(&w->progress, d->domid)->ours && max > d->tot.n && max > target &&
	    !goes_down(w, d, target))
		return says("%u can take back what it gave", (unsigned)d->domid);
	return NULL;
}

static const char *ordered(struct world *w, const struct bl_plan *plan)
{
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const char *why = order_of(w, plan, &w->snap.doms[i]);

		if (why)
			return why;
	}
	return NULL;
}

const struct rule rules[] = {
	{ "1: memory is never promised twice", promised_twice },
	{ "2: limits, and who is never touched", limits_kept },
	{ "3: free first, then give", free_first },
	{ "4: equal cases are treated equally, sums are exact", equals_alike },
	{ "7: a plan not applied leaves no trace", no_trace },
	{ "8: limit before target when growing, after it when shrinking", ordered },
	{ "policy: nobody gives where nobody needs it", nothing_for_nothing },
	{ "warm: what a claim freed in vain goes to those who need it alone", kept_warm },
	{ "claims: in order, whole, at once", claims_in_order },
};
const size_t n_rules = sizeof(rules) / sizeof(rules[0]);
