/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes the view of each domain: what it is, has and may give; and the sums of the host. */
#include "lib/core/plan-internal.h"

bool bl_view_lags(const struct bl_view *v, bl_ms now)
{
	return v->track->refuses || v->track->stuck & BL_STUCK_GIVING || v->track->no_give_until.n > now.n;
}

bl_pages bl_view_own_min(const struct bl_view *v)
{
	const struct bl_telemetry *t = &v->dom->tele;

	if (!v->track || !v->track->fresh || !t->has_min)
		return BL_PAGES(0);
	return bl_pages_min(t->min, v->have);
}

bl_pages bl_view_lowest(const struct bl_view *v)
{
	return bl_pages_min(bl_pages_add(v->floor, v->track->short_by), v->have);
}

bl_pages bl_view_step(const struct bl_view *v)
{
	return v->track->proven ? v->track->trust : bl_pages_min(v->track->trust, bl_probe(v->dom->tot));
}

bool bl_view_retry_due(const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_track *t = v->track;
	bl_ms last = BL_MS(t->nudged.n > t->told_at.n ? t->nudged.n : t->told_at.n);

	return t->stuck && bl_ms_since(in->snap->now, last).n >= in->settings->retry_after.n;
}

bool bl_view_on_way_down(const struct bl_view *v)
{
	return v->dom->has_target && v->dom->target.n < v->dom->tot.n && !v->track->stuck &&
	       v->track->asked.n != BL_MS_NEVER.n;
}

/* What the guest was granted, by anyone, and has not taken. For a domain that is being built, or
 * whose target is not known yet, the hypervisor's limit tells how much will come, unless a claim
 * covers it. */
static bl_pages view_granted(const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;
	bl_pages room = bl_pages_sub(d->max_pages, bl_pages_add(d->tot, d->outstanding));

	if (d->flags & (BL_DOM_DYING | BL_DOM_HOLDER | BL_DOM_NO_BALLOON))
		return BL_PAGES(0);
	if (d->flags & BL_DOM_BUILDING || (!d->has_target && !(d->flags & BL_DOM_CONTROL))) {
		/* There is no sensible limit yet; a claim covers it; or the builder sleeps. */
		if (room.n > in->snap->total.n || bl_ledger_by_domid(in->ledger, d->domid) ||
		    bl_ms_since(in->snap->now, v->track->first_seen).n > in->settings->boot_grace.n)
			return BL_PAGES(0);
		return room;
	}
	if (!d->has_target)
		return BL_PAGES(0); /* dom0 that is left alone */
	return bl_pages_min(bl_pages_sub(d->target, d->tot), room);
}

/* A grant that nobody takes is kept from nobody. A builder takes its time. */
static bl_pages view_growing(const struct bl_view *v)
{
	bool built = v->dom->flags & BL_DOM_BUILDING || !v->dom->has_target;

	return built || v->flows ? v->granted : BL_PAGES(0);
}

static bool balloon_usable(const struct bl_view *v)
{
	return v->dom->has_target && !(v->dom->flags & (BL_DOM_NO_BALLOON | BL_DOM_POD)) &&
	       !v->track->incapable;
}

static enum bl_dom_state view_state(const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	if (d->flags & BL_DOM_DYING)
		return BL_STATE_DYING;
	if (d->flags & BL_DOM_HOLDER)
		return BL_STATE_STEADY;
	if (d->flags & BL_DOM_MIGRATING)
		return BL_STATE_MIGRATING;
	if (d->flags & BL_DOM_BUILDING)
		return BL_STATE_BUILDING;
	if (d->flags & BL_DOM_PAUSED)
		return BL_STATE_PAUSED;
	if (v->limits.external || d->flags & BL_DOM_EXTERNAL)
		return BL_STATE_EXTERNAL;
	if (!balloon_usable(v))
		return d->flags & BL_DOM_CONTROL && v->limits.mode == BL_MODE_IGNORE ? BL_STATE_STEADY
										     : BL_STATE_INCAPABLE;
	if (v->track->refuses || bl_dom_at_limit(d))
		return BL_STATE_STEADY;
	if (v->track->stuck && !bl_track_booting(v->track, in->settings, in->snap->now))
		return BL_STATE_STUCK;
	if (d->tot.n == d->target.n || v->track->asked.n == BL_MS_NEVER.n)
		return BL_STATE_STEADY;
	return d->tot.n < d->target.n ? BL_STATE_GROWING : BL_STATE_SHRINKING;
}

static bl_pages view_demand(const struct bl_view *v, const struct bl_settings *s)
{
	bl_pages want = v->limits.base;

	if (v->track->fresh && s->policy != BL_POLICY_STATIC)
		want = v->track->demand;
	return bl_pages_clamp(want, v->limits.min, v->limits.max);
}

static void set_floor(struct bl_view *v)
{
	const struct bl_telemetry *t = &v->dom->tele;

	v->floor = bl_pages_max(v->limits.min, bl_view_own_min(v));
	if (v->track->fresh)
		v->floor = bl_pages_max(v->floor, t->used);
	v->floor = bl_pages_min(v->floor, v->have);
	v->givable_if_responsive = bl_pages_sub(v->have, v->floor);
	if (v->track->refuses && !(t->refusal == BL_REFUSES_MIN && t->has_min))
		v->floor = v->have;
}

