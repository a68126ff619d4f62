/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests, and what each manner of guest does in a quantum of time. */
#include <assert.h>

#include "lib/sim/world.h"

#define FORGETS_AFTER_MS 2000
#define ARMED UINT64_MAX	       /* `forgets` while the guest is on its way to a target */
#define SLOWER 20		       /* how many times slower BL_SIM_SLOW is */
#define LINUX_TRIES 4		       /* at once, after 2, after 4 and after 8 s */
#define DEATH_RATE (UINT64_C(8) << 18) /* pages a second: 8 GiB */
#define TEARDOWN_MS 1000 /* how long xl takes from a guest's reboot until xl destroys the domain */
#define RESTART_MS 10000 /* a toolstack that found no room tries again after this */

void bl_sim_write_target(struct bl_sim *s, struct bl_sim_dom *d, uint64_t target)
{
	if (d->has_target && d->target == target)
		return; /* a driver does not wake for the same value */
	bl_sim_touch(s);
	bl_sim_begin(s, d);
	d->has_target = 1;
	d->target = target;
	d->forgot = 0;
	d->forgets = ARMED;
	d->gave_up = d->tries = d->retry = 0;
	bl_sim_commit(s);
}

uint64_t bl_sim_asked(const struct bl_sim_dom *d)
{
	uint64_t back = (uint64_t)(d->offset < 0 ? -d->offset : d->offset);

	return d->offset < 0 ? bl_sim_sat(d->target, back) : d->target + back;
}

/* How many pages the balloon moves towards now. */
static uint64_t goal(const struct bl_sim *s, const struct bl_sim_dom *d, uint64_t tot)
{
	uint64_t want = bl_sim_asked(d), low = bl_sim_least(d->floor, tot);

	if (d->phase != BL_SIM_RUNNING || d->paused || !d->has_target)
		return tot;
	switch ((enum bl_sim_manner)d->manner) {
	case BL_SIM_STUCK:
	case BL_SIM_NODRIVER:
		return tot;
	case BL_SIM_FLOOR:
	case BL_SIM_OWN_MIN:
		return want > low ? want : low;
	case BL_SIM_FORGETFUL:
		return d->forgot && want < d->static_max ? d->static_max : want;
	case BL_SIM_SHORT:
		if (want > tot)
			return want - bl_sim_least(want - tot, d->inexact);
		return want + bl_sim_least(tot - want, d->inexact);
	case BL_SIM_GIVES_UP:
		return want > tot && (d->gave_up || d->retry > s->w->now) ? tot : want;
	case BL_SIM_NORMAL:
	case BL_SIM_SLOW:
	case BL_SIM_VANISH:
	case BL_SIM_REBOOT:
	case BL_SIM_MANNERS:
		break;
	}
	return want;
}

bool bl_sim_refuses(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	uint64_t tot = bl_sim_tot(s, d);

	return (d->manner == BL_SIM_FLOOR || d->manner == BL_SIM_OWN_MIN) && !d->paused && d->has_target &&
	       bl_sim_asked(d) < tot && goal(s, d, tot) == tot;
}

bool bl_sim_busy(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	uint64_t tot;

	if (d->phase == BL_SIM_BUILDING)
		return true;
	tot = bl_sim_tot(s, d);
	if (d->phase == BL_SIM_DYING)
		return d->reboots || !tot || tot > d->keeps;
	if (d->phase != BL_SIM_RUNNING)
		return false;
	return goal(s, d, tot) != tot || (d->manner == BL_SIM_FORGETFUL && d->forgets == ARMED);
}

uint64_t bl_sim_due(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	uint64_t due = UINT64_MAX;

	if (d->phase == BL_SIM_PENDING)
		return d->appear;
	if (d->phase != BL_SIM_RUNNING)
		return due;
	if (d->leaves)
		due = d->leaves;
	if (d->manner == BL_SIM_FORGETFUL && d->forgets)
		due = bl_sim_least(due, d->forgets);
	if (d->manner == BL_SIM_GIVES_UP && d->retry > s->w->now)
		due = bl_sim_least(due, d->retry);
	return due;
}

/* The pages that the rate allows in this quantum; a remainder counts in the next quantum. */
static uint64_t allowance(struct bl_sim_dom *d, uint64_t rate)
{
	uint64_t credit = d->credit + rate * BL_SIM_QUANTUM_MS;

	d->credit = credit % 1000;
	return credit / 1000;
}

