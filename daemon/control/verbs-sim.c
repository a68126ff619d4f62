/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "daemon/control/verbs.h"
#include "lib/proto/params.h"
#include "lib/sim/sim.h"

static int sim_host(struct bd_call *call, struct bd_host **ret, struct bl_err *err)
{
	struct bd_picture p;

	bd_manager_picture(call->all->manager, &p);
	if (strcmp(p.host->ops->name, "sim"))
		return bl_err_set(err, EOPNOTSUPP, BL_ERR_UNSUPPORTED,
				  "%s: only a simulated host can do that, this one is %s", call->req.method,
				  p.host->ops->name);
	*ret = p.host;
	return 0;
}

static int find(struct bd_call *call, const char *name, uint32_t *ret_domid, struct bl_err *err)
{
	const struct bl_dom *d;
	int r;

	bd_manager_refresh(call->all->manager);
	r = bd_manager_find_domain(call->all->manager, name, &d, err);
	if (r == 0)
		*ret_domid = d->domid;
	return r;
}

static void answer_domain(struct bd_call *call, uint32_t domid)
{
	struct bl_json_out *o;

	bd_manager_rebalance(call->all->manager);
	bd_manager_refresh(call->all->manager);
	o = bd_call_result(call);
	bd_verbs_put_domain(call, o, domid);
	bd_call_done(call);
}

struct create_params {
	char name[BL_NAME_MAX + 1];
	bl_pages size, max;
	bool has_max, has_uuid;
	bl_uuid uuid;
	const char *claim;
};

static const struct bl_param create_table[] = {
	{ BL_PARAM_REQUIRED(struct create_params, name, "name", BL_PARAM_NAME) },
	{ BL_PARAM_REQUIRED(struct create_params, size, "size_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL_HAS(struct create_params, max, has_max, "max_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL(struct create_params, claim, "claim", BL_PARAM_CLAIM) },
	{ BL_PARAM_OPTIONAL_HAS(struct create_params, uuid, has_uuid, "uuid", BL_PARAM_UUID) },
};

static int verb_sim_create(struct bd_call *call, struct bl_err *err)
{
	struct create_params params = { 0 };
	struct bl_sim_launch l = { .name = params.name };
	struct bl_claim *c = NULL;
	struct bd_host *host;
	uint32_t domid = 0;
	int r = BD_VERBS_DECODE(call, create_table, &params, err);

	if (r == 0)
		r = sim_host(call, &host, err);
	if (r == 0 && params.has_max && bl_pages_lt(params.max, params.size))
		r = bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
			       "max_bytes: must not be less than size_bytes");
	if (r == 0 && params.claim)
		r = bd_manager_find_claim(call->all->manager, params.claim, &c, err);
	if (r == 0 && c && bl_claim_ends(c))
		r = bl_err_set(err, EBUSY, BL_ERR_BAD_STATE, "the claim is being given back");
	l.size = params.size;
	l.max = params.has_max ? params.max : params.size;
	l.uuid = params.has_uuid ? &params.uuid : NULL;
	if (r == 0)
		r = bd_host_sim_create(host, &l, c, &domid, err);
	if (r < 0)
		return r;
	if (c)
		bd_manager_moved(call->all->manager, c, domid, params.size);
	answer_domain(call, domid);
	return 0;
}

struct destroy_params {
	char name[BL_NAME_MAX + 1];
};

static const struct bl_param destroy_table[] = {
	{ BL_PARAM_REQUIRED(struct destroy_params, name, "name", BL_PARAM_DOMAIN) },
};

static int verb_sim_destroy(struct bd_call *call, struct bl_err *err)
{
	struct destroy_params params = { 0 };
	struct bd_host *host;
	uint32_t domid = 0;
	int r = BD_VERBS_DECODE(call, destroy_table, &params, err);

	if (r == 0)
		r = sim_host(call, &host, err);
	if (r == 0)
		r = find(call, params.name, &domid, err);
	if (r == 0)
		r = bd_host_sim_destroy(host, domid, err);
	if (r < 0)
		return r;
	bd_manager_rebalance(call->all->manager);
	bl_json_put_uint(bd_call_result(call), "domid", domid);
	bd_call_done(call);
	return 0;
}

struct set_params {
	char name[BL_NAME_MAX + 1];
	const struct bl_json *values;
};

static const struct bl_param set_table[] = {
	{ BL_PARAM_REQUIRED(struct set_params, name, "name", BL_PARAM_DOMAIN) },
	{ BL_PARAM_REQUIRED(struct set_params, values, "values", BL_PARAM_VALUES) },
};

static int verb_sim_set(struct bd_call *call, struct bl_err *err)
{
	struct set_params params = { 0 };
	struct bd_host *host;
	uint32_t domid = 0;
	int r = BD_VERBS_DECODE(call, set_table, &params, err);

	if (r == 0)
		r = sim_host(call, &host, err);
	if (r == 0)
		r = find(call, params.name, &domid, err);
	for (size_t i = 0; r == 0 && i < bl_json_count(params.values); i++)
		r = bd_host_sim_set(host, domid, bl_json_key(params.values, i),
				    bl_json_string(bl_json_at(params.values, i), NULL), err);
	if (r < 0)
		return r;
	answer_domain(call, domid);
	return 0;
}

const struct bd_verb bd_verbs_sim[] = {
	{ "sim.create", BD_ROLE_ADMIN, verb_sim_create },
	{ "sim.destroy", BD_ROLE_ADMIN, verb_sim_destroy },
	{ "sim.set", BD_ROLE_ADMIN, verb_sim_set },
	{ .name = NULL },
};
