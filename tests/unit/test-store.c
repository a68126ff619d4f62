/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The xenstore thread: the loop never waits, nothing asked is left without an
 * answer, and a connection that breaks is made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/xen/store/queue.h"
#include "daemon/xen/store/store.h"
#include "tests/unit/fake-xen.h"

#define LIMIT BL_MS(10000)

struct fixture {
	struct event_base *base;
	struct bd_store *s;
	char said[8192]; /* one line an answer */
};

static void sink(void *ud, const struct bd_store_reply *r)
{
	static const char *const names[] = {
		"value", "fired", "written", "introduced", "connected", "lost"
	};
	struct fixture *f = ud;
	size_t at = strlen(f->said);

	snprintf(f->said + at, sizeof(f->said) - at, "%s %llu %d %s\n", names[r->what],
		 (unsigned long long)r->cookie, r->r, r->value ? r->value : "-");
}

static void *setup(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_store_reset();
	f->base = event_base_new();
	assert_int_equal(bd_store_open(f->base, sink, f, &f->s, NULL), 0);
	assert_int_equal(bd_store_settle(f->s, LIMIT), 0);
	assert_string_equal(f->said, "connected 0 0 -\n");
	f->said[0] = '\0';
	return f;
}

static void teardown(struct fixture *f)
{
	bd_store_close(f->s);
	event_base_free(f->base);
	free(f);
}

/* All answers up to now, which are forgotten after. */
static void expect(struct fixture *f, const char *said)
{
	assert_int_equal(bd_store_settle(f->s, LIMIT), 0);
	assert_string_equal(f->said, said);
	f->said[0] = '\0';
}

static bool said(const struct fixture *f, const char *what)
{
	return strstr(f->said, what) != NULL;
}

/* Runs the loop until that was said. */
static void wait_for(struct fixture *f, const char *what)
{
	const struct timeval step = { .tv_usec = 10000 };

	for (int i = 0; i < 1000 && !said(f, what); i++) {
		event_base_loopexit(f->base, &step);
		event_base_dispatch(f->base);
	}
	if (!said(f, what))
		fail_msg("never said: %s; but: %s", what, f->said);
}

static void test_read(void **state)
{
	struct fixture *f = setup();

	(void)state;
	fake_store_set("/a", "17");
	fake_store_set("/empty", "");
	bd_store_read(f->s, 1, "/a");
	bd_store_read(f->s, 2, "/b");
	bd_store_read(f->s, 3, "/empty");
	expect(f, "value 1 0 17\nvalue 2 -2 -\nvalue 3 0 \n");
	teardown(f);
}

static void test_write(void **state)
{
	struct fixture *f = setup();
	char value[16];

	(void)state;
	bd_store_write(f->s, 1, "/a", "1", NULL, NULL);
	bd_store_write(f->s, 2, "/a", "2", "1", NULL);
	bd_store_write(f->s, 3, "/a", "3", "1", NULL);
	bd_store_write(f->s, 4, "/absent", "4", "1", NULL);
	expect(f, "written 1 0 -\nwritten 2 0 -\nwritten 3 -116 2\nwritten 4 -2 -\n");
	assert_true(fake_store_get("/a", value, sizeof(value)));
	assert_string_equal(value, "2");
	assert_false(fake_store_get("/absent", value, sizeof(value)));
	/* Somebody else comes between the look and the write. */
	fake_store_overtake("/a", "7");
	bd_store_write(f->s, 5, "/a", "5", "2", NULL);
	expect(f, "written 5 -116 7\n");
	fake_store_overtake("/a", NULL);
	bd_store_write(f->s, 6, "/a", "6", "7", NULL);
	expect(f, "written 6 -2 -\n");
	assert_false(fake_store_get("/a", value, sizeof(value)));
	fake_store_set("/a", "8");
	fake_store_deny_writes(true);
	bd_store_write(f->s, 9, "/a", "9", NULL, NULL);
	bd_store_write(f->s, 10, "/a", "9", "8", NULL);
	expect(f, "written 9 -13 -\nwritten 10 -13 -\n");
	teardown(f);
}

