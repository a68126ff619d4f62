/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

/* Ticks while memory moves: often enough to follow a fast balloon. */
#define TICK_FAST_MS 20
/* For news: a build that begins goes on. Never closer, however many come. */
#define TICK_SOON_MS 5
#define TICK_MOVING_MS 50
#define TICK_WAITING_MS 1000
/* What could not be done to a guest is not tried again before. */
#define GUEST_AGAIN_AFTER BL_MS(1000)

uint64_t bd_real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void tick_in(struct bd_manager *m, uint64_t real_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(real_ms / 1000),
			      .tv_usec = (suseconds_t)(real_ms % 1000 * 1000) };

	m->next_tick_real = bd_real_ms() + real_ms;
	evtimer_add(m->tick_timer, &tv);
}

void bd_manager_tick_soon(struct bd_manager *m)
{
	uint64_t since = bd_real_ms() - m->last_tick_real;

	m->looked_before_change = true;
	if (m->tick_timer)
		tick_in(m, since < TICK_SOON_MS ? TICK_SOON_MS - since : 0);
}

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

/* ---- looking ---- */

int bd_manager_look(struct bd_manager *m)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	int r = m->host->ops->snapshot(m->host, &m->snap);

	m->last_look_real = bd_real_ms();
	m->looked_before_change = false;
	if (!r) {
		bl_snapshot_age(&m->snap, m->settings.telemetry_stale_after);
		if (!m->progress.started)
			bd_learn_ends_unseen(m);
		bd_learn(m);
		r = bl_progress_update(&m->progress, &m->settings, &m->snap);
	}
	if (!r) {
		bl_ledger_match(&m->ledger, &m->snap);
		r = bl_plan_make(&m->plan, &in);
	}
	if (!r) /* memory that somebody took and gives back later is not warm again */
		m->warm = m->plan.warm;
	if (r && !m->backend_failing)
		bd_log(LOG_ERR, "cannot look at the host: %s", strerror(-r));
	else if (!r && m->backend_failing)
		bd_log(LOG_NOTICE, "the host answers again");
	m->backend_failing = r != 0;
	snprintf(m->backend_error, sizeof(m->backend_error), "%s", r ? strerror(-r) : "");
	return r;
}

/* ---- acting ---- */

int bd_manager_apply(struct bd_manager *m, const struct bl_action *a, struct bl_err *reterr)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, a->domid);
	struct bl_track *t = bl_progress_find(&m->progress, a->domid);
	int r;

	if (!d || !t)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domain %u is gone", a->domid);
	if (a->kind == BL_ACT_TARGET) {
		struct bl_dom_memory *mem = bl_settings_find(&m->settings, &d->uuid);

		r = mem ? bd_manager_remember(m, mem) : 0;
		if (r)
			return bl_err_set(reterr, -r, BL_ERR_BACKEND,
					  "cannot save what is known of %s: %s", d->name, strerror(-r));
	}
	r = m->host->ops->apply(m->host, a, reterr);
	if (r)
		return r;
	if (a->kind == BL_ACT_TARGET)
		t->ours = true;
	else if (a->kind == BL_ACT_NUDGE)
		t->nudged = m->snap.now;
	return 0;
}

/* Something could not be done to it a moment ago: where the disk, the hypervisor or xenstored
 * refuses for long, a try at every tick would never rest. What keeps a guest from taking back
 * what it gave does not wait. */
static bool failed_lately(struct bd_manager *m, const struct bl_action *a)
{
	const struct bl_track *t = bl_progress_find(&m->progress, a->domid);
	const struct bl_dom *d = bl_snapshot_find(&m->snap, a->domid);

	if (!t || !d || !t->failed.n || bl_ms_since(m->snap.now, t->failed).n >= GUEST_AGAIN_AFTER.n)
		return false;
	return a->kind != BL_ACT_MAXMEM || a->pages.n > d->max_pages.n;
}

