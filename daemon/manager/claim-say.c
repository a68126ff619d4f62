/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long each claim will wait, and why. */
#include <stdio.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

void bd_claims_say(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char reason[BL_REASON_MAX];

	for (size_t i = 0; i < m->ledger.n; i++) {
		struct bl_claim *c = m->ledger.claims[i];

		if (bl_claim_ends(c))
			continue; /* its reason is why */
		if (c->foreign) {
			snprintf(c->reason, sizeof(c->reason),
				 "recorded by a newer balloond, and kept as it is");
			continue;
		}
		if (c->state == BL_CLAIM_HELD && c->then == BD_THEN_SETTLE) {
			snprintf(c->reason, sizeof(c->reason),
				 "set aside, and held as soon as its record is written");
			continue;
		}
		c->eta = c->state == BL_CLAIM_RECLAIMING ? bl_plan_eta(&m->plan, &in, c) : BL_MS(0);
		snprintf(c->reason, sizeof(c->reason), "%s", bl_reason_claim(&m->plan, &in, c, reason));
	}
}
