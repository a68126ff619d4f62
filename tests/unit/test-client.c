/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libballoon against a daemon that is played line by line: what it sends, what
 * it makes of the answers, and what it does when the line goes dead. */
#include "tests/unit/played-daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answers_and_requests(void **state)
{
	static const struct step steps[] = {
		{ "\"method\":\"status\",\"params\":{\"domains\":[\"a\"]}}",
		  /* an event and a stranger's answer are not ours */
		  "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{}}\n"
		  "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{\"x\":1}}\n"
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"new\": [1.50, \"\\u00e4\"]}}\n",
		  false },
		{ "\"method\":\"ping\",\"params\":{}}", "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{}}\n",
		  false },
	};
	pthread_t t = START(steps);
	struct balloon *b = NULL;
	struct balloon_error err;
	char *result = NULL;

	(void)state;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	assert_int_equal(balloon_call(b, "status", "{ \"domains\" : [\"a\"] }", &result, &err), 0);
	assert_string_equal(result, "{\"new\":[1.50,\"\xc3\xa4\"]}");
	balloon_free(result);
	assert_int_equal(balloon_ping(b, NULL), 0);
	balloon_close(b);
	balloon_close(NULL);
	pthread_join(t, NULL);
	assert_int_equal(n_got, 2);
}

static void errors_have_ids(void **state)
{
	static const struct step steps[] = {
		{ "plan",
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"error\":{\"code\":1,\"message\":\"full\\u001b[1m\","
		  "\"data\":{\"id\":\"no-memory\",\"more\":1}}}\n",
		  false },
		{ "plan",
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"error\":{\"code\":77,\"message\":\"m\","
		  "\"data\":{\"id\":\"brand-new\"}}}\n",
		  false },
		{ "plan",
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"error\":{\"code\":-32601,\"message\":\"no\"}}\n",
		  false },
		{ "plan", "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"error\":5}\n", false },
		{ "plan",
		  "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":6,\"message\":\"go away\","
		  "\"data\":{\"id\":\"not-permitted\"}}}\n",
		  true },
	};
	static const struct {
		int r;
		const char *id, *message;
	} want[] = {
		{ -ENOSPC, "no-memory", "full?[1m" },	{ -EIO, "brand-new", "m" },
		{ -EOPNOTSUPP, "unsupported", "no" },	{ -EIO, "backend", "the daemon gives no reason" },
		{ -EPERM, "not-permitted", "go away" },
	};
	pthread_t t = START(steps);
	struct balloon *b = NULL;
	struct balloon_error err;

	(void)state;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	for (size_t i = 0; i < 5; i++) {
		char *result = NULL;

		assert_int_equal(balloon_call(b, "plan", NULL, &result, &err), want[i].r);
		assert_string_equal(err.id, want[i].id);
		assert_string_equal(err.message, want[i].message);
		assert_int_equal(err.errnum, -want[i].r);
		assert_null(result);
	}
	balloon_close(b);
	pthread_join(t, NULL);
}

static void bad_params_stay_here(void **state)
{
	static const struct {
		const char *params, *says;
	} rows[] = {
		{ "{", "params: not JSON" },
		{ "[1]", "params: not an object" },
		{ "{\"a\":1,\"a\":2}", "given twice" },
		{ "{\"a\":\"\xff\"}", "UTF" },
	};
	static const struct step nothing[] = { { NULL, NULL, true } };
	pthread_t t = START(nothing);
	struct balloon *b = NULL;
	struct balloon_error err;
	char *result = NULL, *longer = malloc(70000);

	(void)state;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(balloon_call(b, "status", rows[i].params, &result, &err), -EINVAL);
		assert_string_equal(err.id, "invalid-params");
		assert_non_null(strstr(err.message, rows[i].says));
	}
	snprintf(longer, 70000, "{\"a\":\"%069000d\"}", 0);
	assert_int_equal(balloon_call(b, "status", longer, &result, &err), -E2BIG);
	assert_string_equal(err.id, "invalid-params");
	free(longer);
	balloon_close(b);
	pthread_join(t, NULL);
}

/* The connection breaks while a claim waits: it is asked for again, as the
 * same claim. */
