/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager has written to disk and removed from it, by threads that may take
 * their time. What needs a record first is done once the record is written
 * (claim.then), see claim-recorded.c and written.c. */
#include <errno.h>

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
	return c->unsaved ? -ENOMEM : bd_state_written(m->cfg.state, BD_STATE_CLAIM, &c->id, c->record);
}

/* ---- domains ---- */

void bd_manager_save_dom(struct bd_manager *m, struct bl_dom_record *mem)
{
	if (bd_state_save_dom(m->cfg.state, mem)) {
		no_memory(m, "save what is known of a domain");
		mem->dirty = true;
		return;
	}
	mem->dirty = false;
	mem->on_disk = true;
}

int bd_manager_remember(struct bd_manager *m, struct bl_dom_record *mem)
{
	if (mem->dirty)
		bd_manager_save_dom(m, mem);
	return mem->dirty ? -ENOMEM
			  : bd_state_written(m->cfg.state, BD_STATE_DOMAIN, &mem->uuid, mem->saved_seq);
}
