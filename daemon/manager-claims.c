/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a claim. What is on disk always says at least as much as what
 * is staked: saved before it is staked, given up before it is forgotten. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/manager-internal.h"
#include "lib/core/reason.h"

/* ---- those who wait ---- */

static void answer(struct bd_manager *m, const struct bl_claim *c, const struct bl_err *err)
{
	struct bd_waiter **at = &m->waiters, *mine = NULL, *w;

	while ((w = *at)) {
		if (!bl_uuid_equal(&w->id, &c->id) ||
		    (!err && w->handoff && c->state != BL_CLAIM_BUILDING)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = mine;
		mine = w;
	}
	while ((w = mine)) {
		mine = w->next;
		w->done(w->ud, err ? NULL : c, err);
		free(w);
	}
}

bool bd_claims_waited_for(const struct bd_manager *m, const bl_uuid *id)
{
	for (const struct bd_waiter *w = m->waiters; w; w = w->next)
		if (bl_uuid_equal(&w->id, id))
			return true;
	return false;
}

int bd_claims_wait_for(struct bd_manager *m, const struct bl_claim *c, bool handoff,
		       bd_claim_done done, void *ud)
{
	struct bd_waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct bd_waiter){ .id = c->id, .handoff = handoff, .done = done, .ud = ud,
				 .next = m->waiters };
	m->waiters = w;
	return 0;
}

/* ---- changes of state ---- */

int bd_claims_save(struct bd_manager *m, const struct bl_claim *c)
{
	int r = bd_state_save_claim(m->cfg.state, c);

	if (r && !m->state_failing)
		bd_log(LOG_ERR, "cannot save a claim: %s", strerror(-r));
	m->state_failing = r != 0;
	return r;
}

int bd_claims_end(struct bd_manager *m, struct bl_claim *c, enum bl_claim_state state,
		  const struct bl_err *err)
{
	int r = 0;

	if (c->holder != BL_DOMID_NONE)
		r = m->host->ops->unstake(m->host, c->holder, &c->handle);
	else if (c->state == BL_CLAIM_BUILDING && state != BL_CLAIM_DONE)
		r = m->host->ops->cancel(m->host, c->domid);
	if (r && r != -ENOENT && r != -ESRCH) {
		bd_log(LOG_ERR, "cannot give a claim back: %s; tried again", strerror(-r));
		return r;
	}
	c->state = state;
	c->staked = BL_PAGES(0);
	snprintf(c->reason, sizeof(c->reason), "%s", err ? err->msg : "");
	bd_state_drop_claim(m->cfg.state, &c->id);
	bd_events_claim(m->cfg.events, c);
	answer(m, c, err);
	bl_ledger_remove(&m->ledger, c);
	return 0;
}

static bl_ms lease_from_now(struct bd_manager *m, const struct bl_claim *c)
{
	return bl_ms_add(m->host->ops->now(m->host), c->ttl);
}

static void become_held(struct bd_manager *m, struct bl_claim *c, bl_pages pages)
{
	c->state = BL_CLAIM_HELD;
	c->size = c->min = pages;
	c->wait_until = BL_MS_NEVER;
	c->expires = lease_from_now(m, c);
	bd_claims_save(m, c); /* if not: found again by its handle */
	snprintf(c->reason, sizeof(c->reason), "held by domain %u", c->holder);
	bd_events_claim(m->cfg.events, c);
}

static void moved(struct bd_manager *m, struct bl_claim *c)
{
	c->holder = BL_DOMID_NONE;
	snprintf(c->reason, sizeof(c->reason), "moved to domain %u, which is being built", c->domid);
	bd_events_claim(m->cfg.events, c);
}

void bd_manager_moved(struct bd_manager *m, struct bl_claim *claim, uint32_t domid)
{
	claim->state = BL_CLAIM_BUILDING;
	claim->domid = domid;
	claim->expires = BL_MS_NEVER;
	bd_claims_save(m, claim);
	moved(m, claim);
	bd_manager_tick_soon(m);
}

/* A move that failed: what its holder still has stays held; where it lost
 * that, room is made for it anew. */
