/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/played.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMERS_MAX 4096
#define BEGIN_MS 5000000
#define WALL_SECONDS 1700000000

static uint64_t boot_us, slept_us; /* CLOCK_MONOTONIC is the one without the other */
static int64_t wall_jumps;	   /* seconds */
static void (*on_pass)(uint64_t ms);

static struct timer {
	struct event *ev;
	bool pending;
	uint64_t due_us, order;
} timers[TIMERS_MAX];
static size_t n_timers;
static uint64_t last_order;

void played_time_begin(void)
{
	boot_us = UINT64_C(1000) * BEGIN_MS;
	slept_us = 0;
	wall_jumps = 0;
	on_pass = NULL;
	played_timers_forget();
}

uint64_t played_now(void)
{
	return boot_us / 1000;
}

void played_wall_jump(int64_t seconds)
{
	wall_jumps += seconds;
}

void played_on_pass(void (*pass)(uint64_t ms))
{
	on_pass = pass;
}

static void pass_us(uint64_t us)
{
	uint64_t before = boot_us / 1000;

	boot_us += us;
	if (on_pass && boot_us / 1000 > before)
		on_pass(boot_us / 1000 - before);
}

void played_pass(uint64_t ms)
{
	pass_us(ms * 1000);
}

void played_sleep(uint64_t ms)
{
	slept_us += ms * 1000;
	/* The timers of the loop go by CLOCK_MONOTONIC. */
	for (size_t i = 0; i < n_timers; i++)
		timers[i].due_us += ms * 1000;
	boot_us += ms * 1000;
}

/* ---- the clocks ---- */

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	uint64_t us = id == CLOCK_MONOTONIC ? boot_us - slept_us : boot_us;

	ret->tv_sec = (time_t)(us / 1000000);
	ret->tv_nsec = (long)(us % 1000000) * 1000;
	if (id == CLOCK_REALTIME)
		ret->tv_sec += WALL_SECONDS + wall_jumps;
	return 0;
}

time_t __wrap_time(time_t *ret);
time_t __wrap_time(time_t *ret)
{
	struct timespec t;

	__wrap_clock_gettime(CLOCK_REALTIME, &t);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}

int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	pass_us((uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_nsec / 1000);
	if (!played_in_thread())
		(void)played_threads_run();
	return 0;
}

/* ---- the timers: events without a descriptor, which libevent never sees as pending ---- */

static struct timer *find(const struct event *ev)
{
	for (size_t i = 0; i < n_timers; i++)
		if (timers[i].ev == ev)
			return &timers[i];
	return NULL;
}

void played_timers_forget(void)
{
	n_timers = 0;
}

struct event *__real_event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			       void *ud);
struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			       void *ud);
struct event *__wrap_event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn cb,
			       void *ud)
{
	struct event *ev = __real_event_new(base, fd, what, cb, ud);

	if (!ev || fd >= 0)
		return ev;
	if (n_timers == TIMERS_MAX) {
		fprintf(stderr, "more than %d timers\n", TIMERS_MAX);
		abort();
	}
	timers[n_timers++] = (struct timer){ .ev = ev };
	return ev;
}

int __real_event_add(struct event *ev, const struct timeval *after);
int __wrap_event_add(struct event *ev, const struct timeval *after);
int __wrap_event_add(struct event *ev, const struct timeval *after)
{
	struct timer *t = find(ev);

	if (!t)
		return __real_event_add(ev, after);
	t->pending = true;
	t->due_us = boot_us + (uint64_t)after->tv_sec * 1000000 + (uint64_t)after->tv_usec;
	t->order = ++last_order;
	return 0;
}

int __real_event_del(struct event *ev);
int __wrap_event_del(struct event *ev);
int __wrap_event_del(struct event *ev)
{
	struct timer *t = find(ev);

	if (t)
		t->pending = false;
	return __real_event_del(ev);
}

void __real_event_free(struct event *ev);
void __wrap_event_free(struct event *ev);
void __wrap_event_free(struct event *ev)
{
	struct timer *t = find(ev);

	if (t)
		*t = timers[--n_timers];
	__real_event_free(ev);
}

int __real_event_pending(const struct event *ev, short what, struct timeval *ret);
int __wrap_event_pending(const struct event *ev, short what, struct timeval *ret);
int __wrap_event_pending(const struct event *ev, short what, struct timeval *ret)
{
	struct timer *t = find(ev);

	return t ? t->pending : __real_event_pending(ev, what, ret);
}

static struct timer *first_timer(void)
{
	struct timer *first = NULL;

	for (size_t i = 0; i < n_timers; i++) {
		struct timer *t = &timers[i];

		if (t->pending && (!first || t->due_us < first->due_us ||
				   (t->due_us == first->due_us && t->order < first->order)))
			first = t;
	}
	return first;
}

uint64_t played_next(void)
{
	const struct timer *t = first_timer();
	uint64_t timer = t ? (t->due_us + 999) / 1000 : UINT64_MAX, thread = played_threads_next();

	return timer < thread ? timer : thread;
}

bool played_timer_fire(void)
{
	struct timer *t = first_timer();

	if (!t || (t->due_us + 999) / 1000 > played_now())
		return false;
	t->pending = false;
	event_active(t->ev, EV_TIMEOUT, 1);
	return true;
}
