/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/verbs.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/render.h"
#include "lib/proto/params.h"

static int no_params(struct bd_call *call, struct bl_err *err)
{
	return bl_params_decode(call->req.params, NULL, 0, NULL, err);
}

void bd_verbs_put_domain(struct bd_call *call, struct bl_json_out *o, uint32_t domid)
{
	struct bd_picture p;
	const struct bl_view *v;

	bd_manager_picture(call->all->manager, &p);
	v = bl_plan_view(p.plan, domid);
	if (v)
		bd_render_domain(o, "domain", &p, v);
}

void bd_verbs_answer_claim(struct bd_call *call, const struct bl_claim *c)
{
	struct bl_json_out *o = bd_call_result(call);
	struct bd_picture p;

	bd_manager_picture(call->all->manager, &p);
	bd_render_claim(o, "claim", &p, c);
	bd_call_done(call);
}

struct status_params {
	const struct bl_json *domains;
};

static const struct bl_param status_table[] = {
	{ BL_PARAM_OPTIONAL(struct status_params, domains, "domains", BL_PARAM_DOMAINS) },
};

/* The domains meant, each once. One that names no domain is an error before the first is
 * written. */
static int find_domains(struct bd_manager *m, const struct bl_json *refs,
			uint32_t domids[BL_PARAM_ARRAY_MAX], size_t *ret_n, struct bl_err *err)
{
	char name[BL_NAME_MAX + 1];
	const struct bl_dom *d;
	size_t n = 0, at;
	int r = 0;

	for (size_t i = 0; r == 0 && i < bl_json_count(refs); i++) {
		bl_param_domain_text(bl_json_at(refs, i), name);
		r = bd_manager_find_domain(m, name, &d, err);
		if (r < 0)
			return r;
		for (at = 0; at < n && domids[at] != d->domid; at++)
			;
		domids[at] = d->domid;
		n = at == n ? n + 1 : n;
	}
	*ret_n = n;
	return 0;
}

static void put_domains(const struct bd_picture *p, const uint32_t *domids, size_t n,
			struct bl_json_out *o)
{
	const struct bl_view *v;

	bl_json_array(o, "domains");
	for (size_t i = 0; i < n; i++)
		if ((v = bl_plan_view(p->plan, domids[i])))
			bd_render_domain(o, NULL, p, v);
	bl_json_array_end(o);
}

static void put_all_domains(const struct bd_picture *p, struct bl_json_out *o)
{
	bl_json_array(o, "domains");
	/* Holders are told of as claims. */
	for (size_t i = 0; i < p->plan->n_views; i++)
		if (!(p->plan->views[i].dom->flags & BL_DOM_HOLDER))
			bd_render_domain(o, NULL, p, &p->plan->views[i]);
	bl_json_array_end(o);
}