static void take_back(struct bd_manager *m, struct bl_claim *c, bl_ms expires)
{
	c->state = BL_CLAIM_HELD;
	c->domid = BL_DOMID_NONE;
	c->expires = expires;
	if (!bd_manager_look(m) && (c->holder == BL_DOMID_NONE || c->staked.n < c->size.n)) {
		if (c->holder != BL_DOMID_NONE)
			m->host->ops->unstake(m->host, c->holder, &c->handle);
		c->holder = BL_DOMID_NONE;
		c->staked = BL_PAGES(0);
		c->state = BL_CLAIM_RECLAIMING;
		c->expires = c->wait_until = BL_MS_NEVER;
		bd_events_claim(m->cfg.events, c);
	}
	bd_claims_save(m, c);
}

int bd_claims_move(struct bd_manager *m, struct bl_claim *c, struct bl_err *reterr)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, c->domid);
	bl_pages pages = bl_pages_add(c->size, d ? d->tot : BL_PAGES(0));
	bl_ms expires = c->state == BL_CLAIM_HELD ? c->expires : lease_from_now(m, c);
	int r;

	c->state = BL_CLAIM_BUILDING;
	c->expires = BL_MS_NEVER;
	r = bd_claims_save(m, c); /* a kill from here on must not take the pages for lost */
	if (r) {
		c->state = BL_CLAIM_HELD;
		c->expires = expires;
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot save the claim: %s", strerror(-r));
	}
	r = m->host->ops->transfer(m->host, c->holder, &c->handle, c->domid, pages, reterr);
	if (r) {
		take_back(m, c, expires);
		return r;
	}
	moved(m, c);
	return 0;
}

/* Held, and meant for a domain that is being built already. */
static void settle(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_err err;

	if (c->domid != BL_DOMID_NONE && c->state == BL_CLAIM_HELD && bd_claims_move(m, c, &err)) {
		bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
		return;
	}
	answer(m, c, NULL);
}

void bd_claims_stake(struct bd_manager *m, struct bl_claim *c, bl_pages pages)
{
	struct bl_err err = { 0 };
	uint32_t holder;
	int r;

	r = m->host->ops->stake(m->host, &c->handle, &c->id, pages, c->node, &holder, &err);
	if (r == -ENOMEM || r == -EAGAIN || r == -EBUSY) {
		/* somebody was faster: room is made again */
		bd_log(LOG_INFO, "room for a claim was taken while it was made: %s", err.msg);
		return;
	}
	if (r) {
		bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
		return;
	}
	c->holder = holder;
	c->staked = pages;
	become_held(m, c, pages);
	settle(m, c);
}

/* ---- each tick: what the hypervisor shows ---- */

static bool time_out(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_admission a;
	struct bl_err err;
	char reason[BL_REASON_MAX];
	bl_pages part;
	int64_t room = m->plan.balance + (int64_t)bl_claim_promised(c, &m->snap).n -
		       (int64_t)c->overhead.n;

	/* What came at the last moment still counts, and with --min a part of it;
	 * what others wait for is not in the room. */
	part = bl_pages_min(BL_PAGES(room > 0 ? room : 0), c->size);
	if (part.n >= c->min.n) {
		bl_uuid id = c->id;

		bd_claims_stake(m, c, part);
		c = bl_ledger_find(&m->ledger, &id);
		if (!c || c->state != BL_CLAIM_RECLAIMING)
			return true;
	}
	bl_plan_admit_again(&m->plan, &m->snap, c, &a);
	bl_err_set(&err, ETIMEDOUT, BL_ERR_TIMEOUT, "waited in vain: %s",
		   bl_reason_refusal(&m->plan, &in, &a, reason));
	return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
}

static bool check_held(struct bd_manager *m, struct bl_claim *c, bl_ms now)
{
	const struct bl_dom *holder = bl_snapshot_find(&m->snap, c->holder);
	struct bl_err err;

	if (!holder) {
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE,
			   "its holder domain is gone: somebody destroyed it, and what it held");
		return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
	}
	if (holder->flags & BL_DOM_DYING) /* `xl shutdown` of a holder */
		return bd_claims_end(m, c, BL_CLAIM_RELEASED, NULL) == 0;
	if (c->expires.n <= now.n)
		return bd_claims_end(m, c, BL_CLAIM_EXPIRED, NULL) == 0;
	if (!holder->name[0] && m->host->ops->name_holder)
		m->host->ops->name_holder(m->host, c->holder, &c->id);
	if (c->staked.n)
		return false;
	bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE, "its holder, domain %u, has nothing staked any more",
		   c->holder);
	return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
}

