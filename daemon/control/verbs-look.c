/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that change nothing: viewers may use them. */
#include <errno.h>
#include <stddef.h>

#include "daemon/control/render.h"
#include "daemon/control/verbs.h"
#include "lib/proto/params.h"

struct status_params {
	const struct bl_json *domains;
};

static const struct bl_param status_table[] = {
	{ BL_PARAM_OPTIONAL(struct status_params, domains, "domains", BL_PARAM_DOMAINS) },
};

/* Finds each named domain once. Fails before anything is written if a name is no domain's. */
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

static void put_domains(const struct bd_picture *p, const uint32_t *domids, size_t n, struct bl_json_out *o)
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
	/* Holders are shown as claims. */
	for (size_t i = 0; i < p->plan->n_views; i++)
		if (!(p->plan->views[i].dom->flags & BL_DOM_HOLDER))
			bd_render_domain(o, NULL, p, &p->plan->views[i]);
	bl_json_array_end(o);
}

int bd_verb_status(struct bd_call *call, struct bl_err *err)
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

int bd_verb_ping(struct bd_call *call, struct bl_err *err)
{
	struct bd_picture p;
	int r = bd_verbs_no_params(call, err);

	if (r < 0)
		return r;
	bd_manager_picture(call->all->manager, &p);
	bd_render_daemon(bd_call_result(call), "daemon", call->all->manager, &p);
	bd_call_done(call);
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

int bd_verb_plan(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct plan_params params = { 0 };
	struct bd_what_if what;
	struct bd_picture p;
	int r = BD_VERBS_DECODE(call, plan_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_refresh(m);
	r = bd_manager_what_if(m, params.size, params.has_overhead ? &params.overhead : NULL, &what, err);
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

int bd_verb_explain(struct bd_call *call, struct bl_err *err)
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
		return bl_err_set(err, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no domain %s", params.domain);
	bd_render_explain(bd_call_result(call), &p, v);
	bd_call_done(call);
	return 0;
}

struct subscribe_params {
	bool has_since;
	int64_t since;
};

static const struct bl_param subscribe_table[] = {
	{ BL_PARAM_OPTIONAL_HAS(struct subscribe_params, since, has_since, "since", BL_PARAM_INT),
	  .max = INT64_MAX },
};

int bd_verb_subscribe(struct bd_call *call, struct bl_err *err)
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
