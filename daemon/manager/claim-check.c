/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a claim. Nothing is answered before the record says so: until then a kill
 * leaves what is staked for nobody, and the next start gives it back. With holders, what
 * is recorded says at least as much as what was answered: what is staked is given up
 * before it is forgotten. Of a pool it never says more than is there, see stake.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"
#include "lib/core/reason.h"
#include "lib/core/wait.h"

/* An end that the hypervisor or the disk does not let happen is tried again. */
#define END_AGAIN_AFTER BL_MS(1000)

/* ---- changes of state ---- */

static bl_ms lease_from_now(struct bd_manager *m, const struct bl_claim *c)
{
	return bl_ms_add(m->host->ops->now(m->host), c->ttl);
}

static void become_held(struct bd_manager *m, struct bl_claim *c, bl_pages pages)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char reason[BL_REASON_MAX];

	c->state = BL_CLAIM_HELD;
	c->size = c->min = pages;
	c->wait_until = BL_MS_NEVER;
	c->patience = c->progressed = BL_MS(0);
	c->expires = lease_from_now(m, c);
	snprintf(c->reason, sizeof(c->reason), "%s", bl_reason_claim(&m->plan, &in, c, reason));
	bd_claims_save_then(m, c, BD_THEN_SETTLE);
}

/* Held: who waits for that is told, who builds what it is for gets it. */
static void settle(struct bd_manager *m, struct bl_claim *c)
{
	bd_events_claim(m->cfg.events, c);
	bd_waiters_answer(m, c, NULL, BD_WAITS_HELD | BD_WAITS_RECORDED);
	bd_handoff_held(m, c);
}

/* r: of the record. Where one stands already a restart finds the claim by that: its holder
 * is found again, or it is staked anew. Without one it was promised to nobody. */
static bool first_record_failed(struct bd_manager *m, struct bl_claim *c, int r)
{
	struct bl_err err;

	if (!r || c->recorded)
		return false;
	bl_err_set(&err, -r, BL_ERR_BACKEND, "cannot save the claim: %s", strerror(-r));
	(void)bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
	return true;
}

static void do_then(struct bd_manager *m, struct bl_claim *c, enum bd_then then, int r)
{
	switch (then) {
	case BD_THEN_NOTHING:
		break;
	case BD_THEN_RECORDED:
		if (!first_record_failed(m, c, r))
			bd_waiters_answer(m, c, NULL, BD_WAITS_RECORDED |
					  (c->state == BL_CLAIM_RECLAIMING ? 0 : BD_WAITS_HELD));
		break;
	case BD_THEN_SETTLE:
		if (!first_record_failed(m, c, r))
			settle(m, c);
		break;
	case BD_THEN_MOVE:
		bd_move_recorded(m, c, r);
		break;
	case BD_THEN_LET_GO:
		bd_move_let_go_recorded(m, c, r);
		break;
	case BD_THEN_GIVE_UP:
		if (!r || c->holder != BL_DOMID_POOL)
			(void)bd_stake_drop(m, c);
		break;
	}
}

bool bd_claims_go_on(struct bd_manager *m, struct bl_claim *c)
{
	int r = bd_claims_written(m, c);
	enum bd_then then = c->then;

	if (bl_claim_ends(c))
		return bd_claims_end_again(m, c);
	if (r == -EINPROGRESS)
		return false;
	c->recorded |= !r;
	c->then = BD_THEN_NOTHING;
	do_then(m, c, then, r);
	return true;
}

void bd_claims_stake(struct bd_manager *m, struct bl_claim *c, bl_pages pages)
{
	struct bl_err err = { 0 };
	int r;

	if (bl_claim_ends(c) || c->foreign || c->then == BD_THEN_GIVE_UP)
		return;
	if (c->domid != BL_DOMID_NONE) {
		bd_move_start(m, c);
		return;
	}
	r = bd_stake_make(m, c, pages, &err);
	if (r == -ENOMEM || r == -EAGAIN || r == -EBUSY) {
		/* somebody was faster: room is made again */
		bd_log(LOG_INFO, "room for a claim was taken while it was made: %s", err.msg);
		return;
	}
	if (r) {
		bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
		return;
	}
	become_held(m, c, pages);
}

/* ---- each tick: what the hypervisor shows ---- */

void bd_claims_keep_warm(struct bd_manager *m, const struct bl_claim *c)
{
	struct bl_plan_in in = bd_manager_plan_in(m);

	m->warm = bl_wait_warm(&m->plan, &in, c);
	m->warm_until = bl_ms_add(m->snap.now, m->settings.keep_warm);
}

/* Ends a claim that waited in vain. The claims behind it get what was promised to it
 * before the loop looks at their own waits: one of them may have its room now. */
