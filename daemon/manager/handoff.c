/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whoever builds a domain asks for its claim: found, and made as large as it
 * needs; and how long they wait. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/manager/internal.h"

/* For an answer of xenstored. */
#define NAME_LIMIT BL_MS(2000)

/* ---- whoever builds asks ---- */

static void fail(const struct bd_waiter *w, const struct bl_err *err)
{
	w->done(w->ud, NULL, err);
}

static void wait_for(struct bd_manager *m, const struct bl_claim *c, const struct bd_waiter *w)
{
	struct bd_waiter mine = *w;
	struct bl_err err;

	mine.id = c->id;
	mine.what = BD_WAITS_MOVED;
	if (bd_waiters_add(m, &mine)) {
		bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
		fail(w, &err);
	}
}

/* Asked before, by this builder or for it: by one whose connection broke. */
static void again(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d,
		  const struct bd_waiter *w)
{
	bool there = c->state == BL_CLAIM_BUILDING && c->holder == BL_DOMID_NONE &&
		     bl_pages_add(c->staked, d->tot).n >= w->pages.n;

	if (there) {
		w->done(w->ud, c, NULL);
		return;
	}
	wait_for(m, c, w);
	bd_handoff_give(m, c, d, w);
}

static void begin(struct bd_manager *m, struct bl_claim *claim, const struct bd_waiter *asks)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, asks->domid);
	struct bl_claim *c = bl_ledger_by_domid(&m->ledger, asks->domid);
	struct bd_waiter w = *asks;
	struct bl_err err = { 0 };

	if (!d)
		bl_err_set(&err, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domid: there is no domain %u", w.domid);
	else if (!(d->flags & BL_DOM_BUILDING) || d->flags & (BL_DOM_HOLDER | BL_DOM_DYING))
		bl_err_set(&err, EINVAL, BL_ERR_BAD_STATE, "domain %u is not being built", w.domid);
	else if (!w.pages.n && !d->max_pages.n)
		bl_err_set(&err, EINVAL, BL_ERR_BAD_STATE,
			   "domain %u has no limit yet: size_bytes is needed", w.domid);
	else if ((c && c->foreign) || (claim && claim->foreign))
		bl_err_set(&err, EBUSY, BL_ERR_BAD_STATE,
			   "a newer balloond recorded the claim, and it is "
			   "kept as it is");
	else if (claim && bl_claim_ends(claim))
		bl_err_set(&err, EBUSY, BL_ERR_BAD_STATE, "the claim is being given back");
	if (err.errnum) {
		fail(&w, &err);
		return;
	}
	if (!w.pages.n)
		w.pages = d->max_pages;
	if (c) {
		again(m, c, d, &w);
		return;
	}
	c = claim ? claim : bl_ledger_named(&m->ledger, d);
	if (!c) {
		if (bd_request_for_build(m, d, &w, &err))
			fail(&w, &err);
	} else if (c->domid != BL_DOMID_NONE) {
		bl_err_set(&err, EINVAL, BL_ERR_BAD_STATE, "the claim is for domain %u", c->domid);
		fail(&w, &err);
	} else {
		wait_for(m, c, &w);
		if (c->state == BL_CLAIM_HELD && !c->then) /* else when that is recorded */
			bd_handoff_give(m, c, d, &w);
	}
}

static bool names_matter(const struct bd_manager *m)
{
	for (size_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.claims[i]->name[0] && m->ledger.claims[i]->domid == BL_DOMID_NONE)
			return true;
	return false;
}

static bool is_built(const struct bd_manager *m, uint32_t domid)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, domid);

	return d && d->flags & BL_DOM_BUILDING;
}

