/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager writes to disk and removes from it. What failed is tried again at
 * every tick, and is a problem until nothing is left to try. */
#include <string.h>

#include "daemon/log.h"
#include "daemon/manager-internal.h"

static void failed(struct bd_manager *m, const char *what, int r)
{
	if (!m->state_failing)
		bd_log(LOG_ERR, "cannot %s: %s; tried again", what, strerror(-r));
	m->state_failing = true;
}

int bd_claims_save(struct bd_manager *m, struct bl_claim *c)
{
	int r = bd_state_save_claim(m->cfg.state, c);

	c->unsaved = r != 0;
	if (r)
		failed(m, "save a claim", r);
	return r;
}

int bd_claims_drop_record(struct bd_manager *m, const bl_uuid *id)
{
	int r = bd_state_drop_claim(m->cfg.state, id);

	if (r)
		failed(m, "remove the record of a claim", r);
	return r;
}

void bd_claims_forget(struct bd_manager *m, const bl_uuid *id)
{
	if (bd_claims_drop_record(m, id))
		bd_state_drop_claim_later(m->cfg.state, id);
}

int bd_manager_save_memory(struct bd_manager *m, struct bl_dom_memory *mem)
{
	int r = bd_state_save_memory(m->cfg.state, mem);

	mem->unsaved = r != 0;
	if (r) {
		failed(m, "save what is known of a domain", r);
		return r;
	}
	mem->dirty = false;
	mem->on_disk = true;
	return 0;
}

int bd_manager_remember(struct bd_manager *m, const struct bl_dom *d, struct bl_err *reterr)
{
	struct bl_dom_memory *mem = bl_settings_find(&m->settings, &d->uuid);
	int r = mem && mem->dirty ? bd_manager_save_memory(m, mem) : 0;

	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "cannot save what is known of %s: %s", d->name, strerror(-r));
	return 0;
}

void bd_manager_state_retry(struct bd_manager *m)
{
	struct bl_dom_memory *mem, *next;
	bool failing;

	if (!m->state_failing)
		return;
	failing = bd_state_retry(m->cfg.state) < 0;
	for (size_t i = 0; i < m->ledger.n; i++)
		failing |= m->ledger.claims[i]->unsaved && bd_claims_save(m, m->ledger.claims[i]);
	HASH_ITER(hh, m->settings.memory, mem, next)
		failing |= mem->unsaved && bd_manager_save_memory(m, mem);
	m->state_failing = failing;
}