static bool give_up(struct bd_manager *m, struct bl_claim *c, const struct bl_err *err)
{
	bl_pages promised = bl_claim_promised(c, &m->snap);
	struct bl_plan_in in;

	int r;

	bd_claims_keep_warm(m, c);
	r = bd_claims_end(m, c, BL_CLAIM_FAILED, err);
	if (r && r != -EINPROGRESS)
		return false;
	m->plan.balance += (int64_t)promised.n;
	m->plan.available = BL_PAGES(m->plan.balance > 0 ? m->plan.balance : 0);
	in = bd_manager_plan_in(m);
	bl_wait_update(&m->plan, &in);
	return true;
}

/* Why it was in vain, as the beginning of a sentence. */
static const char *in_vain(const struct bl_claim *c, bl_ms more, char buf[128])
{
	if (c->patience.n)
		snprintf(buf, 128, "waited in vain: no progress for %llu s",
			 (unsigned long long)(c->patience.n + 999) / 1000);
	else if (more.n && more.n != BL_MS_NEVER.n)
		snprintf(buf, 128, "waited in vain: about %llu s more would have done",
			 (unsigned long long)(more.n + 999) / 1000);
	else
		snprintf(buf, 128, "waited in vain");
	return buf;
}

static bool time_out(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_admission a;
	struct bl_err err;
	char reason[BL_REASON_MAX], why[128];
	bl_pages part;
	int64_t room = m->plan.balance + (int64_t)bl_claim_promised(c, &m->snap).n -
		       (int64_t)c->overhead.n;

	/* What came at the last moment still counts, and with --min a part of it;
	 * what others wait for is not in the room. */
	part = bl_pages_min(BL_PAGES(room > 0 ? room : 0), c->size);
	part = bl_pages_min(part, bl_snapshot_node_room(&m->snap, c->node));
	if (c->domid != BL_DOMID_NONE)
		part = bl_pages_add(part, c->staked);
	if (part.n >= c->min.n) {
		bl_uuid id = c->id;

		bd_claims_stake(m, c, part);
		c = bl_ledger_find(&m->ledger, &id);
		if (!c || c->state != BL_CLAIM_RECLAIMING)
			return true;
	}
	bl_plan_admit_again(&m->plan, &m->snap, c, &a);
	bl_err_set(&err, ETIMEDOUT, BL_ERR_TIMEOUT, "%s: %s",
		   in_vain(c, bl_plan_eta(&m->plan, &in, c), why),
		   bl_reason_refusal(&m->plan, &in, &a, reason));
	if (c->domid == BL_DOMID_NONE || c->by_handoff)
		return give_up(m, c, &err);
	bd_move_fail(m, c, &err);
	return true;
}

/* The domain that the claim names, where it is there and whole. */
static bool is_built(const struct bd_manager *m, const struct bl_claim *c)
{
	const unsigned unfit = BL_DOM_HOLDER | BL_DOM_DYING | BL_DOM_BUILDING;

	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (!(m->snap.doms[i].flags & unfit) && bl_ledger_named(&m->ledger, &m->snap.doms[i]) == c)
			return true;
	return false;
}

/* Whoever destroyed the holder did so while balloond was away: we ourselves where the
 * claim was being left to a build without the hook, which has come to its end since. */
static bool holder_was_gone(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_err err;

	if (!c->hooked && is_built(m, c))
		return bd_claims_end(m, c, BL_CLAIM_DONE, NULL) == 0;
	bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE,
		   "its holder domain is gone: it was destroyed while balloond was not running, and what "
		   "it held");
	return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
}

/* What has become of its holder; true: it is not held any more. */
static bool check_holder(struct bd_manager *m, struct bl_claim *c)
{
	const struct bl_dom *holder = bl_snapshot_find(&m->snap, c->holder);
	struct bl_err err;

	if (c->holder == BL_DOMID_POOL)
		return false;
	if (!holder && !m->reconciled)
		return holder_was_gone(m, c);
	if (!holder) {
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE,
			   "its holder domain is gone: somebody destroyed it, and what it held");
		return bd_claims_end(m, c, BL_CLAIM_FAILED, &err) == 0;
	}
	if (holder->flags & BL_DOM_DYING) /* `xl shutdown` of a holder */
		return bd_claims_end(m, c, BL_CLAIM_RELEASED, NULL) == 0;
	return false;
}

static bool check_held(struct bd_manager *m, struct bl_claim *c, bl_ms now)
{
	const struct bl_dom *holder = bl_snapshot_find(&m->snap, c->holder);

	if (check_holder(m, c))
		return true;
	if (bl_claim_ends(c))
		return false; /* its holder would not go */
	if (c->expires.n <= now.n)
		return bd_claims_end(m, c, BL_CLAIM_EXPIRED, NULL) == 0;
	if (holder && !holder->name[0] && m->host->ops->name_holder)
		m->host->ops->name_holder(m->host, c->holder, &c->id);
	if (c->staked.n)
		return false;
	if (holder)
		bd_log(LOG_WARNING, "domain %u, which holds a claim, has nothing staked any more",
		       c->holder);
	bd_move_back(m, c);
	return true;
}

