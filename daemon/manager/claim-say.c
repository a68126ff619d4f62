/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long each claim will wait, and why. */
#include <stdio.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

static void say(struct bd_manager *m, const struct bl_plan_in *in, struct bl_claim *c)
{
	char reason[BL_REASON_MAX];

	if (bl_claim_ends(c))
		return; /* its reason is why */
	if (c->foreign) {
		snprintf(c->reason, sizeof(c->reason), "recorded by a newer balloond, and kept as it is");
		return;
	}
	if (c->state == BL_CLAIM_HELD && c->then == BD_THEN_SETTLE) {
		snprintf(c->reason, sizeof(c->reason),
			 "in the hypervisor's pool, and held as soon as its record is written");
		return;
	}
	c->eta = c->state == BL_CLAIM_RECLAIMING ? bl_plan_eta(&m->plan, in, c) : BL_MS(0);
	snprintf(c->reason, sizeof(c->reason), "%s", bl_reason_claim(&m->plan, in, c, reason));
}

void bd_claims_say(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_plan_in in = bd_manager_plan_in(m);

	say(m, &in, c);
}

void bd_claims_say_all(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);

	for (size_t i = 0; i < m->ledger.n; i++)
		say(m, &in, m->ledger.claims[i]);
}
