/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each tick: what the hypervisor shows of every claim, and what follows from it. */
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"
#include "lib/core/wait.h"

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
			return c->wait_until.n <= now.n && bd_claims_time_out(m, c);
		bl_err_set(&err, ENOENT, BL_ERR_BAD_STATE, "domain %u is not being built any more",
			   c->domid);
		bd_move_fail(m, c, &err);
		return true;
	}
	if (c->holder == BL_DOMID_NONE)
		return c->wait_until.n <= now.n && bd_claims_time_out(m, c);
	if (c->staked.n >= c->min.n) {
		bd_claims_become_held(m, c, c->staked);
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
		bl_pages most = bl_pages_max(bl_pages_max(c->min, c->overhead), c->pooled);

		if (c->state != BL_CLAIM_RECLAIMING) /* while it waits a part of the size may do */
			most = bl_pages_max(most, c->size);
		if (c->foreign || most.n <= m->snap.total.n)
			continue;
		bl_err_set(&err, EINVAL, BL_ERR_BAD_STATE,
			   "its record tells of %s, which is more than "
			   "this host has",
			   bl_pages_format(most, size));
		bd_log(LOG_WARNING, "a claim is given up: %s", err.msg);
		c->pooled = c->in_pool = c->staked = BL_PAGES(0); /* or it would take others' */
		if (c->holder == BL_DOMID_POOL)
			c->holder = BL_DOMID_NONE;
		(void)bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
	}
}
