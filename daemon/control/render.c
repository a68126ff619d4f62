/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/render.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/times.h"
#include "lib/core/reason.h"

static void put_domid(struct bl_json_out *o, const char *key, uint32_t domid)
{
	if (domid == BL_DOMID_NONE || domid == BL_DOMID_POOL)
		bl_json_put_null(o, key);
	else
		bl_json_put_uint(o, key, domid);
}

/* Writes whole seconds as an integer, for scripts that compare. */
static void put_seconds(struct bl_json_out *o, const char *key, bl_ms ms)
{
	if (bl_ms_is_never(ms))
		bl_json_put_null(o, key);
	else if (ms.n % 1000 == 0)
		bl_json_put_uint(o, key, ms.n / 1000);
	else
		bl_json_put_real(o, key, (double)ms.n / 1000.0);
}

/* The functions that make sentences only read. */
struct bl_plan_in bd_render_input(const struct bd_picture *p)
{
	return (struct bl_plan_in){
		.settings = p->settings,
		.snap = p->snap,
		.ledger = (struct bl_ledger *)(uintptr_t)p->ledger,
		.paused = p->paused,
	};
}

struct problems {
	struct bl_json_out *o;
	bool any;
};

static void add_problem(void *ud, const char *line)
{
	struct problems *all = ud;

	bl_json_put_string(all->o, NULL, line);
	all->any = true;
}

void bd_render_daemon(struct bl_json_out *o, const char *key, struct bd_manager *m,
		      const struct bd_picture *p)
{
	const struct bd_host_ops *ops = p->host->ops;
	struct problems problems = { .o = o };

	bl_json_object(o, key);
	bl_json_put_string(o, "version", PACKAGE_VERSION);
	bl_json_put_string(o, "backend", ops->name);
	bl_json_put_string(o, "backend_version", ops->version ? ops->version(p->host) : NULL);
	bl_json_put_int(o, "pid", getpid());
	bl_json_put_uint(o, "uptime_seconds", bl_ms_since(p->now, p->started).n / 1000);
	bl_json_array(o, "problems");
	bd_manager_problems(m, add_problem, &problems);
	bl_json_array_end(o);
	bl_json_put_string(o, "health", problems.any ? "degraded" : "ok");
	bl_json_put_bool(o, "paused", p->paused);
	bl_json_put_string(o, "claim_method", p->host->pool ? "pool" : "holder");
	bl_json_object_end(o);
}

void bd_render_host(struct bl_json_out *o, const char *key, const struct bd_picture *p)
{
	bl_json_object(o, key);
	bl_json_put_pages(o, "total_bytes", p->snap->total);
	bl_json_put_pages(o, "free_bytes", p->snap->free);
	bl_json_put_pages(o, "outstanding_bytes", p->snap->outstanding);
	bl_json_put_pages(o, "promised_bytes", p->plan->promised);
	bl_json_put_pages(o, "growing_bytes", p->plan->growing);
	bl_json_put_pages(o, "reserve_bytes", p->plan->reserve);
	bl_json_put_pages(o, "available_bytes", p->plan->available);
	bl_json_put_pages(o, "reclaimable_bytes", p->plan->reclaimable);
	bl_json_put_pages(o, "warm_bytes", p->plan->warm);
	bl_json_array(o, "nodes");
	for (size_t i = 0; i < p->snap->n_nodes; i++) {
		bl_json_object(o, NULL);
		bl_json_put_uint(o, "node", p->snap->nodes[i].node);
		bl_json_put_pages(o, "total_bytes", p->snap->nodes[i].total);
		bl_json_put_pages(o, "free_bytes", p->snap->nodes[i].free);
		bl_json_object_end(o);
	}
	bl_json_array_end(o);
	bl_json_object_end(o);
}

void bd_render_who(struct bl_json_out *o, const struct bl_dom *d)
{
	bl_json_put_uint(o, "domid", d->domid);
	bl_json_put_string(o, "name", d->name[0] ? d->name : NULL);
	bl_json_put_uuid(o, "uuid", &d->uuid);
}

