/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager has written to disk and removed from it, by threads that may take
 * their time. What needs a record first is done once the record is written
 * (claim.then); what failed is tried again, and is a problem until nothing is left to
 * try. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

static void no_memory(struct bd_manager *m, const char *what)
{
	if (!m->state_failing)
		bd_log(LOG_ERR, "cannot %s: out of memory; tried again", what);
	m->state_failing = m->unsaved = true;
}

/* ---- claims ---- */

int bd_claims_save(struct bd_manager *m, struct bl_claim *c)
{
	bl_pages pooled = c->pooled;
	int r;

	if (c->foreign || c->dropped)
		return 0;
	/* The record ceases to say that pages are in the pool before they go. */
	if (c->then == BD_THEN_GIVE_UP)
		c->pooled = BL_PAGES(0);
	r = bd_state_save_claim(m->cfg.state, c);
	c->pooled = pooled;
	c->unsaved = r != 0;
	if (r)
		no_memory(m, "save a claim");
	return r;
}

void bd_claims_save_then(struct bd_manager *m, struct bl_claim *c, enum bd_then then)
{
	c->then = then;
	(void)bd_claims_save(m, c);
}

int bd_claims_drop_record(struct bd_manager *m, struct bl_claim *c)
{
	int r = bd_state_drop_claim(m->cfg.state, &c->id, &c->record);

	c->unsaved = r != 0;
	c->dropped = r == 0;
	if (r)
		no_memory(m, "remove the record of a claim");
	return r;
}

int bd_claims_written(const struct bd_manager *m, const struct bl_claim *c)
{
	return c->unsaved ? -ENOMEM :
			    bd_state_written(m->cfg.state, BD_STATE_CLAIM, &c->id, c->record);
}

/* ---- domains ---- */

void bd_manager_save_memory(struct bd_manager *m, struct bl_dom_memory *mem)
{
	if (bd_state_save_memory(m->cfg.state, mem)) {
		no_memory(m, "save what is known of a domain");
		mem->dirty = true;
		return;
	}
	mem->dirty = false;
	mem->on_disk = true;
}

int bd_manager_remember(struct bd_manager *m, struct bl_dom_memory *mem)
{
	if (mem->dirty)
		bd_manager_save_memory(m, mem);
	return mem->dirty ? -ENOMEM :
			    bd_state_written(m->cfg.state, BD_STATE_DOMAIN, &mem->uuid, mem->record);
}

/* ---- when something was written, or could not be ---- */

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
	struct bl_dom_memory *mem, *next;

	if (!m->state_failing)
		return;
	m->unsaved = false;
	for (size_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.claims[i]->unsaved && !bl_claim_ends(m->ledger.claims[i]))
			(void)bd_claims_save(m, m->ledger.claims[i]);
	HASH_ITER(hh, m->settings.memory, mem, next)
		if (mem->dirty && mem->on_disk)
			bd_manager_save_memory(m, mem);
	bd_state_retry(m->cfg.state);
	m->state_failing = bd_state_failing(m->cfg.state) || m->unsaved;
}
