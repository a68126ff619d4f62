/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bd_clock_timer {
	struct bd_clock_timer *next;
	void (*fire)(void *ud);
	void *ud;
	uint64_t at; /* 0: not set */
};

static struct bd_clock_timer *timers;
/* The xenstore thread reads it. Long after a boot. */
static _Atomic uint64_t now_ms = 1000000;

bl_ms bd_clock_now(void)
{
	return BL_MS(atomic_load(&now_ms));
}

void bd_clock_sleep(bl_ms ms)
{
	atomic_fetch_add(&now_ms, ms.n);
}

struct bd_clock_timer *bd_clock_timer_new(struct event_base *base, void (*fire)(void *ud), void *ud)
{
	struct bd_clock_timer *t = calloc(1, sizeof(*t));

	(void)base;
	assert(t);
	t->fire = fire;
	t->ud = ud;
	t->next = timers;
	timers = t;
	return t;
}

bool bd_clock_timer_set(struct bd_clock_timer *t, bl_ms in)
{
	t->at = bd_clock_now().n + in.n;
	return true;
}

void bd_clock_timer_stop(struct bd_clock_timer *t)
{
	if (t)
		t->at = 0;
}

bool bd_clock_timer_pending(const struct bd_clock_timer *t)
{
	return t->at != 0;
}

void bd_clock_timer_free(struct bd_clock_timer *t)
{
	struct bd_clock_timer **at = &timers;

	if (!t)
		return;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

static struct bd_clock_timer *first_until(uint64_t end)
{
	struct bd_clock_timer *first = NULL;

	for (struct bd_clock_timer *t = timers; t; t = t->next)
		if (t->at && t->at <= end && (!first || t->at < first->at))
			first = t;
	return first;
}

void fake_clock_pass(bl_ms ms)
{
	uint64_t end = bd_clock_now().n + ms.n;
	struct bd_clock_timer *t;

	while ((t = first_until(end))) {
		if (t->at > bd_clock_now().n)
			atomic_store(&now_ms, t->at);
		t->at = 0;
		t->fire(t->ud);
	}
	atomic_store(&now_ms, end);
}
