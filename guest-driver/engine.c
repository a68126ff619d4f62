// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves the guest towards its target, for as long as that takes. A step moves as many
 * pages as it can in a slice of time, so that a suspend never waits for the engine.
 * A step that moves nothing is tried again after 250 ms, then after twice as long each
 * time, up to 3 s, and at once when anything changes.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "balloond_guest.h"
#include "ballooned.h"
#include "bounds.h"
#include "builtin.h"
#include "engine.h"
#include "oom.h"
#include "pressure.h"

#define SLICE (HZ / 20)
#define RETRY_FIRST (HZ / 4)
#define RETRY_MOST (3 * HZ)
#define RETRY_BUILTIN max(1, HZ / 50) /* the kernel's thread moves the pages */
#define NEVER ULONG_MAX

/* What came of a step. */
struct outcome {
	enum bg_state state;
	enum bg_reason why;
	unsigned long after; /* jiffies until the next step; NEVER: nothing to do */
	bool moved;
};

static void step(struct work_struct *work);
static DECLARE_DELAYED_WORK(steps, step);

static bool running;
static struct workqueue_struct *queue;
static void (*state_changed)(void);
static unsigned long n_steps;
static unsigned long retry = RETRY_FIRST;
static struct outcome last;
static unsigned long builtin_had; /* the guest's pages at the last bg_builtin_grow() */

static struct {
	enum bg_reason why;
	unsigned long target;
} logged;

void bg_engine_state(enum bg_state *ret_state, enum bg_reason *ret_why)
{
	*ret_state = READ_ONCE(last.state);
	*ret_why = READ_ONCE(last.why);
}

static void log_reason(enum bg_reason why, unsigned long target, unsigned long have)
{
	unsigned long target_kib = bg_total_kib(target), have_kib = bg_total_kib(have);
	struct bg_bounds b = bg_bounds();

	switch (why) {
	case BG_BELOW_MIN:
		pr_info("target %lu KiB is below min: stays at %lu KiB\n", target_kib, have_kib);
		break;
	case BG_PRESSURE:
	case BG_NO_PAGE:
		pr_info("could not reach target %lu KiB (has %lu KiB): %s; goes on trying\n", target_kib,
			have_kib, why == BG_PRESSURE ? "memory is short here" : "found no page to give");
		break;
	case BG_HOST:
		pr_info("the host gives no more: wanted %lu KiB, has %lu KiB; goes on trying\n", target_kib,
			have_kib);
		break;
	case BG_NO_FRAMES:
		pr_info("has no page frames for %lu KiB: clipped to %lu KiB until memory is plugged and brought online\n",
			target_kib, have_kib);
		break;
	case BG_ABOVE_MAX:
		pr_info("target %lu KiB is above what this guest may have: clipped to %lu KiB\n", target_kib,
			bg_total_kib(b.max));
		break;
	case BG_NONE:
		break;
	}
}

/* Logs when the reason or the target changed since the last line. */
static void log_outcome(const struct outcome *o, unsigned long have)
{
	static DEFINE_RATELIMIT_STATE(limit, 60 * HZ, 10);
	unsigned long target = bg_bounds().target;

	if (o->why == BG_NONE && o->state == BG_REST)
		logged.why = BG_NONE;
	/* Wait with the line until the tries are as rare as they get: most are met before. */
	if (o->why == BG_NONE || (o->after != NEVER && retry < RETRY_MOST))
		return;
	if (o->why == logged.why && target == logged.target)
		return;
	logged.why = o->why;
	logged.target = target;
	if (__ratelimit(&limit))
		log_reason(o->why, target, have);
}

static struct outcome shrink(unsigned long n, unsigned long deadline)
{
	struct outcome o = { .state = BG_SHRINKING };

