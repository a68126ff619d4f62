/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "daemon/control/render.h"
#include "daemon/control/verbs.h"
#include "lib/proto/params.h"

static void on_settled(void *ud, const struct bl_claim *c, const struct bl_err *err)
{
	struct bd_call *call = ud;

	if (c)
		bd_verbs_answer_claim(call, c);
	else
		bd_call_fail(call, err);
}

struct claim_params {
	struct bd_claim_request req;
	bool has_name, has_node, has_wait;
	int64_t node;
	bool no_wait, now;
};

#define CLAIM(member, has, param, kind) BL_PARAM_OPTIONAL_HAS(struct claim_params, member, has, param, kind)
static const struct bl_param claim_table[] = {
	{ BL_PARAM_REQUIRED(struct claim_params, req.size, "size_bytes", BL_PARAM_PAGES) },
	{ CLAIM(req.id, req.has_id, "id", BL_PARAM_UUID) },
	{ CLAIM(req.name, has_name, "name", BL_PARAM_NAME) },
	{ CLAIM(req.uuid, req.has_uuid, "uuid", BL_PARAM_UUID) },
	{ CLAIM(node, has_node, "node", BL_PARAM_INT), .max = BL_NODES_MAX - 1 },
	{ CLAIM(req.min, req.has_min, "min_bytes", BL_PARAM_PAGES) },
	{ CLAIM(req.overhead, req.has_overhead, "overhead_bytes", BL_PARAM_PAGES) },
	{ CLAIM(req.wait_for, has_wait, "wait_seconds", BL_PARAM_SECONDS) },
	{ BL_PARAM_OPTIONAL(struct claim_params, no_wait, "no_wait", BL_PARAM_BOOL) },
	{ BL_PARAM_OPTIONAL(struct claim_params, now, "now", BL_PARAM_BOOL) },
	{ BL_PARAM_OPTIONAL(struct claim_params, req.hooked, "hooked", BL_PARAM_BOOL) },
	{ CLAIM(req.ttl, req.has_ttl, "ttl_seconds", BL_PARAM_SECONDS), .min = 1 },
};

int bd_verb_claim(struct bd_call *call, struct bl_err *err)
{
	struct claim_params params = { .node = -1 };
	struct bd_claim_request *req = &params.req;
	int r = BD_VERBS_DECODE(call, claim_table, &params, err);

	if (r < 0)
		return r;
	if (params.has_wait + params.no_wait + params.now > 1)
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "only one of wait_seconds, no_wait and now may be given");
	if (req->has_min && req->min.n > req->size.n)
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "min_bytes: must not be more than size_bytes");
	req->node = (int)params.node;
	req->wait = params.has_wait  ? BD_WAIT_GIVEN
		    : params.no_wait ? BD_WAIT_NO_WAIT
		    : params.now     ? BD_WAIT_NOW
				     : BD_WAIT_DEFAULT;
	bd_manager_claim(call->all->manager, req, on_settled, call);
	return 0;
}

struct claims_params {
	const char *id;
};

static const struct bl_param claims_table[] = {
	{ BL_PARAM_OPTIONAL(struct claims_params, id, "id", BL_PARAM_CLAIM) },
};

int bd_verb_claims(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct claims_params params = { 0 };
	struct bl_claim *c = NULL;
	struct bl_json_out *o;
	struct bd_picture p;
	int r = BD_VERBS_DECODE(call, claims_table, &params, err);

	if (r == 0)
		bd_manager_refresh(m);
	if (r == 0 && params.id)
		r = bd_manager_find_claim(m, params.id, &c, err);
	if (r < 0)
		return r;
	bd_manager_picture(m, &p);
	o = bd_call_result(call);
	if (c) {
		bl_json_array(o, "claims");
		bd_render_claim(o, NULL, &p, c);
		bl_json_array_end(o);
	} else {
		bd_render_claims(o, &p);
	}
	bd_call_done(call);
	return 0;
}

struct release_params {
	const struct bl_json *ids;
};

static const struct bl_param release_table[] = {
	{ BL_PARAM_REQUIRED(struct release_params, ids, "ids", BL_PARAM_CLAIMS) },
};

/* The client may name a claim twice, in small letters and in capitals. */
static bool named_before(const struct bl_json *ids, size_t end, const bl_uuid *id)
{
	bl_uuid other;

	for (size_t i = 0; i < end; i++)
		if (bl_uuid_parse(bl_param_claim_text(bl_json_at(ids, i)), &other) &&
		    bl_uuid_equal(&other, id))
			return true;
	return false;
}

