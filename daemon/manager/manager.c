/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager's own life: how it begins, what the host tells it, how it ends. */
#include "daemon/manager/manager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/manager/internal.h"

/* ---- the host calls back ---- */

static void host_changed(void *ud)
{
	bd_manager_tick_soon(ud);
}

static void host_failed(void *ud, const struct bl_action *a, int error)
{
	struct bd_manager *m = ud;
	const struct bl_dom *d = bl_snapshot_find(&m->snap, a->domid);
	struct bl_track *t = bl_progress_find(&m->progress, a->domid);
	char reason[128];

	snprintf(reason, sizeof(reason), "its target could not be written: %s", strerror(error));
	if (t)
		t->failed = m->host->ops->now(m->host);
	if (d)
		bd_events_domain(m->cfg.events, "refused", d, reason);
}

/* ---- life ---- */

static void on_tick(evutil_socket_t fd, short what, void *ud)
{
	(void)fd;
	(void)what;
	bd_manager_tick(ud);
}

int bd_manager_new(const struct bd_manager_config *cfg, struct bd_manager **ret)
{
	struct bd_manager *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	m->settings = *cfg->settings;
	m->cfg.settings = NULL;
	memset(cfg->settings, 0, sizeof(*cfg->settings));
	m->tick_timer = evtimer_new(cfg->base, on_tick, m);
	if (!m->tick_timer) {
		bd_manager_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

struct bd_host_events bd_manager_host_events(struct bd_manager *m)
{
	return (struct bd_host_events){ .changed = host_changed, .failed = host_failed, .ud = m };
}

int bd_manager_start(struct bd_manager *m, struct bd_host *host, struct bl_err *reterr)
{
	int r;

	m->host = host;
	m->started = host->ops->now(host);
	r = host->ops->boot_id(host, &m->boot);
	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot tell this boot of the host: %s",
				  strerror(-r));
	r = bd_state_load(m->cfg.state, &m->boot, &m->ledger, &m->settings, &m->paused, reterr);
	if (r)
		return r;
	for (size_t i = 0; i < m->ledger.n; i++)
		m->ledger.claims[i]->recorded = true;
	r = bd_state_start(m->cfg.state, m->cfg.base, bd_manager_recorded, m);
	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot start the threads that write: %s",
				  strerror(-r));
	m->state_failing = bd_state_failing(m->cfg.state);
	r = bd_manager_look(m);
	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot look at the host: %s", strerror(-r));
	bd_claims_check_sizes(m);
	bd_events_publish(m->cfg.events, "daemon.started", NULL, NULL);
	bd_manager_tick(m);
	return 0;
}

void bd_manager_free(struct bd_manager *m)
{
	struct bd_waiter *w;

	if (!m)
		return;
	while ((w = m->waiters)) {
		m->waiters = w->next;
		bd_waiter_free(w);
	}
	bd_changes_free(m);
	if (m->tick_timer)
		event_free(m->tick_timer);
	if (m->host)
		m->host->ops->close(m->host);
	bl_plan_free(&m->plan);
	bl_plan_free(&m->what_if);
	bl_progress_free(&m->progress);
	bl_ledger_free(&m->ledger);
	bl_snapshot_free(&m->snap);
	bl_settings_free(&m->settings);
	free(m->known);
	free(m);
}

void bd_manager_reload(struct bd_manager *m, struct bl_settings *settings)
{
	struct bl_settings old = m->settings;

	bl_settings_move_records(settings, &old);
	m->settings = *settings;
	memset(settings, 0, sizeof(*settings));
	bl_settings_free(&old);
	bd_manager_tick_soon(m);
}
