/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/clock.h"

#include <stdlib.h>

#include "daemon/base/times.h"

struct bd_clock_timer {
	struct event *event;
	void (*fire)(void *ud);
	void *ud;
};

bl_ms bd_clock_now(void)
{
	return BL_MS(bd_time_ns(CLOCK_BOOTTIME) / 1000000);
}

void bd_clock_sleep(bl_ms ms)
{
	const struct timespec t = { .tv_sec = (time_t)(ms.n / 1000),
				    .tv_nsec = (long)(ms.n % 1000 * 1000000) };

	(void)nanosleep(&t, NULL);
}

static void on_event(evutil_socket_t fd, short what, void *ud)
{
	struct bd_clock_timer *t = ud;

	(void)fd, (void)what;
	t->fire(t->ud);
}

struct bd_clock_timer *bd_clock_timer_new(struct event_base *base, void (*fire)(void *ud), void *ud)
{
	struct bd_clock_timer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->fire = fire;
	t->ud = ud;
	t->event = evtimer_new(base, on_event, t);
	if (t->event)
		return t;
	free(t);
	return NULL;
}

bool bd_clock_timer_set(struct bd_clock_timer *t, bl_ms in)
{
	const struct timeval tv = { .tv_sec = (time_t)(in.n / 1000),
				    .tv_usec = (suseconds_t)(in.n % 1000 * 1000) };

	return evtimer_add(t->event, &tv) == 0;
}

void bd_clock_timer_stop(struct bd_clock_timer *t)
{
	if (t)
		(void)evtimer_del(t->event);
}

bool bd_clock_timer_pending(const struct bd_clock_timer *t)
{
	return evtimer_pending(t->event, NULL);
}

void bd_clock_timer_free(struct bd_clock_timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}