/* Members that only balloond's own driver reports; null if unknown. */
static void put_driver(struct bl_json_out *o, const struct bl_telemetry *t, bool refuses)
{
	if (t->has_min)
		bl_json_put_pages(o, "min_bytes", t->min);
	else
		bl_json_put_null(o, "min_bytes");
	if (t->has_max)
		bl_json_put_pages(o, "max_bytes", t->max);
	else
		bl_json_put_null(o, "max_bytes");
	bl_json_put_string(o, "refused", refuses ? bl_refusal_name(t->refusal) : NULL);
	if (t->has_swap)
		bl_json_put_pages(o, "swap_bytes", t->swap);
	else
		bl_json_put_null(o, "swap_bytes");
	if (t->has_pressure_full)
		bl_json_put_real(o, "pressure_full_avg10", (double)t->pressure_full / 100.0);
	else
		bl_json_put_null(o, "pressure_full_avg10");
	if (t->has_oom_kills)
		bl_json_put_uint(o, "oom_kills", t->oom_kills);
	else
		bl_json_put_null(o, "oom_kills");
}

static void put_telemetry(struct bl_json_out *o, const struct bl_view *v)
{
	const struct bl_telemetry *t = &v->dom->tele;

	if (!t->present) {
		bl_json_put_null(o, "telemetry");
		return;
	}
	bl_json_object(o, "telemetry");
	bl_json_put_bool(o, "fresh", v->track && v->track->fresh);
	bl_json_put_pages(o, "available_bytes", t->available);
	bl_json_put_real(o, "pressure_some_avg10", (double)t->pressure / 100.0);
	put_driver(o, t, v->track && v->track->refuses);
	bl_json_object_end(o);
}

void bd_render_domain(struct bl_json_out *o, const char *key, const struct bd_picture *p,
		      const struct bl_view *v)
{
	const struct bl_plan_in in = bd_render_input(p);
	const struct bl_dom *d = v->dom;
	char reason[BL_REASON_MAX];

	bl_json_object(o, key);
	bd_render_who(o, d);
	bl_json_put_string(o, "type", bl_dom_type_name(d->type));
	bl_json_put_string(o, "mode", bl_mode_name(v->limits.mode));
	bl_json_put_string(o, "state", bl_dom_state_name(v->state));
	bl_json_put_pages(o, "current_bytes", d->tot);
	if (d->has_target)
		bl_json_put_pages(o, "target_bytes", d->target);
	else
		bl_json_put_null(o, "target_bytes");
	bl_json_put_pages(o, "min_bytes", v->limits.min);
	bl_json_put_pages(o, "max_bytes", v->limits.max);
	bl_json_put_pages(o, "claimed_bytes", d->outstanding);
	bl_json_put_uint(o, "weight", v->limits.weight);
	bl_json_put_pages(o, "demand_bytes", v->demand);
	if (v->state == BL_STATE_DYING && v->track)
		put_seconds(o, "dying_seconds", bl_ms_since(p->snap->now, v->track->dying_since));
	put_telemetry(o, v);
	bl_json_put_string(o, "reason", bl_reason_domain(p->plan, &in, v, reason));
	bl_json_object_end(o);
}

static bl_pages held(const struct bl_claim *c, const struct bl_snapshot *s)
{
	const struct bl_dom *d = NULL;

	if (c->state == BL_CLAIM_BUILDING)
		d = bl_snapshot_find(s, c->domid);
	return bl_pages_min(c->size, d ? bl_pages_add(c->staked, d->tot) : c->staked);
}

/* While a kill would undo that a claim is held, because no record says so, the claim is shown as
 * it was before. */
static enum bl_claim_state shown_state(const struct bl_claim *c)
{
	return c->state == BL_CLAIM_HELD && c->then ? BL_CLAIM_RECLAIMING : c->state;
}