/* Staked, and killed before that was written down; or what was staked has been
 * cut short, or was given back to wait with a domain for more. */
static bool check_reclaiming(struct bd_manager *m, struct bl_claim *c, bl_ms now)
{
	struct bl_err err;

	if (c->domid != BL_DOMID_NONE) {
		const struct bl_dom *d = bl_snapshot_find(&m->snap, c->domid);

		if (d && d->flags & BL_DOM_BUILDING && bd_waiters_any(m, &c->id, BD_WAITS_MOVED))
			return c->wait_until.n <= now.n && time_out(m, c);
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE, "domain %u is not being built any more",
			   c->domid);
		bd_move_fail(m, c, &err);
		return true;
	}
	if (c->holder == BL_DOMID_NONE)
		return c->wait_until.n <= now.n && time_out(m, c);
	if (c->staked.n >= c->min.n) {
		become_held(m, c, c->staked);
		return true;
	}
	bd_claims_save_then(m, c, BD_THEN_GIVE_UP);
	return false;
}

static bool check_claim(struct bd_manager *m, struct bl_claim *c, bl_ms now)
{
	if (c->foreign)
		return false;
	if (c->then || bl_claim_ends(c))
		return bd_claims_go_on(m, c);
	switch (c->state) {
	case BL_CLAIM_RECLAIMING:
		return check_reclaiming(m, c, now);
	case BL_CLAIM_HELD:
		return check_held(m, c, now);
	case BL_CLAIM_BUILDING:
		return bd_move_check(m, c);
	default:
		return false;
	}
}

static bool is_needed(const struct bd_manager *m, const struct bl_dom *holder)
{
	const struct bl_claim *c = bl_ledger_by_handle(&m->ledger, &holder->uuid);

	/* Where not every record could be understood it may be of one that was not. */
	if (!c)
		return bd_state_has_unknown_claims(m->cfg.state);
	/* Another has the claim: this one would not go once. */
	return c->holder == holder->domid || c->holder == BL_DOMID_NONE || c->holder == BL_DOMID_POOL;
}

bool bd_claims_reconcile(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	bl_ms now = m->snap.now;
	bool changed;

	bl_wait_update(&m->plan, &in);
	changed = bd_stake_check(m);
	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];

		if (!(d->flags & BL_DOM_HOLDER) || is_needed(m, d))
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
	m->reconciled = true;
	return changed;
}

void bd_claims_check_sizes(struct bd_manager *m)
{
	char size[BL_SIZE_STR];
	struct bl_err err;

	for (size_t i = m->ledger.n; i-- > 0;) {
		struct bl_claim *c = m->ledger.claims[i];

		if (c->foreign || (c->min.n <= m->snap.total.n && c->pooled.n <= m->snap.total.n))
			continue;
		bl_err_set(&err, EINVAL, BL_ERR_BAD_STATE, "its record tells of %s, which is more than "
			   "this host has", bl_pages_format(bl_pages_max(c->min, c->pooled), size));
		bd_log(LOG_WARNING, "a claim is given up: %s", err.msg);
		c->pooled = c->in_pool = c->staked = BL_PAGES(0); /* or it would take others' */
		if (c->holder == BL_DOMID_POOL)
			c->holder = BL_DOMID_NONE;
		(void)bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
	}
}

bl_ms bd_claims_next_deadline(const struct bd_manager *m)
{
	bl_ms next = BL_MS_NEVER;

	for (size_t i = 0; i < m->ledger.n; i++) {
		const struct bl_claim *c = m->ledger.claims[i];
		bl_ms at = c->foreign			   ? BL_MS_NEVER :
			   c->state == BL_CLAIM_RECLAIMING ? c->wait_until :
			   c->state == BL_CLAIM_HELD	   ? c->expires :
							     BL_MS_NEVER;

		if (bl_claim_ends(c))
			at = bl_ms_add(m->snap.now, END_AGAIN_AFTER);
		if (at.n < next.n)
			next = at;
	}
	if (m->warm.n && m->warm_until.n < next.n)
		next = m->warm_until;
	for (const struct bd_waiter *w = m->waiters; w; w = w->next) {
		bl_ms at = w->what == BD_WAITS_NAMED ? w->named_by :
			   w->what == BD_WAITS_MOVED ? w->until :
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

		if (bl_claim_ends(c))
			continue; /* its reason is why */
		if (c->foreign) {
			snprintf(c->reason, sizeof(c->reason), "recorded by a newer balloond, and kept as it is");
			continue;
		}
		c->eta = c->state == BL_CLAIM_RECLAIMING ? bl_plan_eta(&m->plan, &in, c) : BL_MS(0);
		snprintf(c->reason, sizeof(c->reason), "%s",
			 bl_reason_claim(&m->plan, &in, c, reason));
	}
}