static void answer_release(struct bd_call *call)
{
	const struct bl_json *ids = bl_json_get(call->req.params, "ids");
	struct bl_json_out *o = bd_call_result(call);
	char text[BL_UUID_STR];
	bl_uuid id;

	bl_json_array(o, "released");
	for (size_t i = 0; i < bl_json_count(ids); i++)
		if (bl_uuid_parse(bl_param_claim_text(bl_json_at(ids, i)), &id) &&
		    !named_before(ids, i, &id)) {
			bl_uuid_format(&id, text);
			bl_json_put_string(o, NULL, text);
		}
	bl_json_array_end(o);
	bd_call_done(call);
}

static void release_one_less(struct bd_call *call)
{
	if (--call->left)
		return;
	if (call->failed)
		bd_call_fail(call, call->failed);
	else
		answer_release(call);
}

static void on_released(void *ud, const struct bl_claim *c, const struct bl_err *err)
{
	struct bd_call *call = ud;

	if (!c && !call->failed && (call->failed = malloc(sizeof(*call->failed))))
		*call->failed = *err;
	release_one_less(call);
}

int bd_verb_release(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct release_params params = { 0 };
	struct bl_claim *c;
	size_t n;
	int r = BD_VERBS_DECODE(call, release_table, &params, err);

	if (r < 0)
		return r;
	n = bl_json_count(params.ids);
	for (size_t i = 0; i < n; i++) {
		r = bd_manager_find_claim(m, bl_param_claim_text(bl_json_at(params.ids, i)), &c, err);
		if (r < 0)
			return r;
	}
	call->left = n + 1;
	/* A claim that is named twice may have ended when its name comes up again. */
	for (size_t i = 0; i < n; i++)
		if (bd_manager_find_claim(m, bl_param_claim_text(bl_json_at(params.ids, i)), &c, NULL) == 0)
			bd_manager_release(m, c, on_released, call);
		else
			call->left--;
	release_one_less(call);
	return 0;
}

struct renew_params {
	const char *id;
	bl_ms ttl;
};

static const struct bl_param renew_table[] = {
	{ BL_PARAM_REQUIRED(struct renew_params, id, "id", BL_PARAM_CLAIM) },
	{ BL_PARAM_REQUIRED(struct renew_params, ttl, "ttl_seconds", BL_PARAM_SECONDS), .min = 1 },
};

static void on_renewed(void *ud, const struct bd_changed *what, const struct bl_err *err)
{
	struct bd_call *call = ud;
	char id[BL_UUID_STR];
	struct bl_claim *c;
	struct bl_err gone;

	bl_uuid_format(&what->uuid, id);
	if (err)
		bd_call_fail(call, err);
	else if (bd_manager_find_claim(call->all->manager, id, &c, &gone) < 0)
		bd_call_fail(call, &gone);
	else
		bd_verbs_answer_claim(call, c);
}

int bd_verb_renew(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct renew_params params = { 0 };
	struct bl_claim *c;
	int r = BD_VERBS_DECODE(call, renew_table, &params, err);

	if (r == 0)
		r = bd_manager_find_claim(m, params.id, &c, err);
	if (r < 0)
		return r;
	bd_manager_renew(m, c, params.ttl, on_renewed, call);
	return 0;
}

struct handoff_params {
	int64_t domid;
	bl_pages size;
	const char *claim;
	bool has_wait;
	bl_ms wait;
};

static const struct bl_param handoff_table[] = {
	{ BL_PARAM_REQUIRED(struct handoff_params, domid, "domid", BL_PARAM_INT), .max = 65535 },
	{ BL_PARAM_OPTIONAL(struct handoff_params, size, "size_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL(struct handoff_params, claim, "claim", BL_PARAM_CLAIM) },
	{ BL_PARAM_OPTIONAL_HAS(struct handoff_params, wait, has_wait, "wait_seconds", BL_PARAM_SECONDS) },
};

int bd_verb_handoff(struct bd_call *call, struct bl_err *err)
{
	struct bd_manager *m = call->all->manager;
	struct handoff_params params = { 0 };
	struct bl_claim *c = NULL;
	int r = BD_VERBS_DECODE(call, handoff_table, &params, err);

	if (r == 0 && params.claim)
		r = bd_manager_find_claim(m, params.claim, &c, err);
	if (r < 0)
		return r;
	bd_manager_handoff(m, c, (uint32_t)params.domid, params.size, params.has_wait ? &params.wait : NULL,
			   on_settled, call);
	return 0;
}

struct built_params {
	int64_t domid;
};

static const struct bl_param built_table[] = {
	{ BL_PARAM_REQUIRED(struct built_params, domid, "domid", BL_PARAM_INT), .max = 65535 },
};

int bd_verb_built(struct bd_call *call, struct bl_err *err)
{
	struct built_params params = { 0 };
	int r = BD_VERBS_DECODE(call, built_table, &params, err);

	if (r < 0)
		return r;
	bd_manager_built(call->all->manager, (uint32_t)params.domid, on_settled, call);
	return 0;
}
