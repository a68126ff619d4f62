/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does the plan's actions in order. */
#include "daemon/manager/internal.h"

void bd_manager_act(struct bd_manager *m)
{
	uint32_t failed = BL_DOMID_NONE;

	/* A claim that ends frees its struct. Stakes come first in the plan, and a stake ends no
	 * claim but its own. */
	for (size_t i = 0; i < m->plan.n_actions; i++) {
		const struct bl_action *a = &m->plan.actions[i];

		if (a->kind == BL_ACT_STAKE)
			bd_claims_stake(m, a->claim, a->pages);
		else
			bd_act_on_guest(m, a, &failed);
	}
}
