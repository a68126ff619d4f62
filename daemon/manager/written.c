/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread has written something, or could not: what waited for that goes on. What failed
 * is tried again, and is a problem until nothing is left to try. */
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

static void say_whether_failing(struct bd_manager *m, int r)
{
	bool failing = bd_state_failing(m->cfg.state) || m->unsaved;

	if (failing && !m->state_failing)
		bd_log(LOG_ERR, "state cannot be saved: %s; tried again", strerror(-r));
	else if (!failing && m->state_failing)
		bd_log(LOG_NOTICE, "state can be saved again");
	m->state_failing = failing;
}

void bd_manager_recorded(void *ud, enum bd_state_kind kind, const bl_uuid *id, int r)
{
	struct bd_manager *m = ud;
	bool was_failing = m->state_failing;
	struct bl_claim *c;

	say_whether_failing(m, r);
	if (kind == BD_STATE_CLAIM) {
		c = bl_ledger_find(&m->ledger, id);
		if (c && (c->then || bl_claim_ends(c)))
			bd_claims_go_on(m, c);
	}
	bd_changes_go_on(m);
	if ((r == 0 && m->act_waits) || was_failing != m->state_failing) {
		m->act_waits = false;
		bd_manager_tick_soon(m);
	}
}

void bd_manager_state_retry(struct bd_manager *m)
{
	struct bl_dom_record *rec, *next;

	if (!m->state_failing)
		return;
	m->unsaved = false;
	for (size_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.claims[i]->unsaved && !bl_claim_ends(m->ledger.claims[i]))
			(void)bd_claims_save(m, m->ledger.claims[i]);
	HASH_ITER(hh, m->settings.dom_records, rec, next)
	if (rec->dirty && rec->on_disk)
		bd_manager_save_dom(m, rec);
	bd_state_retry(m->cfg.state);
	m->state_failing = bd_state_failing(m->cfg.state) || m->unsaved;
}
