/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people change counts at once and is answered when it is written. Where it cannot
 * be, all changes of the same thing that are not answered yet are taken back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/manager/internal.h"

int bd_changes_add(struct bd_manager *m, const struct bd_change *change, struct bl_err *reterr)
{
	struct bd_change *c = malloc(sizeof(*c));

	if (!c)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	*c = *change;
	DL_APPEND(m->changes, c);
	return 0;
}

/* Whoever asked may be gone. */
static void answer(struct bd_change *c, const struct bl_err *err)
{
	if (c->done)
		c->done(c->ud, &c->what, err);
	free(c);
}

void bd_changes_abandon(struct bd_manager *m, const void *ud)
{
	struct bd_change *c;

	DL_FOREACH(m->changes, c)
		if (c->ud == ud)
			c->done = NULL;
}

void bd_changes_free(struct bd_manager *m)
{
	struct bd_change *c, *next;

	DL_FOREACH_SAFE(m->changes, c, next)
		free(c);
	m->changes = NULL;
}

/* How far its record has come; nothing is left to wait for where what it is about is gone. */
static int written(struct bd_manager *m, const struct bd_change *c)
{
	struct bl_dom_record *mem;
	const struct bl_claim *claim;
	int r;

	switch (c->kind) {
	case BD_CHANGE_SET:
		mem = bl_settings_find(&m->settings, &c->what.uuid);
		r = mem ? bd_manager_remember(m, mem) : 0;
		/* What is set for this run alone needs no record. */
		return r == -EINPROGRESS || !mem || mem->persist ? r : 0;
	case BD_CHANGE_FORGET:
		return bd_state_written(m->cfg.state, BD_STATE_DOMAIN, &c->what.uuid, c->seq);
	case BD_CHANGE_PAUSE:
		return bd_state_written(m->cfg.state, BD_STATE_PAUSED, NULL, c->seq);
	case BD_CHANGE_RENEW:
		claim = bl_ledger_find(&m->ledger, &c->what.uuid);
		return claim ? bd_claims_written(m, claim) : 0;
	}
	return 0;
}

void bd_changes_undo_set(struct bd_manager *m, struct bl_dom_record *mem, const struct bd_change *c)
{
	mem->set = c->before.set;
	mem->stays = c->before.stays;
	mem->external = c->before.external;
	mem->persist = c->before.persist;
	mem->dirty = true;
	bd_manager_save_dom(m, mem);
}

/* As it was before. */
static void take_back(struct bd_manager *m, const struct bd_change *c)
{
	struct bl_dom_record *mem = bl_settings_find(&m->settings, &c->what.uuid);
	struct bl_claim *claim;
	uint64_t ignored;

	if (c->kind == BD_CHANGE_SET && mem) {
		bd_changes_undo_set(m, mem, c);
	} else if (c->kind == BD_CHANGE_PAUSE) {
		m->paused = c->before_paused;
		(void)bd_state_set_paused(m->cfg.state, m->paused, &ignored);
	} else if (c->kind == BD_CHANGE_RENEW && (claim = bl_ledger_find(&m->ledger, &c->what.uuid))) {
		claim->ttl = c->before_ttl;
		claim->expires = c->before_expires;
		(void)bd_claims_save(m, claim);
	}
}

static bool same(const struct bd_change *a, const struct bd_change *b)
{
	return a->kind == b->kind && bl_uuid_equal(&a->what.uuid, &b->what.uuid);
}

static void fail_all(struct bd_manager *m, const struct bd_change *first, int r)
{
	struct bd_change like = *first, *c, *next, *failed = NULL;
	struct bl_err err;

	bl_err_set(&err, -r, BL_ERR_BACKEND, "cannot save that: %s", strerror(-r));
	DL_FOREACH_SAFE(m->changes, c, next)
		if (same(c, &like)) {
			DL_DELETE(m->changes, c);
			DL_APPEND(failed, c);
		}
	take_back(m, failed); /* the first knows how all was */
	DL_FOREACH_SAFE(failed, c, next)
		answer(c, &err);
}

static void finish(struct bd_manager *m, struct bd_change *c)
{
	struct bl_err err;
	int r = c->recorded ? c->recorded(m, c, &err) : 0;

	answer(c, r ? &err : NULL);
}

void bd_changes_go_on(struct bd_manager *m)
{
	struct bd_change *c = m->changes, *next;

	while (c) {
		int r = written(m, c);

		next = c->next;
		if (r == 0) {
			DL_DELETE(m->changes, c);
			finish(m, c);
		} else if (r != -EINPROGRESS) {
			fail_all(m, c, r);
		} else {
			c = next;
			continue;
		}
		c = m->changes; /* the list may have changed */
	}
}
