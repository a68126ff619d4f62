/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/client/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/core/text.h"
#include "lib/proto/rpc.h"

/* A restarted daemon is back well before RETRY_FOR_MS. A claim is sent again for so long after
 * its connection broke, and after so many breaks. */
#define RETRY_FOR_MS 15000
#define RETRY_EVERY_MS 100
#define RETRIES 10

int bl_call_no_memory(struct balloon_error *reterr)
{
	return bl_conn_error(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
}

int bl_call_params(const char *text, struct bl_json **ret, struct balloon_error *reterr)
{
	struct bl_json *v;
	struct bl_err err;
	int r;

	if (!text)
		text = "{}";
	r = bl_json_parse(text, strlen(text), &v, &err);
	if (r < 0)
		return bl_conn_error(reterr, -r, err.id, "params: %s", err.msg);
	if (bl_json_type(v) != BL_JSON_OBJECT) {
		bl_json_free(v);
		return bl_conn_error(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "params: not an object");
	}
	*ret = v;
	return 0;
}

int bl_call_text(const struct bl_json *v, char **ret, struct balloon_error *reterr)
{
	struct bl_json_out *o = bl_json_out_new();
	const char *text;
	char *copy = NULL;
	size_t len;

	if (o) {
		bl_json_put_value(o, NULL, v);
		if (bl_json_out_end(o, &text, &len) == 0)
			copy = strdup(text);
		bl_json_out_free(o);
	}
	if (!copy)
		return bl_call_no_memory(reterr);
	*ret = copy;
	return 0;
}

/* Writes the line of a request to o; claim_id: an "id" for params without one. */
static int write_request(struct bl_json_out *o, int64_t id, const char *method, const struct bl_json *params,
			 const char *claim_id, const char **ret_line, size_t *ret_len,
			 struct balloon_error *reterr)
{
	int r;

	bl_json_object(o, NULL);
	bl_json_put_string(o, "jsonrpc", "2.0");
	bl_json_put_int(o, "id", id);
	bl_json_put_string(o, "method", method);
	bl_json_object(o, "params");
	if (claim_id)
		bl_json_put_string(o, "id", claim_id);
	for (size_t i = 0; i < bl_json_count(params); i++)
		bl_json_put_value(o, bl_json_key(params, i), bl_json_at(params, i));
	bl_json_object_end(o);
	bl_json_object_end(o);
	r = bl_json_out_end_line(o, ret_line, ret_len);
	if (r == -EILSEQ)
		return bl_conn_error(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "the method is not valid UTF-8");
	if (r < 0)
		return bl_call_no_memory(reterr);
	if (*ret_len > BL_RPC_LINE_MAX)
		return bl_conn_error(reterr, E2BIG, BL_ERR_INVALID_PARAMS,
				     "the request is longer than %d bytes", BL_RPC_LINE_MAX);
	return 0;
}

static const struct {
	enum bl_err_id id;
	int errnum;
} errnums[] = {
	{ BL_ERR_NO_MEMORY, ENOSPC },	  { BL_ERR_TIMEOUT, ETIME },
	{ BL_ERR_NO_SUCH_DOMAIN, ESRCH }, { BL_ERR_NO_SUCH_CLAIM, ENOENT },
	{ BL_ERR_AMBIGUOUS, ENOTUNIQ },	  { BL_ERR_NOT_PERMITTED, EPERM },
	{ BL_ERR_BAD_STATE, EBUSY },	  { BL_ERR_UNSUPPORTED, EOPNOTSUPP },
	{ BL_ERR_BACKEND, EIO },	  { BL_ERR_INVALID_PARAMS, EINVAL },
};

static const char *string_of(const struct bl_json *v)
{
	return v && bl_json_type(v) == BL_JSON_STRING ? bl_json_string(v, NULL) : NULL;
}

static int64_t int_of(const struct bl_json *v)
{
	return v && bl_json_type(v) == BL_JSON_INT ? bl_json_int(v) : 0;
}

/* Copies the daemon's error; an id that is newer than this library is passed on. */
static int daemon_error(const struct bl_json *e, struct balloon_error *reterr)
{
	const char *id = string_of(bl_json_get(bl_json_get(e, "data"), "id"));
	const char *message = string_of(bl_json_get(e, "message"));
	struct balloon_error err = { .errnum = EIO };
	int64_t code = int_of(bl_json_get(e, "code"));

	if (!id)
		id = code == BL_RPC_NO_SUCH_METHOD				    ? "unsupported"
		     : code <= BL_RPC_INVALID_REQUEST && code >= BL_RPC_PARSE_ERROR ? "invalid-params"
										    : "backend";
	if (!message)
		message = "the daemon gives no reason";
	for (size_t i = 0; i < sizeof(errnums) / sizeof(errnums[0]); i++)
		if (errnums[i].id == bl_err_id_parse(id))
			err.errnum = errnums[i].errnum;
	err.code = code >= INT32_MIN && code <= INT32_MAX ? (int)code : 0;
	bl_text_scrub(err.id, sizeof(err.id), id, strlen(id));
	bl_text_scrub(err.message, sizeof(err.message), message, strlen(message));
	if (reterr)
		*reterr = err;
	return -err.errnum;
}

/* True if message answers the request `id`. An error without an id (not-permitted) counts as the
 * answer. */
static bool answers(const struct bl_json *message, int64_t id)
{
	const struct bl_json *of = bl_json_get(message, "id");

	if (bl_json_get(message, "method"))
		return false;
	if (of && bl_json_type(of) == BL_JSON_INT)
		return bl_json_int(of) == id;
	return bl_json_get(message, "error") != NULL;
}

static int broken(struct balloon *b, int r, struct balloon_error *reterr)
{
	bl_conn_close(&b->conn);
	switch (r) {
	case -ENOMEM:
		return bl_call_no_memory(reterr);
	case -ETIMEDOUT:
		return bl_conn_error(reterr, ETIMEDOUT, BL_ERR_NO_DAEMON, "%s: balloond does not answer",
				     b->path);
	case -EPIPE:
	case -ECONNRESET:
		return bl_conn_error(reterr, ECONNRESET, BL_ERR_NO_DAEMON,
				     "%s: balloond closed the connection", b->path);
	default:
		return bl_conn_error(reterr, -r, BL_ERR_NO_DAEMON,
				     "%s: the answer is not balloond's protocol", b->path);
	}
}

static int receive(struct balloon *b, int64_t id, int64_t deadline, struct bl_json **ret_message,
		   struct balloon_error *reterr)
{
	for (;;) {
		struct bl_json *message;
		char *line;
		size_t len;
		int r = bl_conn_line(&b->conn, deadline, &line, &len);

		if (r <= 0)
			return broken(b, r ? r : -ETIMEDOUT, reterr);
		r = bl_json_parse(line, len, &message, NULL);
		if (r < 0)
			return broken(b, r == -ENOMEM ? r : -EPROTO, reterr);
		if (answers(message, id)) {
			if (bl_json_type(message) == BL_JSON_OBJECT && bl_json_get(message, "result")) {
				*ret_message = message;
				return 0;
			}
			r = daemon_error(bl_json_get(message, "error"), reterr);
			bl_json_free(message);
			return r;
		}
		bl_json_free(message);
	}
}

static int exchange(struct balloon *b, const char *method, const struct bl_json *params,
		    const char *claim_id, struct bl_json **ret_message, struct balloon_error *reterr)
{
	int64_t deadline = bl_conn_deadline(b->timeout_ms), id = ++b->last_id;
	struct bl_json_out *o = bl_json_out_new();
	const char *line;
	size_t len;
	int r;

	if (!o)
		return bl_call_no_memory(reterr);
	r = write_request(o, id, method, params, claim_id, &line, &len, reterr);
	if (r == 0 && b->conn.fd < 0)
		r = bl_conn_open(&b->conn, b->path, reterr);
	if (r == 0) {
		r = bl_conn_send(&b->conn, line, len, deadline);
		if (r == -EPIPE)
			r = 0; /* the daemon may have sent the reason before it closed */
		else if (r < 0)
			r = broken(b, r, reterr);
	}
	bl_json_out_free(o);
	return r < 0 ? r : receive(b, id, deadline, ret_message, reterr);
}

/* True if trying again may help: the daemon went away, or is not back yet. */
static bool lost(int r)
{
	return r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOENT;
}

static int exchange_claim(struct balloon *b, const struct bl_json *params, const char *claim_id,
			  struct bl_json **ret_message, struct balloon_error *reterr)
{
	struct balloon_error err;
	int r = exchange(b, "claim", params, claim_id, ret_message, &err);

	/* Only a connection that was open can have left a claim behind. */
	for (int n = 0; r == -ECONNRESET && !strcmp(err.id, "no-daemon") && n < RETRIES; n++) {
		int64_t give_up = bl_conn_deadline(RETRY_FOR_MS);

		do {
			const struct timespec pause = { .tv_nsec = RETRY_EVERY_MS * 1000000L };

			nanosleep(&pause, NULL);
			r = exchange(b, "claim", params, claim_id, ret_message, &err);
		} while (lost(r) && r != -ECONNRESET && !strcmp(err.id, "no-daemon") &&
			 bl_conn_deadline(0) < give_up);
	}
	if (r < 0 && reterr)
		*reterr = err;
	return r;
}

int bl_call(struct balloon *b, const char *method, const struct bl_json *params,
	    struct bl_json **ret_message, struct balloon_error *reterr)
{
	char id[BALLOON_ID_SIZE];
	bool has_id = bl_json_get(params, "id") != NULL;
	int r;

	if (strcmp(method, "claim"))
		return exchange(b, method, params, NULL, ret_message, reterr);
	r = has_id ? 0 : balloon_new_id(id);
	if (r < 0)
		return bl_conn_error(reterr, -r, BL_ERR_BACKEND, "no random id: %s", strerrordesc_np(-r));
	return exchange_claim(b, params, has_id ? NULL : id, ret_message, reterr);
}
