/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody is moved until somebody says so. */
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

void bd_manager_pause(struct bd_manager *m, bool paused, bd_change_done done, void *ud)
{
	struct bd_change change = { .kind = BD_CHANGE_PAUSE,
				    .what = { .paused = paused },
				    .before_paused = m->paused,
				    .done = done,
				    .ud = ud };
	struct bl_err err = { .errnum = 0 };
	int r = bd_state_set_paused(m->cfg.state, paused, &change.seq);

	if (r < 0)
		bl_err_set(&err, -r, BL_ERR_BACKEND, "cannot save that: %s", strerror(-r));
	r = r < 0 ? r : bd_changes_add(m, &change, &err);
	if (r < 0) {
		done(ud, &change.what, &err);
		return;
	}
	m->paused = paused;
	bd_log(LOG_NOTICE, paused ? "paused: no guest is moved" : "resumed");
	bd_manager_tick_soon(m);
	bd_changes_go_on(m);
}
