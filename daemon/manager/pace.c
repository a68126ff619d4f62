/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the next tick comes: soon after news, often while memory moves, and in time for
 * whoever waits. */
#include "daemon/manager/internal.h"

/* Ticks while memory moves: often enough to follow a fast balloon. */
#define TICK_FAST_MS 20
/* For news: a build that begins goes on. Never closer, however many come. */
#define TICK_SOON_MS 5
#define TICK_MOVING_MS 50
/* An end that the hypervisor or the disk does not let happen is tried again. */
#define END_AGAIN_AFTER BL_MS(1000)

void bd_manager_tick_in(struct bd_manager *m, uint64_t real_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(real_ms / 1000),
			      .tv_usec = (suseconds_t)(real_ms % 1000 * 1000) };

	m->next_tick_real = bd_real_ms() + real_ms;
	evtimer_add(m->tick_timer, &tv);
}

void bd_manager_tick_soon(struct bd_manager *m)
{
	uint64_t since = bd_real_ms() - m->last_tick_real;

	m->looked_before_change = true;
	if (m->tick_timer)
		bd_manager_tick_in(m, since < TICK_SOON_MS ? TICK_SOON_MS - since : 0);
}

void bd_manager_rebalance(struct bd_manager *m)
{
	bd_manager_tick_soon(m);
}

static bl_ms next_deadline(const struct bd_manager *m)
{
	bl_ms next = BL_MS_NEVER;

	for (size_t i = 0; i < m->ledger.n; i++) {
		const struct bl_claim *c = m->ledger.claims[i];
		bl_ms at = c->foreign			     ? BL_MS_NEVER
			   : c->state == BL_CLAIM_RECLAIMING ? c->wait_until
			   : c->state == BL_CLAIM_HELD	     ? c->expires
							     : BL_MS_NEVER;

		if (bl_claim_ends(c))
			at = bl_ms_add(m->snap.now, END_AGAIN_AFTER);
		if (bl_ms_lt(at, next))
			next = at;
	}
	if (!bl_pages_is_zero(m->warm) && bl_ms_lt(m->warm_until, next))
		next = m->warm_until;
	for (const struct bd_waiter *w = m->waiters; w; w = w->next) {
		bl_ms at = w->what == BD_WAITS_NAMED   ? w->named_by
			   : w->what == BD_WAITS_MOVED ? w->until
						       : BL_MS_NEVER;

		if (bl_ms_lt(at, next))
			next = at;
	}
	return next;
}

static uint64_t next_tick_ms(struct bd_manager *m)
{
	double speed = m->host->ops->speed(m->host);
	bl_ms now = m->snap.now, deadline = next_deadline(m);
	uint64_t ms = m->settings.tick.n;

	if (m->plan.moving)
		return m->plan.n_actions ? TICK_FAST_MS : TICK_MOVING_MS;
	if (m->plan.waiting || m->plan.pressure || m->backend_failing || m->state_failing)
		ms = ms < BD_TICK_WAITING_MS ? ms : BD_TICK_WAITING_MS;
	if (!bl_ms_is_never(deadline) && bl_ms_since(deadline, now).n < ms)
		ms = bl_ms_since(deadline, now).n + 1;
	ms = (uint64_t)((double)ms / speed);
	return ms < 1 ? 1 : ms;
}

void bd_manager_tick_next(struct bd_manager *m)
{
	bd_manager_tick_in(m, next_tick_ms(m));
}

void bd_manager_tick_for_deadlines(struct bd_manager *m)
{
	bl_ms left = bl_ms_since(next_deadline(m), m->snap.now);
	double ms = (double)left.n / m->host->ops->speed(m->host) + 1;
	uint64_t now = bd_real_ms();

	m->looked_before_change = true;
	if ((double)now + ms < (double)m->next_tick_real)
		bd_manager_tick_in(m, (uint64_t)ms);
}
