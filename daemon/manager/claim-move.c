/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claim's way from its holder to the domain that it is for, and back; and
 * what each tick shows of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

void bd_move_back(struct bd_manager *m, struct bl_claim *c)
{
	bl_ms lease = bl_ms_add(m->host->ops->now(m->host), c->ttl);
	bl_pages left = bd_stake_left(m, c);

	c->domid = BL_DOMID_NONE;
	c->let_go = false;
	c->patience = c->progressed = BL_MS(0);
	if (left.n) {
		c->state = BL_CLAIM_HELD;
		c->size = c->min = c->staked = left;
		c->expires = lease;
		c->wait_until = BL_MS_NEVER;
	} else {
		c->state = BL_CLAIM_RECLAIMING;
		c->expires = BL_MS_NEVER;
		c->wait_until = lease;
	}
	/* A kill before this leaves a holder of nothing, which the next look drops; one
	 * after it must not find a claim that is held by nobody. */
	bd_claims_save_then(m, c, !left.n && c->holder != BL_DOMID_NONE ? BD_THEN_GIVE_UP : BD_THEN_NOTHING);
	bd_events_claim(m->cfg.events, c);
	bd_manager_tick_soon(m);
}

void bd_move_fail(struct bd_manager *m, struct bl_claim *c, const struct bl_err *err)
{
	if (c->by_handoff) {
		bd_claims_end(m, c, BL_CLAIM_FAILED, err);
		return;
	}
	bd_waiters_answer(m, c, err, BD_WAITS_MOVED | BD_WAITS_BUILT);
	bd_move_back(m, c);
}

static void moved(struct bd_manager *m, struct bl_claim *c)
{
	c->holder = BL_DOMID_NONE;
	c->pooled = c->in_pool = BL_PAGES(0);
	c->staked = bl_pages_sub(c->size, c->arrived);
	snprintf(c->reason, sizeof(c->reason), "moved to domain %u, which is being built", c->domid);
	bd_events_claim(m->cfg.events, c);
	bd_waiters_answer(m, c, NULL, BD_WAITS_HELD | BD_WAITS_MOVED);
}

void bd_move_start(struct bd_manager *m, struct bl_claim *c)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, c->domid);

	/* wait_until stays, for one that is to wait again. */
	c->state = BL_CLAIM_BUILDING;
	c->expires = BL_MS_NEVER;
	c->arrived = d ? d->tot : BL_PAGES(0);
	c->arrived_at = m->snap.now;
	/* A kill after it was moved must not take the pages for lost. */
	bd_claims_save_then(m, c, BD_THEN_MOVE);
}

void bd_move_recorded(struct bd_manager *m, struct bl_claim *c, int r)
{
	const struct bl_dom *d;
	struct bl_err err;
	bool saved = r == 0;

	if (!saved)
		bl_err_set(&err, -r, BL_ERR_BACKEND, "cannot save the claim: %s", strerror(-r));
	else if (!bd_manager_looked_now(m))
		(void)bd_manager_look(m);
	d = bl_snapshot_find(&m->snap, c->domid);
	if (saved)
		r = bd_stake_move(m, c, d, &err);
	if (!r) {
		moved(m, c);
		bd_manager_tick_soon(m);
		return;
	}
	if (saved && (r == -ENOMEM || r == -ENOENT)) {
		bd_log(LOG_INFO, "room for a claim was taken while it was moved: %s", err.msg);
		c->state = BL_CLAIM_RECLAIMING;
		bd_claims_save(m, c);
		bd_manager_tick_soon(m);
		return;
	}
	c->state = c->holder == BL_DOMID_NONE ? BL_CLAIM_RECLAIMING : BL_CLAIM_HELD;
	bd_move_fail(m, c, &err);
}

void bd_manager_moved(struct bd_manager *m, struct bl_claim *c, uint32_t domid, bl_pages pages)
{
	c->state = BL_CLAIM_BUILDING;
	c->domid = domid;
	c->size = c->min = pages;
	c->expires = BL_MS_NEVER;
	c->arrived = BL_PAGES(0);
	c->arrived_at = m->snap.now;
	bd_claims_save_then(m, c, BD_THEN_RECORDED);
	moved(m, c);
	bd_manager_tick_soon(m);
}

void bd_move_builder_gone(struct bd_manager *m, struct bl_claim *c)
{
	const struct bl_dom *d;

	(void)bd_stake_cancel(m, c->domid);
	if (bd_manager_look(m))
		return;
	d = bl_snapshot_find(&m->snap, c->domid);
	if (d) {
		c->size = c->min = bl_pages_max(d->tot, BL_PAGES(1));
		bd_claims_save(m, c);
	}
}

