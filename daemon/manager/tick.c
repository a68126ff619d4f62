/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tick: a look, what the host shows of every claim, and the plan that is left to do. */
#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

void bd_manager_tick(struct bd_manager *m)
{
	bool changed;

	m->last_tick_real = bd_real_ms();
	/* A build without the hook goes on meanwhile: it gets its room before anything is
	 * said, for the journal's daemon would run first. */
	if (bd_manager_look(m) || (bd_move_let_go(m) && bd_manager_look(m))) {
		bd_manager_tick_in(m, BD_TICK_WAITING_MS);
		return;
	}
	/* The rest as soon as it has left, however often somebody asks for a tick. */
	if (m->leaving && bd_real_ms() - m->leaving_real < BD_TICK_WAITING_MS) {
		bd_manager_tick_in(m, BD_TICK_WAITING_MS);
		return;
	}
	bd_manager_state_retry(m);
	bd_log_catch_up();
	bd_tell_changes(m);
	changed = bd_reboot_look(m);
	changed |= bd_claims_reconcile(m);
	changed |= bd_handoff_resume(m);
	if (changed && bd_manager_look(m)) {
		bd_manager_tick_in(m, BD_TICK_WAITING_MS);
		return;
	}
	bd_tell_states(m);
	bd_manager_act(m);
	bd_manager_tick_next(m);
	bd_waiters_ask_again(m);
}
