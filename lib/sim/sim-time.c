/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual time. The world moves at multiples of the quantum of its own clock, so that the same
 * world comes out however often a caller looks. Where nothing can move before the next event,
 * time jumps to the event. */
#include "lib/sim/world.h"

bl_ms bl_sim_now(const struct bl_sim *s)
{
	return BL_MS(s->w->now);
}

static void collect(struct bl_sim *s)
{
	s->n_active = 0;
	s->next_event = UINT64_MAX;
	for (size_t j = 0; j < s->w->n_slots; j++) {
		const struct bl_sim_dom *d = &s->w->doms[j];
		uint64_t due;

		if (d->phase == BL_SIM_FREE)
			continue;
		due = bl_sim_due(s, d);
		if (due <= s->w->now || bl_sim_busy(s, d))
			s->active[s->n_active++] = (uint16_t)j;
		if (due > s->w->now)
			s->next_event = bl_sim_least(s->next_event, due);
	}
	s->dirty = false;
}

/* One quantum, which ends now. The domain that moves first changes from quantum to quantum, so
 * that no domain is always first where memory is scarce. The order depends on slots alone, not on
 * which other domains have something to do. */
static void quantum(struct bl_sim *s)
{
	uint64_t first = 0;
	bool moved = false;
	size_t n;

	if (s->dirty || s->next_event <= s->w->now)
		collect(s);
	n = s->n_active;
	if (s->w->n_slots)
		first = bl_sim_hash(s->w->seed, s->w->now, 0) % s->w->n_slots;
	for (size_t i = 0; i < n; i++)
		if (s->active[i] >= first)
			moved |= bl_sim_live(s, &s->w->doms[s->active[i]]);
	for (size_t i = 0; i < n && s->active[i] < first; i++)
		moved |= bl_sim_live(s, &s->w->doms[s->active[i]]);
	s->quiet = !moved;
}

static uint64_t boundary_after(uint64_t t)
{
	return (t / BL_SIM_QUANTUM_MS + 1) * BL_SIM_QUANTUM_MS;
}

void bl_sim_step(struct bl_sim *s, bl_ms dt)
{
	uint64_t end = bl_ms_add(BL_MS(s->w->now), dt).n;
	uint64_t next = boundary_after(s->w->now);

	while (next <= end) {
		if (s->quiet && !s->dirty && s->next_event > next) {
			/* jump to the first boundary at or after the event */
			if (s->next_event > end)
				break;
			next = boundary_after(s->next_event - 1);
			if (next > end)
				break;
		}
		s->w->now = next;
		quantum(s);
		next += BL_SIM_QUANTUM_MS;
	}
	s->w->now = end;
}

bl_ms bl_sim_next_change(const struct bl_sim *s)
{
	uint64_t now = s->w->now, soonest = UINT64_MAX;

	for (size_t j = 0; j < s->w->n_slots; j++) {
		const struct bl_sim_dom *d = &s->w->doms[j];
		uint64_t tot;

		switch ((enum bl_sim_phase)d->phase) {
		case BL_SIM_PENDING:
			soonest = bl_sim_least(soonest, d->appear);
			break;
		case BL_SIM_BUILDING:
			tot = bl_sim_tot(s, d);
			/* a thief waits for other domains, not for time */
			if (!s->quiet || s->dirty)
				soonest = bl_sim_least(soonest, now + bl_sim_sat(d->memory, tot) * 1000 /
										d->build_rate);
			break;
		case BL_SIM_DYING:
			soonest = bl_sim_least(soonest, now);
			break;
		case BL_SIM_RUNNING:
			if (d->leaves)
				soonest = bl_sim_least(soonest, d->leaves);
			break;
		case BL_SIM_FREE:
		case BL_SIM_EMPTY:
		case BL_SIM_PHASES:
			break;
		}
	}
	if (soonest == UINT64_MAX)
		return BL_MS_NEVER;
	/* on a boundary, and never in the past */
	return BL_MS(boundary_after((soonest > now ? soonest : now + 1) - 1));
}