static void a_claim_outlives_the_daemon(void **state)
{
	static const struct step steps[] = {
		{ "\"method\":\"claim\"", NULL, true },
		{ "\"method\":\"claim\"", "{\"jsonrpc\":\"2.0\",\"i", true },
		{ "\"method\":\"claim\"",
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"claim\":{\"id\":\"7\",\"state\":\"held\","
		  "\"size_bytes\":8192,\"held_bytes\":4096,\"expires_in_seconds\":599.5}}}\n",
		  false },
	};
	pthread_t t = START(steps);
	struct balloon_claim_request q = BALLOON_CLAIM_REQUEST_INIT;
	struct balloon_claim_info c;
	struct balloon *b = NULL;
	struct balloon_error err;

	(void)state;
	q.size_bytes = 8192;
	q.min_bytes = 4096;
	q.name = "web";
	q.wait = BALLOON_WAIT_SECONDS;
	q.wait_seconds = 0.5;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	if (balloon_claim(b, &q, &c, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(c.id, "7");
	assert_string_equal(c.state, "held");
	assert_int_equal(c.size_bytes, 8192);
	assert_int_equal(c.held_bytes, 4096);
	assert_true(c.expires_in_seconds > 599);
	balloon_close(b);
	pthread_join(t, NULL);
	assert_int_equal(n_got, 3);
	assert_int_equal(strlen(claim_ids[0]), BALLOON_ID_SIZE - 1);
	assert_string_equal(claim_ids[0], claim_ids[1]);
	assert_string_equal(claim_ids[0], claim_ids[2]);
	assert_non_null(strstr(got[2], "\"size_bytes\":8192,\"min_bytes\":4096,\"name\":\"web\","
				       "\"wait_seconds\":0.5}"));
}

static void nothing_else_is_sent_twice(void **state)
{
	static const struct step steps[] = {
		{ "\"method\":\"release\",\"params\":{\"ids\":[\"x\"]}", NULL, true },
		{ "\"method\":\"ping\"", "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{}}\n", false },
	};
	pthread_t t = START(steps);
	struct balloon *b = NULL;
	struct balloon_error err;

	(void)state;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	assert_int_equal(balloon_release(b, "x", &err), -ECONNRESET);
	assert_string_equal(err.id, "no-daemon");
	assert_int_equal(balloon_ping(b, &err), 0); /* a new connection */
	balloon_close(b);
	pthread_join(t, NULL);
}

static void a_daemon_that_is_silent(void **state)
{
	static const struct step steps[] = {
		{ "ping", NULL, false },
		{ "never", NULL, false },
	};
	pthread_t t = START(steps);
	struct balloon *b = NULL;
	struct balloon_error err;

	(void)state;
	assert_int_equal(balloon_connect(path, &b, &err), 0);
	balloon_set_timeout(b, 50);
	assert_int_equal(balloon_ping(b, &err), -ETIMEDOUT);
	assert_string_equal(err.id, "no-daemon");
	assert_non_null(strstr(err.message, "does not answer"));
	balloon_close(b);
	pthread_join(t, NULL);
}

static void nobody_there(void **state)
{
	struct balloon *b = (struct balloon *)path;
	struct balloon_error err;
	char longer[300];

	(void)state;
	assert_int_equal(balloon_connect("/nonexistent/sock", &b, &err), -ENOENT);
	assert_string_equal(err.id, "no-daemon");
	assert_non_null(strstr(err.message, "is balloond running?"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(balloon_connect(longer, &b, &err), -EINVAL);
	assert_ptr_equal(b, (struct balloon *)path);
	assert_int_equal(balloon_connect("/nonexistent/sock", &b, NULL), -ENOENT);
}

static void finds_the_socket(void **state)
{
	(void)state;
	unsetenv("BALLOOND_SOCKET");
	assert_string_equal(balloon_socket_path("/x"), "/x");
	assert_non_null(strstr(balloon_socket_path(NULL), "/balloond/control.sock"));
	setenv("BALLOOND_SOCKET", "/y", 1);
	assert_string_equal(balloon_socket_path(NULL), "/y");
	assert_string_equal(balloon_socket_path("/x"), "/x");
	unsetenv("BALLOOND_SOCKET");
}

static void events_come_in_order(void **state)
{
	static const struct step steps[] = {
		{ "\"method\":\"subscribe\",\"params\":{\"since\":3}",
		  "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"seq\":5}}\n"
		  "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":4}}\n"
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n"
		  "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":5}}\n",
		  true },
	};
	pthread_t t = START(steps);
	struct balloon_events *e = NULL;
	struct balloon_error err;
	const uint64_t since = 3;
	char *event = NULL;

	(void)state;
	assert_int_equal(balloon_subscribe(path, &since, &e, &err), 0);
	assert_true(fcntl(balloon_events_fd(e), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(balloon_events_next(e, -1, &event, &err), 1);
	assert_string_equal(event, "{\"seq\":4}");
	balloon_free(event);
	assert_int_equal(balloon_events_next(e, 5000, &event, &err), 1);
	assert_string_equal(event, "{\"seq\":5}");
	balloon_free(event);
	assert_int_equal(balloon_events_next(e, -1, &event, &err), -ECONNRESET);
	assert_string_equal(err.id, "no-daemon");
	assert_int_equal(balloon_events_next(e, -1, &event, &err), -ENOTCONN);
	balloon_events_close(e);
	balloon_events_close(NULL);
	pthread_join(t, NULL);
}

static void no_event_in_time(void **state)
{
	static const struct step steps[] = {
		{ "subscribe", "{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"result\":{\"seq\":0}}\n", false },
		{ "never", NULL, false },
	};
	pthread_t t = START(steps);
	struct balloon_events *e = NULL;
	char *event = NULL;

	(void)state;
	assert_int_equal(balloon_subscribe(path, NULL, &e, NULL), 0);
	assert_int_equal(balloon_events_next(e, 0, &event, NULL), 0);
	assert_int_equal(balloon_events_next(e, 10, &event, NULL), 0);
	assert_null(event);
	balloon_events_close(e);
	pthread_join(t, NULL);
}

static void ids_are_uuids_and_differ(void **state)
{
	char a[BALLOON_ID_SIZE], b[BALLOON_ID_SIZE];

	(void)state;
	assert_int_equal(balloon_new_id(a), 0);
	assert_int_equal(balloon_new_id(b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_and_requests),
		cmocka_unit_test(errors_have_ids),
		cmocka_unit_test(bad_params_stay_here),
		cmocka_unit_test(a_claim_outlives_the_daemon),
		cmocka_unit_test(nothing_else_is_sent_twice),
		cmocka_unit_test(a_daemon_that_is_silent),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(finds_the_socket),
		cmocka_unit_test(events_come_in_order),
		cmocka_unit_test(no_event_in_time),
		cmocka_unit_test(ids_are_uuids_and_differ),
	};

	return cmocka_run_group_tests_name("client", tests, set_up, tear_down);
}
