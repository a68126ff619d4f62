/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claim has waited for its room as long as it may. */
#include <errno.h>
#include <stdio.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"
#include "lib/core/wait.h"

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

bool bd_claims_time_out(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_admission a;
	struct bl_err err;
	char reason[BL_REASON_MAX], why[128];
	bl_pages part;
	int64_t room = m->plan.balance + (int64_t)bl_claim_promised(c, &m->snap).n - (int64_t)c->overhead.n;

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
	bl_err_set(&err, ETIMEDOUT, BL_ERR_TIMEOUT, "%s: %s", in_vain(c, bl_plan_eta(&m->plan, &in, c), why),
		   bl_reason_refusal(&m->plan, &in, &a, reason));
	if (c->domid == BL_DOMID_NONE || c->by_handoff)
		return give_up(m, c, &err);
	bd_move_fail(m, c, &err);
	return true;
}