static void test_remove(void **state)
{
	struct fixture *f = setup();
	char value[16];

	(void)state;
	fake_store_set("/d/1/name", "x");
	fake_store_set("/d/10/name", "y");
	bd_store_remove(f->s, "/d/1", NULL);
	expect(f, "");
	assert_false(fake_store_get("/d/1/name", value, sizeof(value)));
	assert_true(fake_store_get("/d/10/name", value, sizeof(value)));
	teardown(f);
}

/* What a request is for may have become somebody else's. */
static void test_guard(void **state)
{
	const struct bd_store_guard same = { "/vm", "x" }, none = { "/vm", NULL }, no_value = { "/no", "" };
	struct fixture *f = setup();
	char value[16];

	(void)state;
	fake_store_set("/a", "1");
	fake_store_set("/vm", "x");
	bd_store_write(f->s, 1, "/a", "2", "1", &same);
	bd_store_write(f->s, 2, "/a", "3", NULL, &same);
	bd_store_write(f->s, 3, "/a", "4", NULL, &none);
	bd_store_write(f->s, 4, "/a", "5", NULL, &no_value);
	expect(f, "written 1 0 -\nwritten 2 0 -\nwritten 3 -3 -\nwritten 4 -3 -\n");
	fake_store_set("/vm", "xy");
	bd_store_write(f->s, 5, "/a", "6", "3", &same);
	bd_store_remove(f->s, "/a", &none);
	expect(f, "written 5 -3 -\n");
	fake_store_set("/vm", NULL);
	bd_store_write(f->s, 7, "/a", "8", NULL, &same);
	bd_store_write(f->s, 8, "/a", "9", NULL, &none);
	expect(f, "written 7 -3 -\nwritten 8 0 -\n");
	assert_true(fake_store_wrote("/a", "2\n3\n9\n"));
	/* It becomes another's between the look and the write. */
	fake_store_set("/vm", "x");
	fake_store_overtake("/vm", "y");
	bd_store_write(f->s, 9, "/a", "10", NULL, &same);
	expect(f, "written 9 -3 -\n");
	bd_store_remove(f->s, "/a", &same);
	expect(f, "");
	assert_true(fake_store_get("/a", value, sizeof(value)));
	fake_store_set("/vm", "x");
	bd_store_remove(f->s, "/a", &same);
	expect(f, "");
	assert_false(fake_store_get("/a", value, sizeof(value)));
	teardown(f);
}

static void test_watch(void **state)
{
	struct fixture *f = setup();

	(void)state;
	fake_store_set("/a", "1");
	bd_store_watch(f->s, 7, "/a", true);
	bd_store_watch(f->s, 8, "/top", false);
	wait_for(f, "value 7 0 1\n");
	wait_for(f, "fired 8 0 -\n");
	fake_store_set("/a", "2");
	wait_for(f, "value 7 0 2\n");
	/* Below a watched path the event has another path; the watched one is read. */
	f->said[0] = '\0';
	fake_store_set("/a/below", "3");
	wait_for(f, "value 7 0 2\n");
	fake_store_set("/a", NULL);
	wait_for(f, "value 7 -2 -\n");
	fake_store_set("/top/x", "1");
	wait_for(f, "fired 8 0 -\n");
	bd_store_unwatch(f->s, 7, "/a", true);
	bd_store_unwatch(f->s, 8, "/top", false);
	assert_int_equal(bd_store_settle(f->s, LIMIT), 0);
	assert_int_equal(fake_store_watches(), 0);
	teardown(f);
}

static void test_introduced(void **state)
{
	struct fixture *f = setup();

	(void)state;
	fake_store_introduce(5);
	bd_store_introduced(f->s, 1, 5);
	bd_store_introduced(f->s, 2, 6);
	expect(f, "introduced 1 1 -\nintroduced 2 0 -\n");
	teardown(f);
}

/* What is read at every tick stands behind all else. */
static void test_order(void **state)
{
	struct fixture *f = setup();

	(void)state;
	fake_store_set("/a", "1");
	fake_store_stall(true);
	bd_store_read(f->s, 1, "/a"); /* the worker hangs in this one, or will */
	bd_store_read_later(f->s, 2, "/a");
	bd_store_read_later(f->s, 3, "/a");
	bd_store_write(f->s, 4, "/a", "2", NULL, NULL);
	fake_store_stall(false);
	expect(f, "value 1 0 1\nwritten 4 0 -\nvalue 2 0 2\nvalue 3 0 2\n");
	teardown(f);
}