/* A move that was cut off half way: it arrived and only the holder is left, or
 * it is made again, or there is nobody to move it to. */
static void finish_move(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d)
{
	if (d->outstanding.n && c->staked.n == d->outstanding.n) {
		m->host->ops->unstake(m->host, c->holder, &c->handle);
		c->holder = BL_DOMID_NONE;
	} else if (d->flags & BL_DOM_BUILDING) {
		(void)bd_claims_move(m, c, NULL);
	} else {
		take_back(m, c, lease_from_now(m, c));
	}
}

static bool check_building(struct bd_manager *m, struct bl_claim *c)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, c->domid);
	struct bl_err err;

	if (!d || d->flags & BL_DOM_DYING) {
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE, "domain %u went away while it was built",
			   c->domid);
		return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
	}
	if (c->holder != BL_DOMID_NONE) {
		finish_move(m, c, d);
		return true;
	}
	if (!(d->flags & BL_DOM_BUILDING))
		return bd_claims_end(m, c, BL_CLAIM_DONE, NULL) == 0;
	return false;
}

static bool check_claim(struct bd_manager *m, struct bl_claim *c, bl_ms now)
{
	switch (c->state) {
	case BL_CLAIM_RECLAIMING:
		if (c->holder != BL_DOMID_NONE && c->staked.n >= c->min.n) {
			/* staked, and killed before it was written down */
			become_held(m, c, c->staked);
			settle(m, c);
			return true;
		}
		if (c->holder != BL_DOMID_NONE) {
			m->host->ops->unstake(m->host, c->holder, &c->handle);
			c->holder = BL_DOMID_NONE;
			return true;
		}
		return c->wait_until.n <= now.n && time_out(m, c);
	case BL_CLAIM_HELD:
		if (c->domid != BL_DOMID_NONE) { /* killed just before the move */
			settle(m, c);
			return true;
		}
		return check_held(m, c, now);
	case BL_CLAIM_BUILDING:
		return check_building(m, c);
	default:
		return false;
	}
}

bool bd_claims_reconcile(struct bd_manager *m)
{
	bl_ms now = m->snap.now;
	bool changed = false;

	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];

		if (!(d->flags & BL_DOM_HOLDER) || bl_ledger_by_handle(&m->ledger, &d->uuid))
			continue;
		bd_log(LOG_NOTICE, "domain %u holds memory for no claim: destroyed", d->domid);
		m->host->ops->unstake(m->host, d->domid, &d->uuid);
		changed = true;
	}
	for (size_t i = 0; i < m->ledger.n;) {
		struct bl_claim *c = m->ledger.claims[i];

		changed |= check_claim(m, c, now);
		if (i < m->ledger.n && m->ledger.claims[i] == c)
			i++;
	}
	return changed;
}

bl_ms bd_claims_next_deadline(const struct bd_manager *m)
{
	bl_ms next = BL_MS_NEVER;

	for (size_t i = 0; i < m->ledger.n; i++) {
		const struct bl_claim *c = m->ledger.claims[i];
		bl_ms at = c->state == BL_CLAIM_RECLAIMING ? c->wait_until :
			   c->state == BL_CLAIM_HELD	   ? c->expires :
							     BL_MS_NEVER;

		if (at.n < next.n)
			next = at;
	}
	return next;
}

void bd_claims_say(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char reason[BL_REASON_MAX];

	for (size_t i = 0; i < m->ledger.n; i++) {
		struct bl_claim *c = m->ledger.claims[i];

		c->eta = c->state == BL_CLAIM_RECLAIMING ? bl_plan_eta(&m->plan, &in, c) : BL_MS(0);
		snprintf(c->reason, sizeof(c->reason), "%s",
			 bl_reason_claim(&m->plan, &in, c, reason));
	}
}