static int verb_status(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct status_params params = { 0 };
	uint32_t domids[BL_PARAM_ARRAY_MAX];
	struct bd_picture p;
	struct bl_json_out *o;
	size_t n = 0;
	int r = BD_VERBS_DECODE(call, status_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_refresh(m);
	r = find_domains(m, params.domains, domids, &n, err);
	if (r < 0)
		return r;
	bd_manager_picture(m, &p);
	o = bd_call_result(call);
	bd_render_daemon(o, "daemon", m, &p);
	bd_render_host(o, "host", &p);
	if (n)
		put_domains(&p, domids, n, o);
	else
		put_all_domains(&p, o);
	bd_render_claims(o, &p);
	bd_call_done(call);
	return 0;
}

static int verb_ping(struct bd_call *call, struct bl_err *err)
{
	struct bd_picture p;
	int r = no_params(call, err);

	if (r < 0)
		return r;
	bd_manager_picture(call->all->manager, &p);
	bd_render_daemon(bd_call_result(call), "daemon", call->all->manager, &p);
	bd_call_done(call);
	return 0;
}

struct set_params {
	char domain[BL_NAME_MAX + 1];
	struct bd_set_request req;
	bl_pages min;
	int64_t weight;
	int mode;
	bool persist;
};

static const char *const mode_names[] = { "auto", "manual", "ignore", NULL };
static const enum bl_mode modes[] = { BL_MODE_AUTO, BL_MODE_MANUAL, BL_MODE_IGNORE };

#define SET(member, has, param, kind) \
	BL_PARAM_OPTIONAL_HAS(struct set_params, member, has, param, kind)
static const struct bl_param set_table[] = {
	{ BL_PARAM_REQUIRED(struct set_params, domain, "domain", BL_PARAM_DOMAIN) },
	{ SET(req.size, req.has_size, "size_bytes", BL_PARAM_PAGES) },
	{ SET(min, req.limits.has_min, "min_bytes", BL_PARAM_PAGES) },
	{ SET(req.limits.max, req.limits.has_max, "max_bytes", BL_PARAM_PAGES) },
	{ SET(weight, req.limits.has_weight, "weight", BL_PARAM_INT),
	  .min = 1, .max = BL_WEIGHT_MAX },
	{ SET(mode, req.limits.has_mode, "mode", BL_PARAM_ENUM), .names = mode_names },
	{ BL_PARAM_OPTIONAL(struct set_params, persist, "persist", BL_PARAM_BOOL) },
};

static void on_set(void *ud, const struct bd_changed *what, const struct bl_err *err)
{
	struct bd_call *call = ud;

	if (err) {
		bd_call_fail(call, err);
		return;
	}
	bd_manager_refresh(call->all->manager);
	bd_verbs_put_domain(call, bd_call_result(call), what->domid);
	bd_call_done(call);
}

static int verb_set(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct set_params params = { .persist = true };
	struct bd_set_request *req = &params.req;
	const struct bl_dom *d;
	int r = BD_VERBS_DECODE(call, set_table, &params, err);

	if (r < 0)
		return r;
	if (!req->has_size && !bl_override_is_set(&req->limits))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "nothing to set: one of size_bytes, min_bytes, max_bytes, "
				  "weight and mode is wanted");
	req->limits.min.pages = params.min;
	req->limits.weight = (uint32_t)params.weight;
	req->limits.mode = modes[params.mode];
	req->no_persist = !params.persist;
	bd_manager_refresh(m);
	r = bd_manager_find_domain(m, params.domain, &d, err);
	if (r < 0)
		return r;
	bd_manager_set(m, d, req, on_set, call);
	return 0;
}

struct forget_params {
	char domain[BL_NAME_MAX + 1];
};

static const struct bl_param forget_table[] = {
	{ BL_PARAM_REQUIRED(struct forget_params, domain, "domain", BL_PARAM_DOMAIN) },
};

static void on_forgotten(void *ud, const struct bd_changed *what, const struct bl_err *err)
{
	struct bd_call *call = ud;
	struct bl_json_out *o;

	if (err) {
		bd_call_fail(call, err);
		return;
	}
	bd_manager_refresh(call->all->manager);
	o = bd_call_result(call);
	bd_render_forgotten(o, what);
	if (what->domid != BL_DOMID_NONE)
		bd_verbs_put_domain(call, o, what->domid);
	bd_call_done(call);
}

