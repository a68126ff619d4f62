/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients ask of a claim that is there: to give it back, to keep it longer. And what is
 * left of a request when its client is gone. */
#include <errno.h>

#include "daemon/manager/internal.h"

/* The last who waited for a claim to be held takes it along. */
static void withdraw(struct bd_manager *m, const bl_uuid *id)
{
	struct bl_claim *c = bl_ledger_find(&m->ledger, id);
	struct bl_err err;

	if (!c || c->state != BL_CLAIM_RECLAIMING || bd_waiters_any(m, id, ~0U))
		return;
	bl_err_set(&err, ECANCELED, BL_ERR_BAD_STATE, "nobody waits for it any more");
	bd_claims_keep_warm(m, c);
	bd_claims_end(m, c, BL_CLAIM_RELEASED, &err);
	bd_manager_tick_soon(m);
}

void bd_manager_abandon(struct bd_manager *m, void *ud)
{
	struct bd_waiter **at = &m->waiters, *w;

	bd_changes_abandon(m, ud);
	while ((w = *at)) {
		if (w->ud != ud) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		if (w->what == BD_WAITS_HELD)
			withdraw(m, &w->id);
		else if (w->what & (BD_WAITS_MOVED | BD_WAITS_BUILT | BD_WAITS_NAMED))
			bd_handoff_abandon(m, w);
		bd_waiter_free(w);
		at = &m->waiters; /* the list may have changed */
	}
}

static int check_ours(const struct bl_claim *c, struct bl_err *err)
{
	return c->foreign ? bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				       "the claim was recorded by a newer balloond, and is kept as it is")
			  : 0;
}

void bd_manager_release(struct bd_manager *m, struct bl_claim *c, bd_claim_done done, void *ud)
{
	struct bd_waiter w = {
		.id = c->id, .what = BD_WAITS_ENDED, .domid = BL_DOMID_NONE, .done = done, .ud = ud
	};
	struct bl_err err;
	int r = check_ours(c, &err);

	if (!r && bd_waiters_add(m, &w))
		r = bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
	if (r) {
		done(ud, NULL, &err);
		return;
	}
	bl_err_set(&err, ECANCELED, BL_ERR_BAD_STATE, "the claim was released");
	(void)bd_claims_end(m, c, BL_CLAIM_RELEASED, &err);
	bd_manager_tick_soon(m);
}

void bd_manager_renew(struct bd_manager *m, struct bl_claim *c, bl_ms ttl, bd_change_done done, void *ud)
{
	struct bd_change change = { .kind = BD_CHANGE_RENEW,
				    .what = { .uuid = c->id },
				    .before_ttl = c->ttl,
				    .before_expires = c->expires,
				    .done = done,
				    .ud = ud };
	struct bl_err err;
	int r = check_ours(c, &err);

	if (!r && bl_claim_ends(c))
		r = bl_err_set(&err, EBUSY, BL_ERR_BAD_STATE, "the claim is being given back");
	if (!r && ttl.n > m->settings.max_ttl.n)
		r = bl_err_set(&err, EINVAL, BL_ERR_INVALID_PARAMS,
			       "ttl_seconds: is above [claims] max-ttl, %llu s",
			       (unsigned long long)m->settings.max_ttl.n / 1000);
	r = r ? r : bd_changes_add(m, &change, &err);
	if (r) {
		done(ud, &change.what, &err);
		return;
	}
	c->ttl = ttl;
	if (c->state == BL_CLAIM_HELD)
		c->expires = bl_ms_add(m->host->ops->now(m->host), ttl);
	(void)bd_claims_save(m, c);
	bd_manager_tick_soon(m);
	bd_changes_go_on(m);
}
