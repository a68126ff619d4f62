/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/property/count.h"

const struct bl_dom *count_find(const struct world *w, uint32_t domid)
{
	for (size_t i = 0; i < w->snap.n_doms; i++)
		if (w->snap.doms[i].domid == domid)
			return &w->snap.doms[i];
	return NULL;
}

static const struct bl_dom *holder_of(const struct world *w, const struct bl_claim *c)
{
	const struct bl_dom *most = NULL;

	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const struct bl_dom *d = &w->snap.doms[i];

		if (d->flags & BL_DOM_HOLDER && bl_uuid_equal(&d->uuid, &c->handle) &&
		    (!most || d->outstanding.n > most->outstanding.n))
			most = d;
	}
	return most;
}

uint64_t count_promised(const struct world *w, const struct bl_claim *c)
{
	const struct bl_dom *h = holder_of(w, c);
	const struct bl_dom *b = count_find(w, c->domid), *after = c->after ? count_find(w, c->after) : NULL;
	uint64_t kept = (h ? h->outstanding.n : 0) + (b ? b->outstanding.n + b->tot.n : 0) + c->in_pool.n +
			(after ? after->tot.n : 0);

	/* It ends, and nothing was made of it. */
	if (bl_claim_ends(c) && c->state == BL_CLAIM_RECLAIMING && c->holder == BL_DOMID_NONE)
		return 0;
	/* the holder's own pages came out of the overhead */
	return less(c->overhead.n, h ? BL_HOLDER_PAGES.n : 0) + less(c->size.n, kept);
}

bool count_being_built(const struct world *w, uint32_t domid)
{
	for (size_t i = 0; i < w->ledger.n; i++)
		if (w->ledger.claims[i]->domid == domid)
			return true;
	return false;
}

uint64_t count_growing(const struct world *w, const struct bl_dom *d, uint64_t target, uint64_t max)
{
	const struct bl_track *t = bl_progress_find(&w->progress, d->domid);
	uint64_t room = less(max, d->tot.n + d->outstanding.n), wants = less(target, d->tot.n);

	if (d->flags & (BL_DOM_DYING | BL_DOM_HOLDER | BL_DOM_NO_BALLOON))
		return 0;
	if (d->flags & BL_DOM_BUILDING || (!d->has_target && !(d->flags & BL_DOM_CONTROL))) {
		bool asleep = w->snap.now.n - t->first_seen.n > w->settings.boot_grace.n;

		return room > w->snap.total.n || asleep || count_being_built(w, d->domid) ? 0 : room;
	}
	/* a grant that nobody took within stuck-after is kept from nobody */
	if (w->snap.now.n - t->flowed_at.n >= w->settings.stuck_after.n &&
	    (target < max ? target : max) <= (d->target.n < d->max_pages.n ? d->target.n : d->max_pages.n))
		return 0;
	return d->has_target ? (wants < room ? wants : room) : 0;
}

int64_t count_balance(const struct world *w)
{
	int64_t b = (int64_t)w->snap.free.n - (int64_t)w->snap.outstanding.n -
		    (int64_t)bl_share_of(w->settings.reserve, w->snap.total).n;

	for (size_t i = 0; i < w->ledger.n; i++)
		b -= (int64_t)count_promised(w, w->ledger.claims[i]);
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		const struct bl_dom *d = &w->snap.doms[i];

		b -= (int64_t)count_growing(w, d, d->target.n, d->max_pages.n);
	}
	return b;
}

bool count_eligible(const struct world *w, const struct bl_dom *d)
{
	struct bl_limits l = bl_settings_limits(&w->settings, d);

	return d->has_target && l.mode == BL_MODE_AUTO && !l.external &&
	       (w->settings.dom0_manage || !(d->flags & BL_DOM_CONTROL)) &&
	       !(d->flags & (BL_DOM_DYING | BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING |
			     BL_DOM_HOLDER | BL_DOM_NO_BALLOON | BL_DOM_EXTERNAL | BL_DOM_POD)) &&
	       !bl_progress_find(&w->progress, d->domid)->incapable;
}

uint64_t count_floor(const struct world *w, const struct bl_dom *d)
{
	struct bl_limits l = bl_settings_limits(&w->settings, d);
	uint64_t age = less(w->snap.now.n, d->tele.at.n);
	uint64_t has = d->tot.n + count_growing(w, d, d->target.n, d->max_pages.n);
	uint64_t own = d->tele.min.n < has ? d->tele.min.n : has;
	bool fresh = d->tele.present && d->tele.used.n && age <= w->settings.telemetry_stale_after.n;
	uint64_t floor = l.min.n;

	if (fresh && d->tele.used.n > floor)
		floor = d->tele.used.n;
	if (fresh && d->tele.has_min && own > floor)
		floor = own;
	return floor < l.max.n ? floor : l.max.n;
}

uint64_t count_need(const struct world *w, const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&w->progress, d->domid);
	uint64_t age = less(w->snap.now.n, d->tele.at.n);
	uint64_t need = bl_settings_limits(&w->settings, d).min.n;

	if (!d->tele.present || !d->tele.used.n || age > w->settings.telemetry_stale_after.n)
		return need;
	need = d->tele.used.n > need ? d->tele.used.n : need;
	return t && t->demand.n > need ? t->demand.n : need;
}

bool count_refuses(const struct world *w, const struct bl_dom *d)
{
	uint64_t age = less(w->snap.now.n, d->tele.at.n);

	return d->tele.present && d->tele.used.n && age <= w->settings.telemetry_stale_after.n &&
	       d->tele.refusal != BL_REFUSES_NOT && d->target.n < d->tot.n;
}
