/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that reboots gives its pages back and has them again a moment later,
 * when its toolstack has slept: they are kept for its successor, ahead of all
 * who wait. */
#include <string.h>

#include "daemon/manager/internal.h"

/* Who has not come back by then does not. */
#define KEPT_FOR BL_MS(60000)

static struct bl_claim *claim_of(const struct bd_manager *m, const bl_uuid *uuid)
{
	for (size_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.claims[i]->reboot && bl_uuid_equal(&m->ledger.claims[i]->uuid, uuid))
			return m->ledger.claims[i];
	return NULL;
}

/* Or it was, or somebody has claimed for it already, or it is nobody's, or its successor
 * is there: its remains may stay for long. */
static bool is_kept(const struct bd_manager *m, const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&m->progress, d->domid);
	const struct bl_dom *lives;

	if (bl_uuid_is_null(&d->uuid) || (t && t->kept) || claim_of(m, &d->uuid) ||
	    bl_ledger_named(&m->ledger, d))
		return true;
	lives = bl_snapshot_living(&m->snap, &d->uuid);
	return lives && !(lives->flags & BL_DOM_BUILDING);
}

/* It is built anew with its last target, whatever it had reached of it. */
static void keep(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_track *t = bl_progress_find(&m->progress, d->domid);
	struct bd_claim_request req = {
		.has_uuid = true,
		.uuid = d->uuid,
		.size = t ? t->lived_at : d->tot,
		.node = -1,
		.wait = BD_WAIT_NO_WAIT,
		.has_ttl = true,
		.ttl = KEPT_FOR,
	};
	bl_pages overhead = bl_pages_max(bl_share_of(m->settings.overhead, req.size), BL_HOLDER_PAGES);
	struct bl_claim c, *mine;

	memcpy(req.name, d->name, sizeof(req.name));
	c = bd_request_make(m, &req, overhead);
	c.reboot = true;
	c.after = d->domid;
	c.recorded = true; /* it stands whether its record can be written or not */
	c.wait_until = bl_ms_add(m->snap.now, KEPT_FOR);
	mine = bl_ledger_add(&m->ledger, &c);
	if (mine) {
		/* Nothing is staked yet: a record that cannot be written now is written later. */
		(void)bd_claims_save(m, mine);
		bd_events_claim(m->cfg.events, mine);
	}
	if (t)
		t->kept = true; /* once: it may stay as it is, for somebody to look at */
}

/* A large one takes its time to go. */
static void goes(const struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d)
{
	if (d->tot.n == c->arrived.n)
		return;
	c->arrived = d->tot;
	c->wait_until = bl_ms_add(m->snap.now, KEPT_FOR);
}

/* Its pages have all come back. */
static void gone(struct bd_manager *m, struct bl_claim *c)
{
	c->after = 0;
	c->wait_until = bl_ms_add(m->snap.now, KEPT_FOR);
	bd_claims_save(m, c);
}

/* It was built before anybody looked: while balloond was away, or within a tick. */
static bool is_back(const struct bd_manager *m, const struct bl_claim *c)
{
	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];

		if (!(d->flags & (BL_DOM_DYING | BL_DOM_BUILDING)) && bl_uuid_equal(&d->uuid, &c->uuid))
			return true;
	}
	return false;
}

bool bd_reboot_look(struct bd_manager *m)
{
	bool changed = false;

	for (size_t i = m->ledger.n; i-- > 0;) {
		struct bl_claim *c = m->ledger.claims[i];
		const struct bl_dom *d = c->after ? bl_snapshot_find(&m->snap, c->after) : NULL;

		if (c->foreign || bl_claim_ends(c))
			continue;
		if (c->reboot && c->state != BL_CLAIM_BUILDING && is_back(m, c)) {
			changed |= bd_claims_end(m, c, BL_CLAIM_DONE, NULL) == 0;
			continue;
		}
		if (!c->after)
			continue;
		if (d && bl_uuid_equal(&d->uuid, &c->uuid)) {
			goes(m, c, d);
			continue;
		}
		gone(m, c);
		changed = true;
	}
	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];

		if (d->flags & BL_DOM_REBOOTING && !(d->flags & BL_DOM_HOLDER) && d->tot.n &&
		    !is_kept(m, d)) {
			keep(m, d);
			changed = true;
		}
	}
	return changed;
}
