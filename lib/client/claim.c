/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims, for C programs that do not want JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/client/call.h"
#include "lib/core/text.h"

/* Sends the params in o, and frees o. */
static int call_out(struct balloon *b, const char *method, struct bl_json_out *o,
		    struct bl_json **ret_message, struct balloon_error *reterr)
{
	struct bl_json *params = NULL;
	const char *text;
	size_t len;
	int r = bl_json_out_end(o, &text, &len);

	if (r == -ENOMEM)
		r = bl_call_no_memory(reterr);
	else if (r < 0)
		r = bl_conn_error(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  r == -EILSEQ ? "a string is not valid UTF-8" : "a number is not finite");
	else
		r = bl_call_params(text, &params, reterr);
	bl_json_out_free(o);
	if (r < 0)
		return r;
	r = bl_call(b, method, params, ret_message, reterr);
	bl_json_free(params);
	return r;
}

static void copy_string(char *ret, size_t size, const struct bl_json *v)
{
	size_t len = 0;
	const char *s = "";

	if (v && bl_json_type(v) == BL_JSON_STRING)
		s = bl_json_string(v, &len);
	bl_text_scrub(ret, size, s, len);
}

static uint64_t bytes_of(const struct bl_json *v)
{
	return v && bl_json_type(v) == BL_JSON_INT && bl_json_int(v) > 0 ? (uint64_t)bl_json_int(v) : 0;
}

/* Frees message. */
static int read_claim(struct bl_json *message, struct balloon_claim_info *ret, struct balloon_error *reterr)
{
	const struct bl_json *c = bl_json_get(bl_json_get(message, "result"), "claim");
	const struct bl_json *expires = bl_json_get(c, "expires_in_seconds");
	struct balloon_claim_info claim = { .expires_in_seconds = -1 };
	int r = 0;

	copy_string(claim.id, sizeof(claim.id), bl_json_get(c, "id"));
	copy_string(claim.state, sizeof(claim.state), bl_json_get(c, "state"));
	claim.size_bytes = bytes_of(bl_json_get(c, "size_bytes"));
	claim.held_bytes = bytes_of(bl_json_get(c, "held_bytes"));
	if (expires && (bl_json_type(expires) == BL_JSON_INT || bl_json_type(expires) == BL_JSON_REAL))
		claim.expires_in_seconds = bl_json_real(expires);
	if (!claim.id[0] || !claim.state[0])
		r = bl_conn_error(reterr, EPROTO, BL_ERR_BACKEND, "the answer holds no claim");
	else if (ret)
		*ret = claim;
	bl_json_free(message);
	return r;
}

static void put_wait(struct bl_json_out *o, const struct balloon_claim_request *q)
{
	switch (q->wait) {
	case BALLOON_WAIT_DEFAULT:
		break;
	case BALLOON_WAIT_SECONDS:
		bl_json_put_real(o, "wait_seconds", q->wait_seconds);
		break;
	case BALLOON_WAIT_NOT:
		bl_json_put_bool(o, "no_wait", true);
		break;
	case BALLOON_WAIT_NOW:
		bl_json_put_bool(o, "now", true);
		break;
	}
}

int balloon_claim(struct balloon *connection, const struct balloon_claim_request *request,
		  struct balloon_claim_info *ret_claim, struct balloon_error *reterr)
{
	const struct balloon_claim_request *q = request;
	struct bl_json_out *o = bl_json_out_new();
	struct bl_json *message = NULL;
	int r;

	if (!o)
		return bl_call_no_memory(reterr);
	bl_json_object(o, NULL);
	bl_json_put_uint(o, "size_bytes", q->size_bytes);
	if (q->min_bytes)
		bl_json_put_uint(o, "min_bytes", q->min_bytes);
	if (q->overhead_bytes)
		bl_json_put_uint(o, "overhead_bytes", q->overhead_bytes);
	if (q->id)
		bl_json_put_string(o, "id", q->id);
	if (q->name)
		bl_json_put_string(o, "name", q->name);
	if (q->uuid)
		bl_json_put_string(o, "uuid", q->uuid);
	if (q->node >= 0)
		bl_json_put_int(o, "node", q->node);
	put_wait(o, q);
	if (q->ttl_seconds > 0)
		bl_json_put_real(o, "ttl_seconds", q->ttl_seconds);
	bl_json_object_end(o);
	r = call_out(connection, "claim", o, &message, reterr);
	return r < 0 ? r : read_claim(message, ret_claim, reterr);
}

int balloon_release(struct balloon *connection, const char *id, struct balloon_error *reterr)
{
	struct bl_json_out *o = bl_json_out_new();
	struct bl_json *message = NULL;
	int r;

	if (!o)
		return bl_call_no_memory(reterr);
	bl_json_object(o, NULL);
	bl_json_array(o, "ids");
	bl_json_put_string(o, NULL, id);
	bl_json_array_end(o);
	bl_json_object_end(o);
	r = call_out(connection, "release", o, &message, reterr);
	bl_json_free(message);
	return r;
}

int balloon_renew(struct balloon *connection, const char *id, double ttl_seconds,
		  struct balloon_claim_info *ret_claim, struct balloon_error *reterr)
{
	struct bl_json_out *o = bl_json_out_new();
	struct bl_json *message = NULL;
	int r;

	if (!o)
		return bl_call_no_memory(reterr);
	bl_json_object(o, NULL);
	bl_json_put_string(o, "id", id);
	bl_json_put_real(o, "ttl_seconds", ttl_seconds);
	bl_json_object_end(o);
	r = call_out(connection, "renew", o, &message, reterr);
	return r < 0 ? r : read_claim(message, ret_claim, reterr);
}