static void count_answer(void *ud, const struct bd_store_reply *r)
{
	(void)r;
	(*(unsigned *)ud)++;
}

static bool loop_is_woken(struct bd_store_queue *q)
{
	struct pollfd fd = { .fd = q->reply_fd, .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

/* The answer to what is asked for at once does not wait until the worker has done all
 * there is, whatever came before it and has not been told yet. */
static void test_urgent(void **state)
{
	const struct bd_store_request read = { .op = BD_STORE_READ };
	const struct bd_store_reply fired = { .what = BD_STORE_FIRED }, value = { .what = BD_STORE_VALUE };
	struct bd_store_request *r;
	struct bd_store_queue q;
	unsigned n = 0;

	(void)state;
	assert_int_equal(bd_store_queue_init(&q), 0);
	for (int i = 0; i < 2; i++) {
		bd_store_queue_push(&q, true, &read, "/a");
		assert_true(bd_store_queue_next(&q, &r));
		free(r);
		bd_store_queue_post(&q, &fired);
		assert_false(loop_is_woken(&q));
		bd_store_queue_push(&q, false, &read, "/a");
		assert_true(bd_store_queue_next(&q, &r));
		free(r);
		bd_store_queue_post(&q, &value);
		assert_true(loop_is_woken(&q));
		bd_store_queue_deliver(&q, count_answer, &n);
		assert_int_equal(n, 2 * (i + 1));
		assert_false(loop_is_woken(&q));
	}
	bd_store_queue_free(&q);
}

static void test_stall(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(bd_store_silent(f->s).n, 0);
	fake_store_stall(true);
	bd_store_read(f->s, 1, "/a");
	for (int i = 0; i < 1000 && !bd_store_silent(f->s).n; i++)
		usleep(10000);
	assert_int_not_equal(bd_store_silent(f->s).n, 0);
	assert_int_equal(bd_store_settle(f->s, BL_MS(50)), -ETIMEDOUT);
	assert_string_equal(f->said, "");
	fake_store_stall(false);
	expect(f, "value 1 -2 -\n");
	assert_int_equal(bd_store_silent(f->s).n, 0);
	teardown(f);
}

static void test_broken(void **state)
{
	struct fixture *f = setup();

	(void)state;
	fake_store_set("/a", "1");
	bd_store_watch(f->s, 7, "/a", true);
	wait_for(f, "value 7 0 1\n");
	f->said[0] = '\0';
	fake_store_refuse(true);
	fake_store_break();
	bd_store_read(f->s, 1, "/a");
	bd_store_write(f->s, 2, "/a", "2", NULL, NULL);
	bd_store_watch(f->s, 3, "/a", true);
	bd_store_introduced(f->s, 4, 0);
	/* Everything is answered all the same, and in order. */
	wait_for(f, "introduced 4 -107 -\n");
	assert_string_equal(f->said, "lost 0 0 -\nvalue 1 -107 -\nwritten 2 -107 -\n"
				     "value 3 -107 -\nintroduced 4 -107 -\n");
	assert_int_not_equal(bd_store_silent(f->s).n, 0);
	fake_store_refuse(false);
	wait_for(f, "connected 0 0 -\n");
	f->said[0] = '\0';
	bd_store_read(f->s, 5, "/a");
	expect(f, "value 5 0 1\n");
	assert_int_equal(bd_store_silent(f->s).n, 0);
	teardown(f);
}

/* An end does not wait for xenstored. */
static void test_close_while_stalled(void **state)
{
	/* What the thread that was left behind still uses stays within reach, so
	 * that no leak is seen in it. */
	static struct fixture *f;

	/* It would wait for ever. */
	alarm(60);
	(void)state;
	f = setup();
	fake_store_stall(true);
	bd_store_read(f->s, 1, "/a");
	while (!bd_store_silent(f->s).n)
		usleep(1000);
	bd_store_close(f->s);
	alarm(0);
	fake_store_stall(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_introduced),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_close_while_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