/* The domain that it names, where somebody builds it who will not ask for it. */
static const struct bl_dom *unhooked_build(const struct bd_manager *m, const struct bl_claim *c)
{
	bool kept = c->state == BL_CLAIM_RECLAIMING && c->domid == BL_DOMID_NONE && c->reboot && !c->after;

	if (c->hooked || c->foreign || (c->state != BL_CLAIM_HELD && !kept))
		return NULL;
	if (c->holder == BL_DOMID_POOL && m->state_failing)
		return NULL; /* it could not be recorded */
	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];

		if (d->flags & BL_DOM_BUILDING && !(d->flags & (BL_DOM_HOLDER | BL_DOM_DYING)) &&
		    bl_ledger_named(&m->ledger, d) == c && !bl_ledger_by_domid(&m->ledger, d->domid))
			return d;
	}
	return NULL;
}

/* True: it has left what it held. */
static bool let_go(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d)
{
	bool in_pool = c->holder == BL_DOMID_POOL;

	/* A kill from here on finds a claim without a holder and its domain being built,
	 * which is this again. With the pool the record goes first, see bd_claims_end. */
	if (!in_pool)
		bd_stake_drop(m, c);
	c->state = BL_CLAIM_BUILDING;
	c->domid = d->domid;
	c->let_go = true;
	c->untold = !in_pool;
	c->arrived = d->tot;
	c->arrived_at = m->snap.now;
	if (!in_pool)
		c->expires = BL_MS_NEVER;
	if (in_pool) {
		m->leaving = true;
		m->leaving_real = bd_real_ms();
	}
	snprintf(c->reason, sizeof(c->reason), "left to domain %u, which is built without the hook",
		 c->domid);
	bd_claims_save_then(m, c, in_pool ? BD_THEN_LET_GO : BD_THEN_RECORDED);
	return !in_pool;
}

void bd_move_let_go_recorded(struct bd_manager *m, struct bl_claim *c, int r)
{
	m->leaving = false;
	if (!r) {
		bd_stake_drop(m, c);
		c->untold = true;
		c->expires = BL_MS_NEVER;
		bd_waiters_answer(m, c, NULL, BD_WAITS_HELD | BD_WAITS_RECORDED);
	} else { /* tried again until the disk takes records */
		c->state = BL_CLAIM_HELD;
		c->domid = BL_DOMID_NONE;
		c->let_go = false;
		(void)bd_claims_save(m, c);
	}
	bd_manager_tick_soon(m);
}

bool bd_move_let_go(struct bd_manager *m)
{
	bool changed = false;

	for (size_t i = 0; i < m->ledger.n; i++) {
		struct bl_claim *c = m->ledger.claims[i];
		const struct bl_dom *d = unhooked_build(m, c);

		changed |= d && let_go(m, c, d);
	}
	return changed;
}

static void tell_let_go(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d)
{
	char id[BL_UUID_STR];

	c->untold = false;
	bl_uuid_format(&c->id, id);
	bd_log(LOG_NOTICE, "domain %u (%s) is built without balloond's hook: claim %s is left to it",
	       c->domid, d ? d->name : "", id);
	bd_events_claim(m->cfg.events, c);
}

/* A move that was cut off half way: it arrived and only the holder is left, or
 * it is made again, or there is nobody to move it to. */
static void finish_move(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d)
{
	if (c->let_go || (d->outstanding.n && c->staked.n == d->outstanding.n)) {
		bd_stake_drop(m, c);
	} else if (d->flags & BL_DOM_BUILDING) {
		bd_move_start(m, c);
	} else {
		bd_move_back(m, c);
	}
}

bool bd_move_check(struct bd_manager *m, struct bl_claim *c)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, c->domid);
	struct bl_err err;

	if (c->untold)
		tell_let_go(m, c, d);
	if (!d || d->flags & BL_DOM_DYING) {
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE, "domain %u went away while it was built",
			   c->domid);
		return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
	}
	if (c->holder != BL_DOMID_NONE) {
		finish_move(m, c, d);
		return true;
	}
	if (!(d->flags & BL_DOM_BUILDING)) {
		if (d->outstanding.n) /* a restore never gives back what it did not need */
			(void)bd_stake_cancel(m, c->domid);
		return bd_claims_end(m, c, BL_CLAIM_DONE, NULL) == 0;
	}
	if (d->tot.n != c->arrived.n || !c->arrived_at.n) {
		c->arrived = d->tot;
		c->arrived_at = m->snap.now;
	} else if (bl_ms_since(m->snap.now, c->arrived_at).n >= c->ttl.n) {
		bl_err_set(&err, ETIMEDOUT, BL_ERR_TIMEOUT,
			   "the build of domain %u has not got on for as long as its lease", c->domid);
		return bd_claims_end(m, c, BL_CLAIM_EXPIRED, &err) == 0;
	}
	return false;
}
