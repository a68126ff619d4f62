/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/base/aside.h"

/* Work that reads a byte of a pipe, as of a disk that answers when the test says so. */
struct slow {
	int disk[2], said[2]; /* the thread says when work begins and ends */
	struct event_base *base;
	struct bd_aside *aside;
	unsigned worked, done;
	unsigned ask_when_done; /* so many times more */
};

static void work(void *ud)
{
	struct slow *s = ud;
	char byte;

	assert_int_equal(write(s->said[1], "b", 1), 1);
	assert_int_equal(read(s->disk[0], &byte, 1), 1);
	s->worked++;
	assert_int_equal(write(s->said[1], "e", 1), 1);
}

static void await(struct slow *s, char what)
{
	char byte;

	assert_int_equal(read(s->said[0], &byte, 1), 1);
	assert_int_equal(byte, what);
}

static void done(void *ud)
{
	struct slow *s = ud;

	s->done++;
	assert_int_equal(s->worked, s->done); /* the thread has no work meanwhile */
	if (s->ask_when_done) {
		s->ask_when_done--;
		bd_aside_ask(s->aside);
	}
}

static int setup(void **state)
{
	static struct slow s;
	const struct bd_aside_work w = { .work = work, .done = done, .ud = &s };

	s = (struct slow){ .base = event_base_new() };
	assert_int_equal(pipe2(s.disk, O_CLOEXEC), 0);
	assert_int_equal(pipe2(s.said, O_CLOEXEC), 0);
	s.aside = bd_aside_new(s.base, &w);
	assert_non_null(s.aside);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct slow *s = *state;

	for (unsigned i = 0; i < 2; i++) {
		close(s->disk[i]);
		close(s->said[i]);
	}
	event_base_free(s->base);
	return 0;
}

static void disk_answers(struct slow *s, unsigned times)
{
	while (times--)
		assert_int_equal(write(s->disk[1], "x", 1), 1);
}

static void loop_until_done(struct slow *s, unsigned times)
{
	while (s->done < times)
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
}

static void on_timer(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what;
	++*(unsigned *)ud;
}

static void test_loop_goes_on(void **state)
{
	const struct timeval soon = { 0 };
	struct slow *s = *state;
	unsigned timers = 0;

	bd_aside_ask(s->aside);
	await(s, 'b');
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(event_base_once(s->base, -1, EV_TIMEOUT, on_timer, &timers, &soon), 0);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	assert_int_equal(timers, 3);
	assert_int_equal(s->done, 0);
	disk_answers(s, 1);
	loop_until_done(s, 1);
	assert_true(bd_aside_free(s->aside));
}

static void test_asked_meanwhile(void **state)
{
	struct slow *s = *state;

	bd_aside_ask(s->aside);
	bd_aside_ask(s->aside);
	bd_aside_ask(s->aside);
	disk_answers(s, 2);
	loop_until_done(s, 2);
	/* Three were asked for, and two are done: the pipe is empty, and nobody reads there. */
	s->ask_when_done = 1;
	bd_aside_ask(s->aside);
	disk_answers(s, 2);
	loop_until_done(s, 4);
	assert_true(bd_aside_free(s->aside));
	assert_int_equal(s->worked, 4);
}

static void test_work_that_hangs(void **state)
{
	struct slow *s = *state;

	bd_aside_ask(s->aside);
	await(s, 'b');
	assert_false(bd_aside_free(s->aside));
	/* Its thread ends by itself. */
	disk_answers(s, 1);
	await(s, 'e');
	assert_int_equal(event_base_loop(s->base, EVLOOP_NONBLOCK), 1); /* no event is left */
	assert_int_equal(s->done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loop_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_asked_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work_that_hangs, setup, teardown),
	};

	return cmocka_run_group_tests_name("aside", tests, NULL, NULL);
}
