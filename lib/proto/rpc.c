/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/rpc.h"

#include <errno.h>
#include <string.h>

#include "lib/core/text.h"

/* Longest id: an id is kept as long as its request waits. */
#define ID_MAX 256

static void envelope(struct bl_json_out *o)
{
	bl_json_out_clear(o);
	bl_json_object(o, NULL);
	bl_json_put_string(o, "jsonrpc", "2.0");
}

static void put_id(struct bl_json_out *o, const struct bl_json *id)
{
	if (id)
		bl_json_put_value(o, "id", id);
	else
		bl_json_put_null(o, "id");
}

static void put_error(struct bl_json_out *o, const struct bl_json *id, int code, const char *message,
		      const char *data_id)
{
	char clean[BL_ERR_MSG_MAX];

	bl_text_scrub(clean, sizeof(clean), message, strlen(message));
	envelope(o);
	put_id(o, id);
	bl_json_object(o, "error");
	bl_json_put_int(o, "code", code);
	bl_json_put_string(o, "message", clean);
	if (data_id) {
		bl_json_object(o, "data");
		bl_json_put_string(o, "id", data_id);
		bl_json_object_end(o);
	}
	bl_json_object_end(o);
	bl_json_object_end(o);
}

static bool id_ok(const struct bl_json *id)
{
	size_t len;

	switch (bl_json_type(id)) {
	case BL_JSON_NULL:
	case BL_JSON_INT:
	case BL_JSON_REAL:
		return true;
	case BL_JSON_STRING:
		bl_json_string(id, &len);
		return len <= ID_MAX;
	default:
		return false;
	}
}

static bool text_is_clean(const struct bl_json *v)
{
	size_t len;
	const char *s;

	if (!v || bl_json_type(v) != BL_JSON_STRING)
		return false;
	s = bl_json_string(v, &len);
	return bl_text_clean(s, len);
}

/* What is wrong with the envelope of a request; NULL: nothing. */
static const char *envelope_fault(const struct bl_json *root, const struct bl_json *id)
{
	static const char *const known[] = { "jsonrpc", "id", "method", "params" };
	const struct bl_json *version = bl_json_get(root, "jsonrpc");

	if (id && !id_ok(id))
		return "id must be a string of at most 256 bytes, a number or null";
	if (!text_is_clean(version) || strcmp(bl_json_string(version, NULL), "2.0"))
		return "jsonrpc must be \"2.0\"";
	if (!text_is_clean(bl_json_get(root, "method")))
		return "method must be a string";
	for (size_t i = 0; i < bl_json_count(root); i++) {
		size_t k = 0;

		while (k < 4 && strcmp(bl_json_key(root, i), known[k]))
			k++;
		if (k == 4)
			return "a request has jsonrpc, id, method and params only";
	}
	return NULL;
}

int bl_rpc_parse(const char *line, size_t len, struct bl_rpc_request *ret, struct bl_json_out *error)
{
	struct bl_json *root = NULL;
	const struct bl_json *id;
	struct bl_err err;
	const char *fault;
	int r = bl_json_parse(line, len, &root, &err);

	if (r < 0) {
		put_error(error, NULL, r == -ENOMEM ? BL_RPC_INTERNAL_ERROR : BL_RPC_PARSE_ERROR, err.msg,
			  NULL);
		return r;
	}
	id = bl_json_get(root, "id");
	if (bl_json_type(root) == BL_JSON_ARRAY)
		fault = "batches are not supported: send one request per line";
	else if (bl_json_type(root) != BL_JSON_OBJECT)
		fault = "a request must be an object";
	else
		fault = envelope_fault(root, id);
	if (fault) {
		put_error(error, id && id_ok(id) ? id : NULL, BL_RPC_INVALID_REQUEST, fault, NULL);
		bl_json_free(root);
		return -EINVAL;
	}
	*ret = (struct bl_rpc_request){
		.root = root,
		.id = id,
		.method = bl_json_string(bl_json_get(root, "method"), NULL),
		.params = bl_json_get(root, "params"),
	};
	return 0;
}

void bl_rpc_request_done(struct bl_rpc_request *r)
{
	bl_json_free(r->root);
	*r = (struct bl_rpc_request){ 0 };
}

void bl_rpc_result_begin(struct bl_json_out *o, const struct bl_json *id)
{
	envelope(o);
	put_id(o, id);
	bl_json_object(o, "result");
	bl_json_object(o, "version");
	bl_json_put_int(o, "major", BL_RPC_VERSION_MAJOR);
	bl_json_put_int(o, "minor", BL_RPC_VERSION_MINOR);
	bl_json_object_end(o);
}

int bl_rpc_result_end(struct bl_json_out *o, const char **ret_line, size_t *ret_len)
{
	bl_json_object_end(o);
	bl_json_object_end(o);
	return bl_json_out_end_line(o, ret_line, ret_len);
}

int bl_rpc_error(struct bl_json_out *o, const struct bl_json *id, const struct bl_err *err,
		 const char **ret_line, size_t *ret_len)
{
	int code = err->id == BL_ERR_INVALID_PARAMS ? BL_RPC_INVALID_PARAMS : (int)err->id;

	/* an error of a lower layer, without an id for clients */
	if (err->id == BL_ERR_NONE || err->id == BL_ERR_NO_DAEMON)
		put_error(o, id, BL_ERR_BACKEND, err->msg, bl_err_id_name(BL_ERR_BACKEND));
	else
		put_error(o, id, code, err->msg, bl_err_id_name(err->id));
	return bl_json_out_end_line(o, ret_line, ret_len);
}

int bl_rpc_error_code(struct bl_json_out *o, const struct bl_json *id, int code, const char *message,
		      const char **ret_line, size_t *ret_len)
{
	put_error(o, id, code, message, NULL);
	return bl_json_out_end_line(o, ret_line, ret_len);
}

void bl_rpc_event_begin(struct bl_json_out *o)
{
	envelope(o);
	bl_json_put_string(o, "method", "event");
	bl_json_object(o, "params");
}

int bl_rpc_event_end(struct bl_json_out *o, const char **ret_line, size_t *ret_len)
{
	bl_json_object_end(o);
	bl_json_object_end(o);
	return bl_json_out_end_line(o, ret_line, ret_len);
}
