/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the control socket, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proto/rpc.h"

static struct bl_json_out *out;

static int set_up(void **state)
{
	(void)state;
	out = bl_json_out_new();
	return out ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	bl_json_out_free(out);
	return 0;
}

static void takes_requests(void **state)
{
	struct bl_rpc_request r;
	static const char line[] =
		"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"ping\",\"params\":{\"a\":1}}";

	(void)state;
	assert_int_equal(bl_rpc_parse(line, strlen(line), &r, out), 0);
	assert_string_equal(r.method, "ping");
	assert_string_equal(bl_json_string(r.id, NULL), "x");
	assert_int_equal(bl_json_int(bl_json_get(r.params, "a")), 1);
	bl_rpc_request_done(&r);

	/* no id: a notification; an id of null is an id */
	assert_int_equal(bl_rpc_parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", 30, &r, out), 0);
	assert_null(r.id);
	assert_null(r.params);
	bl_rpc_request_done(&r);
	assert_int_equal(bl_rpc_parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null}\r", 41, &r, out),
			 0);
	assert_non_null(r.id);
	bl_rpc_request_done(&r);
	assert_null(r.root);
}

static void refuses_requests(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{ "{", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700," },
		{ "\x01", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700," },
		{ "{\"id\":1,\"id\":2}", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700," },
		{ "[]", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600," },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
		  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600," },
		{ "7", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600," },
		{ "{\"id\":1,\"method\":\"ping\"}",
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"jsonrpc " },
		{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"jsonrpc " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1.50}",
		  "{\"jsonrpc\":\"2.0\",\"id\":1.50,\"error\":{\"code\":-32600,\"message\":\"method " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":3}",
		  "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32600,\"message\":\"method " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}",
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"method " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
		  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"id " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}",
		  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"id " },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"parms\":{}}",
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"a request has" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_rpc_request r;
		const char *text;
		size_t len;

		assert_int_equal(bl_rpc_parse(rows[i].line, strlen(rows[i].line), &r, out), -EINVAL);
		assert_int_equal(bl_json_out_end_line(out, &text, &len), 0);
		if (strncmp(text, rows[i].want, strlen(rows[i].want)))
			fail_msg("%s: %s", rows[i].line, text);
		assert_int_equal(text[len - 1], '\n');
		assert_null(memchr(text, '\n', len - 1));
	}
}

static void refuses_a_long_id(void **state)
{
	struct bl_rpc_request r;
	char line[600], id[300];
	const char *text;
	size_t len;

	(void)state;
	memset(id, 'a', 257);
	id[257] = '\0';
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"%s\"}", id);
	assert_int_equal(bl_rpc_parse(line, strlen(line), &r, out), -EINVAL);
	assert_int_equal(bl_json_out_end_line(out, &text, &len), 0);
	assert_true(len < 200); /* it does not come back */
	id[256] = '\0';
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"%s\"}", id);
	assert_int_equal(bl_rpc_parse(line, strlen(line), &r, out), 0);
	bl_rpc_request_done(&r);
}

static void writes_results_and_events(void **state)
{
	struct bl_json *id;
	struct bl_err err;
	const char *text;
	size_t len;

	(void)state;
	assert_int_equal(bl_json_parse("\"\\n7\"", 5, &id, &err), 0);
	bl_rpc_result_begin(out, id);
	bl_json_put_string(out, "s", "two\nlines");
	assert_int_equal(bl_rpc_result_end(out, &text, &len), 0);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":\"\\n7\",\"result\":{\"version\":"
				  "{\"major\":1,\"minor\":0},\"s\":\"two\\nlines\"}}\n");
	assert_int_equal(len, strlen(text));
	bl_json_free(id);

	bl_rpc_event_begin(out);
	bl_json_put_int(out, "seq", 1);
	assert_int_equal(bl_rpc_event_end(out, &text, &len), 0);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":1}}\n");
}

static void writes_errors(void **state)
{
	struct bl_err err;
	const char *text;
	size_t len;

	(void)state;
	bl_err_set(&err, ENOMEM, BL_ERR_NO_MEMORY, "host is full");
	assert_int_equal(bl_rpc_error(out, NULL, &err, &text, &len), 0);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":"
				  "\"host is full\",\"data\":{\"id\":\"no-memory\"}}}\n");

	bl_err_set(&err, EINVAL, BL_ERR_INVALID_PARAMS, "x: bad");
	assert_int_equal(bl_rpc_error(out, NULL, &err, &text, &len), 0);
	assert_non_null(
		strstr(text, "\"code\":-32602,\"message\":\"x: bad\",\"data\":{\"id\":\"invalid-params\"}"));

	/* a name cut in the middle of a character, or with colours in it */
	bl_err_set(&err, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no \x1b[1m domain \xc3");
	assert_int_equal(bl_rpc_error(out, NULL, &err, &text, &len), 0);
	assert_non_null(strstr(text, "\"code\":3,\"message\":\"no ?[1m domain ?\""));

	/* what nobody gave an id is the backend's */
	bl_err_set(&err, EIO, BL_ERR_NONE, "oops");
	assert_int_equal(bl_rpc_error(out, NULL, &err, &text, &len), 0);
	assert_non_null(strstr(text, "\"code\":9,"));

	assert_int_equal(bl_rpc_error_code(out, NULL, BL_RPC_NO_SUCH_METHOD, "no method x", &text, &len), 0);
	assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32601,"
				  "\"message\":\"no method x\"}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_requests),    cmocka_unit_test(refuses_requests),
		cmocka_unit_test(refuses_a_long_id), cmocka_unit_test(writes_results_and_events),
		cmocka_unit_test(writes_errors),
	};

	return cmocka_run_group_tests_name("rpc", tests, set_up, tear_down);
}
