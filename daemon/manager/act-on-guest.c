/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Actions of the plan on a guest: its limit, its target. */
#include <errno.h>
#include <string.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

/* A failed action on a guest is not tried again before this. */
#define GUEST_AGAIN_AFTER BL_MS(1000)

int bd_manager_apply(struct bd_manager *m, const struct bl_action *a, struct bl_err *reterr)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, a->domid);
	struct bl_track *t = bl_progress_find(&m->progress, a->domid);
	int r;

	if (!d || !t)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domain %u is gone", a->domid);
	if (a->kind == BL_ACT_TARGET) {
		struct bl_dom_record *rec = bl_settings_find(&m->settings, &d->uuid);

		r = rec ? bd_manager_remember(m, rec) : 0;
		if (r)
			return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot save what is known of %s: %s",
					  d->name, strerror(-r));
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

/* True if an action on the guest failed a moment ago: while the disk, the hypervisor or xenstored
 * refuses, a try at every tick would never rest. A limit that keeps a guest from taking back what
 * it gave does not wait. */
static bool failed_lately(struct bd_manager *m, const struct bl_action *a)
{
	const struct bl_track *t = bl_progress_find(&m->progress, a->domid);
	const struct bl_dom *d = bl_snapshot_find(&m->snap, a->domid);

	if (!t || !d || !t->failed.n || bl_ms_since(m->snap.now, t->failed).n >= GUEST_AGAIN_AFTER.n)
		return false;
	return a->kind != BL_ACT_MAXMEM || a->pages.n > d->max_pages.n;
}

void bd_act_on_guest(struct bd_manager *m, const struct bl_action *a, uint32_t *failed)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	const struct bl_view *v = bl_plan_view(&m->plan, a->domid);
	char reason[BL_REASON_MAX];
	struct bl_err err;
	int r;

	if (failed_lately(m, a))
		return;
	if (a->domid == *failed)
		return; /* its limit was not raised, so its target must not be */
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