bl_pages bl_view_need(const struct bl_view *v)
{
	bl_pages need = v->limits.min;

	if (v->track && v->track->fresh)
		need = bl_pages_max(need, bl_pages_max(v->dom->tele.used, v->track->demand));
	return bl_pages_min(need, v->limits.max);
}

/* True if the guest shows need of memory: look again soon. */
static bool in_need(const struct bl_view *v)
{
	const struct bl_telemetry *t = &v->dom->tele;

	return v->managed && v->track->fresh &&
	       (t->pressure > 0 || t->starved || t->available.n < v->dom->tot.n / 16);
}

/* Where the lookups for the last domain ended. */
struct near {
	struct bl_track *track;
	const struct bl_dom_record *record;
};

static void make_view(struct bl_view *v, const struct bl_dom *d, const struct bl_plan_in *in,
		      struct near *near)
{
	const struct bl_dom_record *m;
	bool may;

	*v = (struct bl_view){
		.dom = d,
		.have = d->tot,
		.floor = d->tot,
		.goal = d->tot,
		.demand = d->tot,
		.limits = { .mode = BL_MODE_IGNORE, .min = d->tot, .max = d->tot, .weight = 1 },
	};
	if (d->flags & BL_DOM_HOLDER) {
		v->state = view_state(v, in);
		return;
	}
	v->track = near->track = bl_progress_find_after(in->progress, d->domid, near->track);
	m = bl_settings_find_after(in->settings, &d->uuid, near->record);
	near->record = m ? m : near->record;
	v->limits = bl_settings_limits_of(in->settings, d, m);
	v->state = view_state(v, in);
	v->flows = bl_track_flows(v->track, in->settings, in->snap->now);
	v->granted = view_granted(v, in);
	v->growing = view_growing(v);
	v->have = bl_pages_add(d->tot, v->growing);
	v->goal = v->have;
	v->floor = v->have;
	v->usable = balloon_usable(v);
	v->silent = bl_view_lags(v, in->snap->now);
	may = v->state <= BL_STATE_STUCK && v->limits.mode == BL_MODE_AUTO && v->usable;
	v->managed = may;
	if (!may)
		return;
	v->demand = view_demand(v, in->settings);
	set_floor(v);
	v->givable = bl_view_gives_without(v, 0);
}

static void sum_up(struct bl_plan *plan, const struct bl_plan_in *in)
{
	const struct bl_snapshot *s = in->snap;
	bl_pages committed;

	plan->reserve = bl_share_of(in->settings->reserve, s->total);
	plan->promised = plan->growing = plan->reclaimable = plan->claims = BL_PAGES(0);
	plan->coming = BL_PAGES(0);
	plan->pressure = false;
	plan->scratch->above_floors = plan->scratch->asked = BL_PAGES(0);
	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *c = in->ledger->claims[i];
		bl_pages p = bl_claim_promised(c, s);

		plan->promised = bl_pages_add(plan->promised, p);
		plan->claims = bl_pages_add(plan->claims, bl_pages_add(p, c->staked));
	}
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];

		plan->growing = bl_pages_add(plan->growing, v->growing);
		if (v->managed && !v->silent && bl_view_on_way_down(v))
			plan->scratch->asked = bl_pages_add(plan->scratch->asked,
							    bl_pages_sub(v->dom->tot, v->dom->target));
		if (v->state == BL_STATE_DYING)
			plan->coming = bl_pages_add(plan->coming, bl_view_gives_without(v, 0));
		plan->reclaimable = bl_pages_add(plan->reclaimable, v->givable);
		plan->scratch->above_floors = bl_pages_add(plan->scratch->above_floors,
							   v->givable_if_responsive);
		plan->pressure |= in_need(v);
	}
	committed = bl_pages_add(bl_pages_add(s->outstanding, plan->promised),
				 bl_pages_add(plan->growing, plan->reserve));
	committed = bl_pages_min(committed, BL_PAGES(INT64_MAX));
	plan->balance = (int64_t)s->free.n - (int64_t)committed.n;
	plan->available = BL_PAGES(plan->balance > 0 ? plan->balance : 0);
	plan->warm = bl_plan_warm(plan, in);
	plan->warm_until = in->warm_until;
}

bl_pages bl_plan_warm(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	return in->warm_until.n > in->snap->now.n ? bl_pages_min(in->warm, plan->available) : BL_PAGES(0);
}

void bl_plan_make_views(struct bl_plan *plan, const struct bl_plan_in *in)
{
	struct bl_plan_scratch *sc = plan->scratch;
	struct near near = { 0 };

	bl_ledger_match(in->ledger, in->snap);
	sc->n = 0;
	plan->n_views = in->snap->n_doms;
	for (size_t i = 0; i < plan->n_views; i++) {
		make_view(&plan->views[i], &in->snap->doms[i], in, &near);
		if (plan->views[i].managed)
			sc->index[sc->n++] = (uint32_t)i;
	}
	sum_up(plan, in);
}
