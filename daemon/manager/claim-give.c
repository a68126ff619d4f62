/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claim is given to whoever builds the domain that it is for. */
#include <errno.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

static bool covers(const struct bl_claim *c, const struct bl_dom *d)
{
	return bl_pages_add(c->staked, d->tot).n >= c->size.n;
}

/* It is for that domain from now on: moved at once, or when there is room for
 * all of it. */
void bd_handoff_give(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d,
		     const struct bd_waiter *w)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_admission a;
	char reason[BL_REASON_MAX];
	struct bl_err err;

	c->domid = d->domid;
	c->let_go = false;
	c->size = c->min = w->pages;
	c->expires = BL_MS_NEVER;
	c->wait_until = w->until;
	c->patience = w->patience;
	c->progressed = BL_MS(0);
	bl_ledger_match(&m->ledger, &m->snap);
	if (covers(c, d)) {
		bd_move_start(m, c);
		return;
	}
	c->state = BL_CLAIM_RECLAIMING;
	bd_events_claim(m->cfg.events, c);
	bd_manager_tick_soon(m);
	/* Of the last plan, in which other claims and its own could all end. */
	bl_plan_admit(&m->plan, c->size, c->overhead, d, &a);
	if (a.verdict != BL_FITS_NEVER)
		return;
	bl_err_set(&err, ENOMEM, BL_ERR_NO_MEMORY, "not enough memory: %s",
		   bl_reason_refusal(&m->plan, &in, &a, reason));
	bd_move_fail(m, c, &err);
}

void bd_handoff_held(struct bd_manager *m, struct bl_claim *c)
{
	for (const struct bd_waiter *w = m->waiters; w; w = w->next) {
		const struct bl_dom *d = bl_snapshot_find(&m->snap, w->domid);

		if (w->what == BD_WAITS_MOVED && bl_uuid_equal(&w->id, &c->id) && d) {
			bd_handoff_give(m, c, d, w);
			return;
		}
	}
}
