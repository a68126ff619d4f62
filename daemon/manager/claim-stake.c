/* SPDX-License-Identifier: GPL-2.0-or-later */
/* There is room for a claim: its memory is staked, and the claim is held from then on, or
 * goes to the domain that it is for. */
#include <errno.h>
#include <stdio.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

static bl_ms lease_from_now(struct bd_manager *m, const struct bl_claim *c)
{
	return bl_ms_add(m->host->ops->now(m->host), c->ttl);
}

void bd_claims_become_held(struct bd_manager *m, struct bl_claim *c, bl_pages pages)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char reason[BL_REASON_MAX];

	c->state = BL_CLAIM_HELD;
	c->size = c->min = pages;
	c->patience = c->progressed = BL_MS(0);
	c->expires = lease_from_now(m, c);
	snprintf(c->reason, sizeof(c->reason), "%s", bl_reason_claim(&m->plan, &in, c, reason));
	bd_claims_save_then(m, c, BD_THEN_SETTLE);
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
	bd_claims_become_held(m, c, pages);
}
