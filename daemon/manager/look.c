/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A look at the host: what it shows, what that teaches, and the plan that follows. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

/* A picture younger than this is of now. */
#define FRESH_MS 5

struct bl_plan_in bd_manager_plan_in(struct bd_manager *m)
{
	return (struct bl_plan_in){
		.settings = &m->settings,
		.snap = &m->snap,
		.progress = &m->progress,
		.ledger = &m->ledger,
		.paused = m->paused,
		.warm = m->warm,
		.warm_until = m->warm_until,
	};
}

int bd_manager_look(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	int r = m->host->ops->snapshot(m->host, &m->snap);

	m->last_look_real = bd_real_ms();
	m->looked_before_change = false;
	if (r == 0) {
		bl_snapshot_age(&m->snap, m->settings.telemetry_stale_after);
		if (!m->progress.started)
			bd_learn_ends_unseen(m);
		bd_learn(m);
		r = bl_progress_update(&m->progress, &m->settings, &m->snap);
	}
	if (r == 0) {
		bl_ledger_match(&m->ledger, &m->snap);
		r = bl_plan_make(&m->plan, &in);
	}
	if (r == 0) /* memory that somebody took and gives back later is not warm again */
		m->warm = m->plan.warm;
	if (r && !m->backend_failing)
		bd_log(LOG_ERR, "cannot look at the host: %s", strerror(-r));
	else if (r == 0 && m->backend_failing)
		bd_log(LOG_NOTICE, "the host answers again");
	m->backend_failing = r != 0;
	snprintf(m->backend_error, sizeof(m->backend_error), "%s", r < 0 ? strerror(-r) : "");
	return r;
}

bool bd_manager_looked_now(const struct bd_manager *m)
{
	return bd_real_ms() - m->last_look_real < FRESH_MS;
}
