/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes next in a claim's life once its record is written, or could not be. Nothing is
 * answered before the record says so: until then a kill leaves what is staked for nobody, and
 * the next start gives it back. With holders, what is recorded says at least as much as what
 * was answered: what is staked is given up before it is forgotten. Of a pool it never says
 * more than is there, see stake.c. */
#include <errno.h>
#include <string.h>

#include "daemon/manager/internal.h"

/* The claim is held: the clients that wait for that are told, and the builder that it is for gets it. */
static void settle(struct bd_manager *m, struct bl_claim *c)
{
	c->wait_until = BL_MS_NEVER;
	bd_claims_say(m, c);
	bd_events_claim(m->cfg.events, c);
	bd_waiters_answer(m, c, NULL, BD_WAITS_HELD | BD_WAITS_RECORDED);
	bd_handoff_held(m, c);
}

static void end_unsaved(struct bd_manager *m, struct bl_claim *c, int r)
{
	struct bl_err err;

	bl_err_set(&err, -r, BL_ERR_BACKEND, "cannot save the claim: %s", strerror(-r));
	(void)bd_claims_end(m, c, BL_CLAIM_FAILED, &err);
}

/* r: of the record. When an older record is on disk, a restart finds the claim by that: its holder
 * is found again, or the claim is staked anew. Without any record the claim was promised to nobody. */
static bool first_record_failed(struct bd_manager *m, struct bl_claim *c, int r)
{
	if (r == 0 || c->recorded)
		return false;
	end_unsaved(m, c, r);
	return true;
}

/* After a kill the next daemon makes the pool as large as the records say. While no record says
 * that the claim is held, nobody is told that it is: every tick tries to write the record again, for
 * as long as the claim would have waited. */
static bool held_record_failed(struct bd_manager *m, struct bl_claim *c, int r)
{
	bl_ms now = m->host->ops->now(m->host);

	if (r == 0 || c->holder != BL_DOMID_POOL)
		return false;
	if (bl_ms_le(c->wait_until, now) || bl_ms_le(c->expires, now)) {
		end_unsaved(m, c, r);
		return true;
	}
	c->then = BD_THEN_SETTLE;
	return true;
}

static void do_then(struct bd_manager *m, struct bl_claim *c, enum bd_then then, int r)
{
	switch (then) {
	case BD_THEN_NOTHING:
		break;
	case BD_THEN_RECORDED:
		if (!first_record_failed(m, c, r))
			bd_waiters_answer(m, c, NULL,
					  BD_WAITS_RECORDED |
						  (c->state == BL_CLAIM_RECLAIMING ? 0 : BD_WAITS_HELD));
		break;
	case BD_THEN_SETTLE:
		if (!first_record_failed(m, c, r) && !held_record_failed(m, c, r))
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
