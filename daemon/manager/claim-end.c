/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a claim ends: its record, what it holds, and whoever waits, in an order that a kill
 * may cut anywhere. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

/* Where a claim has nothing that a kill could leave behind, or its pages are in the pool,
 * where a stale record would count another claim's pages as its own, the record goes
 * first. Elsewhere it says first how the claim ends, and goes last. -EINPROGRESS: that
 * is not written yet; another -errno: the claim must not end before it is. */
static int begin_end(struct bd_manager *m, struct bl_claim *c)
{
	bool in_pool = c->holder == BL_DOMID_POOL, building = c->state == BL_CLAIM_BUILDING;
	bool nothing = c->holder == BL_DOMID_NONE && !building;
	int r = 0;

	c->then = BD_THEN_NOTHING;
	if (c->holder == BL_DOMID_NONE && building && c->ends == BL_CLAIM_DONE)
		return 0; /* a restart would see the same */
	if (!c->end_begun || c->unsaved)
		r = in_pool || nothing ? bd_claims_drop_record(m, c) : bd_claims_save(m, c);
	c->end_begun = true;
	r = r ? r : bd_claims_written(m, c);
	/* If it says nothing a restart will call it a loss. */
	return r == -EINPROGRESS || in_pool ? r : 0;
}

static int give_back(struct bd_manager *m, struct bl_claim *c)
{
	if (c->holder != BL_DOMID_NONE)
		return bd_stake_drop(m, c);
	if (c->state == BL_CLAIM_BUILDING && c->ends != BL_CLAIM_DONE)
		return bd_stake_cancel(m, c->domid);
	return 0;
}

static void end_failed(struct bd_manager *m, struct bl_claim *c, int r, bool said, const struct bl_err *err)
{
	struct bl_err why;

	if (!said)
		bd_log(LOG_ERR, "cannot give a claim back: %s; tried again", strerror(-r));
	bl_err_set(&why, -r, BL_ERR_BACKEND, "cannot give the claim back: %s", strerror(-r));
	bd_waiters_answer(m, c, &why, BD_WAITS_ENDED);
	if (err)
		bd_waiters_answer(m, c, err, ~0U);
}

static void ended(struct bd_manager *m, struct bl_claim *c, const struct bl_err *err)
{
	c->state = c->ends;
	c->staked = BL_PAGES(0);
	if (!c->dropped)
		(void)bd_claims_drop_record(m, c);
	bd_events_claim(m->cfg.events, c);
	bd_waiters_answer(m, c, NULL, BD_WAITS_ENDED);
	bd_waiters_answer(m, c, err, ~0U);
	bl_ledger_remove(&m->ledger, c);
}

int bd_claims_end(struct bd_manager *m, struct bl_claim *c, enum bl_claim_state state,
		  const struct bl_err *err)
{
	bool again = c->end_said;
	int r;

	c->ends = state;
	c->end_errnum = err ? err->errnum : 0;
	c->end_id = err ? err->id : BL_ERR_NONE;
	snprintf(c->reason, sizeof(c->reason), "%s", err ? err->msg : "");
	r = begin_end(m, c);
	if (r == -EINPROGRESS)
		return r;
	r = r ? r : give_back(m, c);
	if (r && r != -ENOENT && r != -ESRCH) {
		c->end_said = true;
		end_failed(m, c, r, again, err);
		return r;
	}
	ended(m, c, err);
	return 0;
}

/* An end that waits for its record, failed half way, or was cut off by a kill. */
bool bd_claims_end_again(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_err err;

	bl_err_set(&err, c->end_errnum ? c->end_errnum : ECANCELED,
		   c->end_errnum ? c->end_id : BL_ERR_BAD_STATE, "%s", c->reason);
	return bd_claims_end(m, c, c->ends, c->reason[0] ? &err : NULL) == 0;
}
