/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other rooms see of the manager now. */
#include "daemon/manager/internal.h"

void bd_manager_picture(struct bd_manager *m, struct bd_picture *ret)
{
	*ret = (struct bd_picture){
		.snap = &m->snap,
		.settings = &m->settings,
		.ledger = &m->ledger,
		.plan = &m->plan,
		.host = m->host,
		.paused = m->paused,
		.now = m->host->ops->now(m->host),
		.started = m->started,
		.backend_failing = m->backend_failing,
		.backend_error = m->backend_error,
	};
}

void bd_manager_refresh(struct bd_manager *m)
{
	if (!bd_manager_looked_now(m) || m->looked_before_change)
		bd_manager_look(m);
	bd_claims_say_all(m);
}