static int verb_forget(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct forget_params params = { 0 };
	int r = BD_VERBS_DECODE(call, forget_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_refresh(m);
	bd_manager_forget(m, params.domain, on_forgotten, call);
	return 0;
}

struct plan_params {
	bl_pages size, overhead;
	bool has_overhead;
};

static const struct bl_param plan_table[] = {
	{ BL_PARAM_REQUIRED(struct plan_params, size, "size_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL_HAS(struct plan_params, overhead, has_overhead, "overhead_bytes",
				BL_PARAM_PAGES) },
};

static int verb_plan(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct plan_params params = { 0 };
	struct bd_what_if what;
	struct bd_picture p;
	int r = BD_VERBS_DECODE(call, plan_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_refresh(m);
	r = bd_manager_what_if(m, params.size, params.has_overhead ? &params.overhead : NULL, &what,
			       err);
	if (r < 0)
		return r;
	bd_manager_picture(m, &p);
	bd_render_what_if(bd_call_result(call), &p, &what);
	bd_call_done(call);
	return 0;
}

struct explain_params {
	char domain[BL_NAME_MAX + 1];
};

static const struct bl_param explain_table[] = {
	{ BL_PARAM_REQUIRED(struct explain_params, domain, "domain", BL_PARAM_DOMAIN) },
};

static int verb_explain(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct explain_params params = { 0 };
	const struct bl_dom *d;
	const struct bl_view *v;
	struct bd_picture p;
	int r = BD_VERBS_DECODE(call, explain_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_refresh(m);
	r = bd_manager_find_domain(m, params.domain, &d, err);
	if (r < 0)
		return r;
	bd_manager_picture(m, &p);
	v = bl_plan_view(p.plan, d->domid);
	if (!v)
		return bl_err_set(err, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no domain %s",
				  params.domain);
	bd_render_explain(bd_call_result(call), &p, v);
	bd_call_done(call);
	return 0;
}

static int verb_rebalance(struct bd_call *call, struct bl_err *err)
{
	int r = no_params(call, err);

	if (r < 0)
		return r;
	bd_manager_rebalance(call->all->manager);
	(void)bd_call_result(call);
	bd_call_done(call);
	return 0;
}

static void on_paused(void *ud, const struct bd_changed *what, const struct bl_err *err)
{
	struct bd_call *call = ud;

	if (err) {
		bd_call_fail(call, err);
		return;
	}
	bl_json_put_bool(bd_call_result(call), "paused", what->paused);
	bd_call_done(call);
}

static int set_paused(struct bd_call *call, bool paused, struct bl_err *err)
{
	int r = no_params(call, err);

	if (r == 0)
		bd_manager_pause(call->all->manager, paused, on_paused, call);
	return r;
}

static int verb_pause(struct bd_call *call, struct bl_err *err)
{
	return set_paused(call, true, err);
}

static int verb_resume(struct bd_call *call, struct bl_err *err)
{
	return set_paused(call, false, err);
}

struct subscribe_params {
	bool has_since;
	int64_t since;
};

static const struct bl_param subscribe_table[] = {
	{ BL_PARAM_OPTIONAL_HAS(struct subscribe_params, since, has_since, "since", BL_PARAM_INT),
	  .max = INT64_MAX },
};

static int verb_subscribe(struct bd_call *call, struct bl_err *err)
{
	struct subscribe_params params = { 0 };
	int r = BD_VERBS_DECODE(call, subscribe_table, &params, err);

	if (r < 0)
		return r;
	if (bd_call_subscribed(call))
		return bl_err_set(err, EALREADY, BL_ERR_BAD_STATE,
				  "this connection has a subscription already");
	call->subscribe = true;
	call->replay = params.has_since;
	call->since = (uint64_t)params.since;
	bl_json_put_uint(bd_call_result(call), "seq", bd_events_last(call->all->events));
	bd_call_done(call);
	return 0;
}

struct verb {
	const char *name;
	enum bd_role role; /* the least that may */
	bd_verb *handler;
};

static const struct verb verbs[] = {
	{ "status", BD_ROLE_VIEWER, verb_status },
	{ "claims", BD_ROLE_VIEWER, bd_verb_claims },
	{ "plan", BD_ROLE_VIEWER, verb_plan },
	{ "explain", BD_ROLE_VIEWER, verb_explain },
	{ "subscribe", BD_ROLE_VIEWER, verb_subscribe },
	{ "ping", BD_ROLE_VIEWER, verb_ping },
	{ "claim", BD_ROLE_ADMIN, bd_verb_claim },
	{ "release", BD_ROLE_ADMIN, bd_verb_release },
	{ "renew", BD_ROLE_ADMIN, bd_verb_renew },
	{ "handoff", BD_ROLE_ADMIN, bd_verb_handoff },
	{ "built", BD_ROLE_ADMIN, bd_verb_built },
	{ "set", BD_ROLE_ADMIN, verb_set },
	{ "forget", BD_ROLE_ADMIN, verb_forget },
	{ "rebalance", BD_ROLE_ADMIN, verb_rebalance },
	{ "pause", BD_ROLE_ADMIN, verb_pause },
	{ "resume", BD_ROLE_ADMIN, verb_resume },
	{ "sim.create", BD_ROLE_ADMIN, bd_verb_sim_create },
	{ "sim.destroy", BD_ROLE_ADMIN, bd_verb_sim_destroy },
	{ "sim.set", BD_ROLE_ADMIN, bd_verb_sim_set },
};

void bd_verbs_dispatch(struct bd_call *call, enum bd_role role)
{
	const struct verb *verb = NULL;
	struct bl_err err = { .errnum = 0 };
	char unknown[BL_NAME_MAX + 32];

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, call->req.method))
			verb = &verbs[i];
	if (!verb) {
		(void)snprintf(unknown, sizeof(unknown), "no such method: %.64s", call->req.method);
		bd_call_fail_code(call, BL_RPC_NO_SUCH_METHOD, unknown);
		return;
	}
	if (role < verb->role) {
		(void)bl_err_set(&err, EPERM, BL_ERR_NOT_PERMITTED,
				 "%s changes things; members of viewers may only look", verb->name);
		bd_call_fail(call, &err);
		return;
	}
	/* What viewers may ask changes nothing, so that only the answer would matter. */
	if (verb->role == BD_ROLE_VIEWER && bd_call_unheard(call)) {
		bd_call_drop(call);
		return;
	}
	if (verb->handler(call, &err) < 0)
		bd_call_fail(call, &err);
}
