/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the actions of a tick from the goals. The order: claims that have room, guests that give,
 * limits that follow, guests that get. */
#include <assert.h>

#include "lib/core/plan-internal.h"

/* bl_plan_make() has reserved room for all actions. */
static void emit(struct bl_plan *plan, struct bl_action a)
{
	assert(plan->n_actions < plan->cap_actions);
	plan->actions[plan->n_actions++] = a;
}

static void emit_dom(struct bl_plan *plan, enum bl_action_kind kind, const struct bl_view *v, bl_pages pages,
		     enum bl_why why)
{
	emit(plan, (struct bl_action){ .kind = kind, .why = why, .domid = v->dom->domid, .pages = pages });
}

/* Oldest claim first. A claim that does not fit keeps its room from all claims behind it. */
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
		/* The pages of a reboot are on their way; or there is room, but not on the
		 * claim's node. */
		if (c->after || bl_pages_sub(BL_PAGES(need), c->overhead).n >
					bl_snapshot_node_room(in->snap, c->node).n) {
			room -= need;
			continue;
		}
		if (need > room) {
			bl_pages lack = BL_PAGES(need - room);

			/* --min: what is there is enough once no more can come */
			if (plan->reclaimable.n || room < 0)
				return;
			size = bl_pages_sub(c->size, lack);
			if (size.n < c->min.n || size.n < c->staked.n)
				return;
			need = room;
		}
		emit(plan, (struct bl_action){ .kind = BL_ACT_STAKE,
					       .why = BL_WHY_CLAIM,
					       .domid = BL_DOMID_NONE,
					       .pages = size,
					       .claim = c });
		room -= need;
	}
}

static enum bl_why why_told(const struct bl_view *v, bl_pages target)
{
	if (!v->track->proven && target.n < v->dom->tot.n)
		return BL_WHY_PROBE;
	if (v->goal.n >= v->have.n && target.n >= v->dom->tot.n && target.n < v->dom->target.n)
		return BL_WHY_WITHDRAWN;
	return v->why;
}

/* Draws the limit down to the pages once the guest has arrived, or its pages went up again. A
 * hypercall for each step on the way would bring nothing. */
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
		target = bl_plan_giving_target(plan, in, v);
		if (target.n != d->target.n)
			emit_dom(plan, BL_ACT_TARGET, v, target, why_told(v, target));
		else if (d->target.n != d->tot.n && bl_view_retry_due(v, in))
			emit_dom(plan, BL_ACT_NUDGE, v, d->target, BL_WHY_RETRY);
	}
	limit_follows(plan, v, target);
}

static void act_grow(struct bl_plan *plan, const struct bl_view *v, bl_pages to)
{
	enum bl_why why = bl_view_is_tried(v) ? BL_WHY_PROBE : v->why;

	if (v->dom->max_pages.n < to.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, to, why);
	emit_dom(plan, BL_ACT_TARGET, v, to, why);
	if (v->track->ours && v->dom->max_pages.n > to.n)
		emit_dom(plan, BL_ACT_MAXMEM, v, to, why);
}

/* How soon the next tick must come. A stuck guest, a dying domain and a sleeping builder are no
 * reason to hurry unless a claim waits. */
static void set_pace(struct bl_plan *plan, const struct bl_plan_in *in)
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
	int r = bl_plan_grant(plan, in);

	if (r)
		return r;
	act_stake(plan, in);
	plan->scratch->least_ask = bl_plan_least_ask(plan, in);
	for (size_t i = 0; i < plan->n_views && !in->paused; i++)
		if (plan->views[i].track && !granted[i].n)
			act_give(plan, in, &plan->views[i]);
	for (size_t i = 0; i < plan->n_views; i++)
		if (granted[i].n)
			act_grow(plan, &plan->views[i], granted[i]);
	set_pace(plan, in);
	return 0;
}