void bd_render_claim(struct bl_json_out *o, const char *key, const struct bd_picture *p,
		     const struct bl_claim *c)
{
	char created[BD_UTC_STR];

	bl_json_object(o, key);
	bl_json_put_uuid(o, "id", &c->id);
	bl_json_put_string(o, "name", c->name[0] ? c->name : NULL);
	bl_json_put_uuid(o, "uuid", c->has_uuid ? &c->uuid : NULL);
	bl_json_put_string(o, "state", bl_claim_state_name(shown_state(c)));
	bl_json_put_pages(o, "size_bytes", c->size);
	bl_json_put_pages(o, "held_bytes", held(c, p->snap));
	bl_json_put_pages(o, "overhead_bytes", c->overhead);
	put_domid(o, "domid", c->domid);
	put_domid(o, "holder_domid", c->holder);
	if (c->node < 0)
		bl_json_put_null(o, "node");
	else
		bl_json_put_int(o, "node", c->node);
	bl_json_put_string(o, "created_at", bd_utc_format(c->created_wall, created));
	put_seconds(o, "expires_in_seconds",
		    c->expires.n == BL_MS_NEVER.n ? BL_MS_NEVER : bl_ms_since(c->expires, p->now));
	put_seconds(o, "eta_seconds", c->state == BL_CLAIM_RECLAIMING ? c->eta : BL_MS_NEVER);
	if (c->state == BL_CLAIM_RECLAIMING && c->progressed.n)
		bl_json_put_pages(o, "lacking_bytes", c->lacks);
	else
		bl_json_put_null(o, "lacking_bytes");
	put_seconds(o, "wait_ends_in_seconds",
		    c->state != BL_CLAIM_RECLAIMING || c->wait_until.n == BL_MS_NEVER.n
			    ? BL_MS_NEVER
			    : bl_ms_since(c->wait_until, p->now));
	bl_json_put_string(o, "reason", c->reason);
	bl_json_object_end(o);
}

void bd_render_claims(struct bl_json_out *o, const struct bd_picture *p)
{
	bl_json_array(o, "claims");
	for (size_t i = 0; i < p->ledger->n; i++)
		if (bl_claim_live(p->ledger->claims[i]))
			bd_render_claim(o, NULL, p, p->ledger->claims[i]);
	bl_json_array_end(o);
}

static const char *what_if_reason(const struct bd_what_if *w, char buf[BL_REASON_MAX])
{
	char from[BL_REASON_MAX], size[BL_SIZE_STR];

	if (w->refusal)
		return w->refusal;
	(void)bl_pages_format(w->admission.available, size);
	if (w->admission.verdict == BL_FITS_NOW) {
		snprintf(buf, BL_REASON_MAX, "fits in what is free: %s are available", size);
		return buf;
	}
	(void)bl_reason_givers(w->plan, from);
	snprintf(buf, BL_REASON_MAX, "%s are available, the rest comes: %.900s", size, from);
	return buf;
}

void bd_render_what_if(struct bl_json_out *o, const struct bd_picture *p, const struct bd_what_if *w)
{
	static const char *const verdicts[] = { [BL_FITS_NOW] = "now",
						[BL_FITS_RECLAIM] = "reclaim",
						[BL_FITS_LATER] = "later",
						[BL_FITS_NEVER] = "never" };
	char reason[BL_REASON_MAX];

	(void)p;
	bl_json_put_string(o, "verdict", verdicts[w->admission.verdict]);
	bl_json_put_pages(o, "needed_bytes", w->admission.need);
	bl_json_put_pages(o, "available_bytes", w->admission.available);
	bl_json_put_pages(o, "reclaimable_bytes", w->admission.reclaimable);
	bl_json_put_pages(o, "most_bytes", w->admission.most);
	bl_json_array(o, "blockers");
	for (unsigned bit = 1; bit < BL_BLOCK_ALL; bit <<= 1)
		if (w->admission.blockers & bit)
			bl_json_put_string(o, NULL, bl_blocker_name((enum bl_blocker)bit));
	bl_json_array_end(o);
	bl_json_array(o, "domains");
	for (size_t i = 0; i < w->plan->n_views; i++) {
		const struct bl_view *v = &w->plan->views[i];

		if (!v->managed || bl_pages_eq(v->goal, v->dom->tot))
			continue;
		bl_json_object(o, NULL);
		bd_render_who(o, v->dom);
		bl_json_put_pages(o, "current_bytes", v->dom->tot);
		bl_json_put_pages(o, "goal_bytes", v->goal);
		bl_json_put_int(o, "change_bytes",
				(int64_t)bl_pages_to_bytes(v->goal).n -
					(int64_t)bl_pages_to_bytes(v->dom->tot).n);
		bl_json_object_end(o);
	}
	bl_json_array_end(o);
	bl_json_put_string(o, "reason", what_if_reason(w, reason));
	put_seconds(o, "eta_seconds", w->eta);
}