	bg_builtin_stop_growing();
	while (n) {
		unsigned long spare = bg_oom_waiting() ? 0 : bg_spare_pages(), got;

		if (!spare) {
			o.why = BG_PRESSURE;
			break;
		}
		got = bg_ballooned_inflate(min(n, spare));
		if (!got) {
			o.why = BG_NO_PAGE;
			break;
		}
		n -= got;
		o.moved = true;
		if (time_after(jiffies, deadline))
			return o;
		cond_resched();
	}
	if (o.why != BG_NONE) {
		o.after = retry;
		o.state = o.moved ? BG_SHRINKING : BG_REFUSES;
	}
	return o;
}

/* The kernel's thread moves the pages of the kernel's balloon; check that they move. */
static struct outcome grow_builtin(unsigned long n)
{
	struct outcome o = { .state = BG_GROWING, .after = RETRY_BUILTIN };
	unsigned long have = bg_guest_pages();
	bool wait;

	o.moved = builtin_had && have != builtin_had;
	if (builtin_had && !o.moved) {
		o.why = BG_HOST;
		o.after = retry;
	}
	builtin_had = have;
	if (bg_builtin_grow(n, &wait) == BG_NO_FRAMES) {
		builtin_had = 0;
		o.why = BG_NO_FRAMES;
		o.after = wait ? retry : NEVER;
		o.state = wait ? BG_GROWING : BG_REST;
	}
	return o;
}

static struct outcome grow(unsigned long n, unsigned long deadline)
{
	struct outcome o = { .state = BG_GROWING };

	while (n && bg_ballooned_pages()) {
		unsigned long got = bg_ballooned_deflate(n);

		if (!got) {
			o.why = BG_HOST;
			o.after = retry;
			return o;
		}
		n -= got;
		o.moved = true;
		if (time_after(jiffies, deadline))
			return o;
		cond_resched();
	}
	return n ? grow_builtin(n) : o;
}

static struct outcome move_towards_goal(void)
{
	unsigned long deadline = jiffies + SLICE, have = bg_guest_pages(), goal;
	enum bg_reason why;

	if (bg_oom_waiting()) { /* the waiting task takes pages itself */
		struct outcome o = last;

		o.moved = false;
		o.after = RETRY_FIRST;
		return o;
	}
	if (bg_builtin_stop_shrinking())
		return (struct outcome){ .state = BG_SHRINKING, .after = RETRY_BUILTIN };
	goal = bg_goal(have, &why);
	if (have > goal)
		return shrink(have - goal, deadline);
	if (have < goal)
		return grow(goal - have, deadline);
	bg_builtin_stop_growing();
	return (struct outcome){
		.state = why == BG_BELOW_MIN ? BG_REFUSES : BG_REST,
		.why = why,
		.after = NEVER,
	};
}

static void step(struct work_struct *work)
{
	struct outcome o;

	mutex_lock(&bg_lock);
	n_steps++;
	o = move_towards_goal();
	if (o.state != BG_GROWING)
		builtin_had = 0;
	mutex_unlock(&bg_lock);

	if (o.moved || o.after == NEVER)
		retry = RETRY_FIRST;
	else if (o.after == retry)
		retry = min_t(unsigned long, 2 * retry, RETRY_MOST);
	log_outcome(&o, bg_guest_pages());
	if (o.state != last.state || o.why != last.why)
		state_changed();
	WRITE_ONCE(last.state, o.state);
	WRITE_ONCE(last.why, o.why);
	bg_memory_watch_for_engine(o.why == BG_PRESSURE || o.why == BG_NO_PAGE
					   ? bg_available_pages() + 8 * BG_MIB_PAGES
					   : ULONG_MAX);
	if (o.after != NEVER)
		queue_delayed_work(queue, &steps, o.after);
}

void bg_engine_kick(void)
{
	if (!READ_ONCE(running))
		return;
	WRITE_ONCE(retry, RETRY_FIRST);
	mod_delayed_work(queue, &steps, 0);
}

unsigned long bg_engine_steps(void)
{
	return n_steps;
}

void bg_engine_init(struct workqueue_struct *wq, void (*changed)(void))
{
	queue = wq;
	state_changed = changed;
	WRITE_ONCE(running, true);
}

void bg_engine_exit(void)
{
	WRITE_ONCE(running, false);
	cancel_delayed_work_sync(&steps);
}
