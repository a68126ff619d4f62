/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that change how guests are treated. */
#include <errno.h>
#include <stddef.h>

#include "daemon/control/render.h"
#include "daemon/control/verbs.h"
#include "lib/proto/params.h"

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

#define SET(member, has, param, kind) BL_PARAM_OPTIONAL_HAS(struct set_params, member, has, param, kind)
static const struct bl_param set_table[] = {
	{ BL_PARAM_REQUIRED(struct set_params, domain, "domain", BL_PARAM_DOMAIN) },
	{ SET(req.size, req.has_size, "size_bytes", BL_PARAM_PAGES) },
	{ SET(min, req.limits.has_min, "min_bytes", BL_PARAM_PAGES) },
	{ SET(req.limits.max, req.limits.has_max, "max_bytes", BL_PARAM_PAGES) },
	{ SET(weight, req.limits.has_weight, "weight", BL_PARAM_INT), .min = 1, .max = BL_WEIGHT_MAX },
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

int bd_verb_set(struct bd_call *call, struct bl_err *err)
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

int bd_verb_forget(struct bd_call *call, struct bl_err *err)
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

int bd_verb_rebalance(struct bd_call *call, struct bl_err *err)
{
	int r = bd_verbs_no_params(call, err);

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
	int r = bd_verbs_no_params(call, err);

	if (r == 0)
		bd_manager_pause(call->all->manager, paused, on_paused, call);
	return r;
}

int bd_verb_pause(struct bd_call *call, struct bl_err *err)
{
	return set_paused(call, true, err);
}

int bd_verb_resume(struct bd_call *call, struct bl_err *err)
{
	return set_paused(call, false, err);
}