static void act_on_guest(struct bd_manager *m, const struct bl_action *a, uint32_t *failed)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	const struct bl_view *v = bl_plan_view(&m->plan, a->domid);
	char reason[BL_REASON_MAX];
	struct bl_err err;
	int r;

	if (failed_lately(m, a))
		return;
	if (a->domid == *failed)
		return; /* its limit could not be raised: no target above it */
	r = bd_manager_apply(m, a, &err);
	if (r) {
		struct bl_track *t = bl_progress_find(&m->progress, a->domid);

		*failed = a->domid;
		if (r == -EINPROGRESS) {
			m->act_waits = true;
			return;
		}
		if (t)
			t->failed = m->snap.now;
		if (r != -ESRCH && v)
			bd_events_domain(m->cfg.events, "refused", v->dom, err.msg);
		return;
	}
	if (a->kind == BL_ACT_TARGET && v) {
		struct bl_dom told = *v->dom;
		struct bl_view as_told = *v;

		told.target = a->pages;
		as_told.dom = &told;
		as_told.state = a->pages.n < told.tot.n	  ? BL_STATE_SHRINKING
				: a->pages.n > told.tot.n ? BL_STATE_GROWING
							  : BL_STATE_STEADY;
		bd_events_domain(m->cfg.events, "target", &told,
				 bl_reason_domain(&m->plan, &in, &as_told, reason));
	}
}

void bd_manager_act(struct bd_manager *m)
{
	uint32_t failed = BL_DOMID_NONE;

	/* A claim that ends frees its struct: stakes come first in the plan, and
	 * a stake never ends another claim than its own. */
	for (size_t i = 0; i < m->plan.n_actions; i++) {
		const struct bl_action *a = &m->plan.actions[i];

		if (a->kind == BL_ACT_STAKE)
			bd_claims_stake(m, a->claim, a->pages);
		else
			act_on_guest(m, a, &failed);
	}
}

static uint64_t next_tick_ms(struct bd_manager *m)
{
	double speed = m->host->ops->speed(m->host);
	bl_ms now = m->snap.now, deadline = bd_claims_next_deadline(m);
	uint64_t ms = m->settings.tick.n;

	if (m->plan.moving)
		return m->plan.n_actions ? TICK_FAST_MS : TICK_MOVING_MS;
	if (m->plan.waiting || m->plan.pressure || m->backend_failing || m->state_failing)
		ms = ms < TICK_WAITING_MS ? ms : TICK_WAITING_MS;
	if (deadline.n != BL_MS_NEVER.n && bl_ms_since(deadline, now).n < ms)
		ms = bl_ms_since(deadline, now).n + 1;
	ms = (uint64_t)((double)ms / speed);
	return ms < 1 ? 1 : ms;
}

void bd_manager_tick_for_deadlines(struct bd_manager *m)
{
	bl_ms left = bl_ms_since(bd_claims_next_deadline(m), m->snap.now);
	double ms = (double)left.n / m->host->ops->speed(m->host) + 1;
	uint64_t now = bd_real_ms();

	m->looked_before_change = true;
	if ((double)now + ms < (double)m->next_tick_real)
		tick_in(m, (uint64_t)ms);
}

static void tick(evutil_socket_t fd, short what, void *ud)
{
	struct bd_manager *m = ud;
	bool changed;

	(void)fd;
	(void)what;
	m->last_tick_real = bd_real_ms();
	/* A build without the hook goes on meanwhile: it gets its room before anything is
	 * said, for the journal's daemon would run first. */
	if (bd_manager_look(m) || (bd_move_let_go(m) && bd_manager_look(m))) {
		tick_in(m, TICK_WAITING_MS);
		return;
	}
	/* The rest as soon as it has left, however often somebody asks for a tick. */
	if (m->leaving && bd_real_ms() - m->leaving_real < TICK_WAITING_MS) {
		tick_in(m, TICK_WAITING_MS);
		return;
	}
	bd_manager_state_retry(m);
	bd_log_catch_up();
	bd_tell_changes(m);
	changed = bd_reboot_look(m);
	changed |= bd_claims_reconcile(m);
	changed |= bd_handoff_resume(m);
	if (changed && bd_manager_look(m)) {
		tick_in(m, TICK_WAITING_MS);
		return;
	}
	bd_tell_states(m);
	bd_manager_act(m);
	tick_in(m, next_tick_ms(m));
	bd_waiters_ask_again(m);
}

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

int bd_manager_new(const struct bd_manager_config *cfg, struct bd_manager **ret)
{
	struct bd_manager *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->cfg = *cfg;
	m->settings = *cfg->settings;
	m->cfg.settings = NULL;
	memset(cfg->settings, 0, sizeof(*cfg->settings));
	m->tick_timer = evtimer_new(cfg->base, tick, m);
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
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot look at the host: %s",
				  strerror(-r));
	bd_claims_check_sizes(m);
	bd_events_publish(m->cfg.events, "daemon.started", NULL, NULL);
	tick(-1, 0, m);
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

	bl_settings_move_memory(settings, &old);
	m->settings = *settings;
	memset(settings, 0, sizeof(*settings));
	bl_settings_free(&old);
	bd_manager_tick_soon(m);
}