void bd_manager_handoff(struct bd_manager *m, struct bl_claim *claim, uint32_t domid, bl_pages pages,
			const bl_ms *wait, bd_claim_done done, void *ud)
{
	struct bd_waiter w = {
		.what = BD_WAITS_NAMED, .domid = domid, .pages = pages, .done = done, .ud = ud
	};

	bd_manager_look(m);
	if (!wait)
		w.patience = m->settings.wait;
	w.until = bl_ms_add(m->snap.now, wait ? *wait : w.patience);
	w.named_by = bl_ms_add(m->snap.now, NAME_LIMIT);
	/* Its name may have been written a moment ago. */
	if (!claim && m->host->ops->reread && !m->snap.store_stale && names_matter(m) &&
	    is_built(m, domid) && !bd_waiters_add(m, &w)) {
		m->host->ops->reread(m->host, domid);
		return;
	}
	begin(m, claim, &w);
	bd_manager_tick_soon(m);
}

void bd_manager_built(struct bd_manager *m, uint32_t domid, bd_claim_done done, void *ud)
{
	const struct bl_claim *c = bl_ledger_by_domid(&m->ledger, domid);
	struct bd_waiter w = { .what = BD_WAITS_BUILT, .domid = domid, .done = done, .ud = ud };
	struct bl_err err;

	if (!c || c->state != BL_CLAIM_BUILDING) {
		bl_err_set(&err, ENOENT, BL_ERR_NO_SUCH_CLAIM, "domid: no claim is with domain %u", domid);
		fail(&w, &err);
		return;
	}
	w.id = c->id;
	if (bd_waiters_add(m, &w)) {
		bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
		fail(&w, &err);
	}
}

/* ---- who waits ---- */

static bool is_named(const struct bd_manager *m, const struct bd_waiter *w)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, w->domid);

	return !d || !(d->flags & BL_DOM_UNREAD) || m->snap.store_stale || w->named_by.n <= m->snap.now.n;
}

/* A builder that set no limit waits as long as its claim makes progress. */
static bool waited_long(const struct bd_manager *m, struct bd_waiter *w)
{
	const struct bl_claim *c = bl_ledger_find(&m->ledger, &w->id);
	bl_ms until;

	if (c && c->then == BD_THEN_MOVE)
		return false; /* it is under way */
	if (w->patience.n && c) {
		until = bl_ms_add(c->progressed, w->patience);
		w->until = BL_MS(until.n > w->until.n ? until.n : w->until.n);
	}
	return w->until.n <= m->snap.now.n;
}

bool bd_handoff_resume(struct bd_manager *m)
{
	struct bd_waiter **at = &m->waiters, *w;
	struct bl_err err;
	bool some = false;

	while ((w = *at)) {
		bool named = w->what == BD_WAITS_NAMED && is_named(m, w);

		if (!named && !(w->what == BD_WAITS_MOVED && waited_long(m, w))) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (named) {
			begin(m, NULL, w);
		} else {
			bl_err_set(&err, ETIMEDOUT, BL_ERR_TIMEOUT,
				   "waited in vain for the claim that is for domain %u", w->domid);
			fail(w, &err);
		}
		free(w);
		at = &m->waiters; /* the list may have changed */
		some = true;
	}
	return some;
}

void bd_handoff_abandon(struct bd_manager *m, const struct bd_waiter *w)
{
	struct bl_claim *c = bl_ledger_find(&m->ledger, &w->id);
	struct bl_err err;

	if (!c || c->domid != w->domid || bl_claim_ends(c))
		return;
	if (w->what == BD_WAITS_BUILT && c->state == BL_CLAIM_BUILDING) {
		bd_move_builder_gone(m, c);
	} else if (w->what == BD_WAITS_MOVED && c->state == BL_CLAIM_RECLAIMING &&
		   !bd_waiters_any(m, &c->id, BD_WAITS_MOVED)) {
		bl_err_set(&err, ECANCELED, BL_ERR_BAD_STATE, "its builder is gone");
		if (c->by_handoff)
			bd_claims_keep_warm(m, c);
		bd_move_fail(m, c, &err);
	}
	bd_manager_tick_soon(m);
}