/* As Linux's driver does after a try to grow that brought `got` pages. */
static void count_try(struct bl_sim *s, struct bl_sim_dom *d, uint64_t got)
{
	bl_sim_begin(s, d);
	d->tries = got ? 0 : d->tries + 1;
	if (d->tries >= LINUX_TRIES)
		d->gave_up = 1;
	else if (d->tries)
		d->retry = s->w->now + (UINT64_C(1000) << d->tries);
	bl_sim_commit(s);
	if (!got)
		s->dirty = true;
}

static bool move(struct bl_sim *s, struct bl_sim_dom *d)
{
	uint64_t tot = bl_sim_tot(s, d), want = goal(s, d, tot), n, done;
	uint64_t rate = d->manner == BL_SIM_SLOW ? d->rate / SLOWER : d->rate;

	if (want == tot) {
		d->credit = 0;
		if (d->manner == BL_SIM_FORGETFUL && d->forgets == ARMED) {
			d->forgets = s->w->now + FORGETS_AFTER_MS;
			s->dirty = true;
		}
		return false;
	}
	n = allowance(d, rate ? rate : 1);
	if (!n)
		return true; /* a slow balloon has moved part of a page */
	n = bl_sim_least(n, want > tot ? want - tot : tot - want);
	done = want > tot ? bl_sim_take(s, d, n) : bl_sim_give(s, d, n);
	if (done < n)
		d->credit = 0; /* pages that were refused are not made up for later */
	if (want > tot && d->manner == BL_SIM_GIVES_UP)
		count_try(s, d, done);
	return done;
}

void bl_sim_introduce(struct bl_sim *s, struct bl_sim_dom *d)
{
	uint64_t now = s->w->now;

	bl_sim_claim_of(s, d, 0); /* as libxenguest does with what is left of the claim */
	bl_sim_begin(s, d);
	d->phase = BL_SIM_RUNNING;
	d->has_target = 1;
	d->target = d->offset < 0 ? d->memory + (uint64_t)-d->offset
				  : bl_sim_sat(d->memory, (uint64_t)d->offset);
	d->born = now;
	d->credit = 0;
	d->leaves = d->stays ? now + d->stays : 0;
	bl_sim_commit(s);
	s->changes++;
	s->dirty = true;
}

static bool build(struct bl_sim *s, struct bl_sim_dom *d)
{
	uint64_t tot = bl_sim_tot(s, d), n, got;

	if (tot >= d->memory) {
		bl_sim_introduce(s, d);
		return true;
	}
	n = allowance(d, d->build_rate);
	if (!n)
		return true;
	n = bl_sim_least(n, d->memory - tot);
	got = bl_sim_take(s, d, n);
	if (got < n)
		d->credit = 0;
	if (tot + got == d->memory)
		bl_sim_introduce(s, d);
	else if (got < n && !d->thief)
		bl_sim_kill(s, d); /* populating failed, so `xl create` fails */
	return got;
}

/* Something is due by the clock. */
static void handle_due(struct bl_sim *s, struct bl_sim_dom *d)
{
	uint64_t now = s->w->now;

	s->dirty = true;
	if (d->phase == BL_SIM_PENDING) {
		if (bl_sim_start(s, d, NULL, 0))
			d->appear = now + RESTART_MS;
		return;
	}
	if (d->leaves && d->leaves <= now) {
		bl_sim_begin(s, d);
		d->reboots = d->manner == BL_SIM_REBOOT ? now + TEARDOWN_MS : 0;
		bl_sim_kill(s, d);
		bl_sim_commit(s);
		return;
	}
	if (d->manner == BL_SIM_FORGETFUL && d->forgets <= now) {
		bl_sim_begin(s, d);
		d->forgets = 0;
		d->forgot = 1;
		bl_sim_commit(s);
	}
}

bool bl_sim_live(struct bl_sim *s, struct bl_sim_dom *d)
{
	bool acted = bl_sim_due(s, d) <= s->w->now;

	if (acted)
		handle_due(s, d);
	switch ((enum bl_sim_phase)d->phase) {
	case BL_SIM_BUILDING:
		return build(s, d) || acted;
	case BL_SIM_DYING:
		if (d->reboots <= s->w->now)
			bl_sim_reap(s, d, DEATH_RATE * BL_SIM_QUANTUM_MS / 1000);
		return bl_sim_busy(s, d);
	case BL_SIM_RUNNING:
		return move(s, d) || acted;
	case BL_SIM_FREE:
	case BL_SIM_PENDING:
	case BL_SIM_EMPTY:
	case BL_SIM_PHASES:
		break;
	}
	return acted;
}
