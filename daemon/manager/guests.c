/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the record of each domain, by UUID: the size that it is started with, what was set, who
 * controls its target. */
#include "daemon/manager/internal.h"

/* Most records of domains that are gone and that nothing was set for: short-lived guests must not
 * fill the disk. */
#define REMEMBERED_MAX 4096

/* The UUID of dom0 is all zeros. */
bool bd_learn_has_uuid(const struct bl_dom *d)
{
	return d->flags & BL_DOM_CONTROL || !bl_uuid_is_null(&d->uuid);
}

static bool worth_remembering(const struct bl_dom *d)
{
	return !(d->flags & (BL_DOM_HOLDER | BL_DOM_BUILDING | BL_DOM_DYING | BL_DOM_NO_BALLOON)) &&
	       bd_learn_has_uuid(d) && !bl_pages_is_zero(d->tot);
}

static bool lives(const struct bd_manager *m, const bl_uuid *uuid)
{
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (bl_uuid_equal(&m->snap.doms[i].uuid, uuid))
			return true;
	return false;
}

/* A start of another size that comes later than this is no reboot. */
#define REBOOTS_WITHIN BL_MS(300000)

/* Forgets the oldest records first. */
static void forget_oldest(struct bd_manager *m)
{
	struct bl_dom_record *rec, *next;
	uint64_t ignored;

	HASH_ITER(hh, m->settings.dom_records, rec, next)
	{
		if (HASH_COUNT(m->settings.dom_records) < m->snap.n_doms + REMEMBERED_MAX)
			return;
		if (bl_override_is_set(&rec->set) || lives(m, &rec->uuid))
			continue;
		if (bd_state_is_kept(m->cfg.state, BD_STATE_DOMAIN, &rec->uuid) ||
		    bd_state_drop_dom(m->cfg.state, &rec->uuid, &ignored))
			continue;
		bl_settings_forget(&m->settings, rec);
	}
}

static struct bl_dom_record *remember(struct bd_manager *m, const bl_uuid *uuid)
{
	forget_oldest(m);
	return bl_settings_remember(&m->settings, uuid);
}

/* ---- how a domain ended ---- */

static enum bl_run_end end_of(const struct bl_dom *d)
{
	if (d->flags & BL_DOM_REBOOTING)
		return BL_RUN_REBOOT;
	if (d->flags & BL_DOM_MIGRATING)
		return BL_RUN_SAVED;
	if (d->flags & BL_DOM_CRASHED)
		return BL_RUN_CRASHED;
	return d->flags & BL_DOM_DYING ? BL_RUN_OVER : BL_RUN_LIVES;
}

static bool is_last_run(const struct bd_manager *m, const struct bl_dom_record *rec, const struct bl_dom *d)
{
	return rec->run.known && rec->run.domid == d->domid && bl_uuid_equal(&rec->run.boot, &m->boot);
}

/* Saves the end of a run, so that a restarted balloond knows it as well as the base. */
static void follow_run(struct bd_manager *m, struct bl_dom_record *rec, const struct bl_dom *d)
{
	enum bl_run_end end = end_of(d);

	if (!(d->flags & (BL_DOM_DYING | BL_DOM_BUILDING)))
		rec->run.lived_at = d->has_target ? d->target : d->tot;
	if (rec->run.end == end)
		return;
	rec->run.end = end;
	rec->run.ended = end == BL_RUN_LIVES ? BL_MS(0) : m->snap.now;
	rec->dirty = true;
	if (rec->on_disk)
		bd_manager_save_dom(m, rec);
}

void bd_learn_ends_unseen(struct bd_manager *m)
{
	struct bl_dom_record *rec, *next;

	HASH_ITER(hh, m->settings.dom_records, rec, next)
	{
		const struct bl_dom *d = bl_snapshot_find(&m->snap, rec->run.domid);
		bool there = d && bl_uuid_equal(&d->uuid, &rec->uuid) && is_last_run(m, rec, d);

		if (rec->run.known && rec->run.end == BL_RUN_LIVES && !there)
			rec->run.end = BL_RUN_UNSEEN;
	}
}

/* ---- how a domain started ---- */

static bl_pages size_of(const struct bl_dom *d)
{
	return d->has_target ? bl_pages_max(d->tot, d->target) : d->tot;
}

/* A restore, or a restart by the toolstack, starts with the last target. */
static bool has_last_size(const struct bl_run *run, bl_pages size)
{
	bl_pages apart = bl_pages_max(bl_pages_sub(run->lived_at, size), bl_pages_sub(size, run->lived_at));

	return apart.n <= BL_PAGES_PER_MIB;
}

/* Whether the base in the record is kept, and why. A reboot, a restore and a migration start with
 * whatever the target was. */
static enum bl_base_from base_from_start(const struct bd_manager *m, const struct bl_dom_record *rec,
					 const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&m->progress, d->domid);
	bool found = t ? t->found_at_start : !m->progress.started;
	bool same_boot = bl_uuid_equal(&rec->run.boot, &m->boot);
	bool as_before = has_last_size(&rec->run, size_of(d));
	bl_ms since = bl_ms_since(t ? t->first_seen : m->snap.now, rec->run.ended);
	enum bl_run_end end = rec->run.end;

	if (d->flags & BL_DOM_CONTROL)
		return BL_BASE_STARTED; /* dom0 starts with its host */
	if (d->flags & BL_DOM_RESTORED || (end == BL_RUN_SAVED && (as_before || found)))
		return BL_BASE_RESTORED;
	/* Some toolstacks reboot a guest at the size in its configuration. */
	if (same_boot && end == BL_RUN_REBOOT && (as_before || bl_ms_lt(since, REBOOTS_WITHIN)))
		return BL_BASE_REBOOTED;
	/* It was restarted after a crash; or it went between two snapshots, perhaps for a reboot. */
	if (same_boot && (end == BL_RUN_CRASHED || end == BL_RUN_LIVES) && as_before)
		return BL_BASE_REBOOTED;
	if (found || !rec->run.known || (same_boot && end == BL_RUN_UNSEEN))
		return BL_BASE_UNSEEN;
	return BL_BASE_STARTED;
}

/* True if the last run with the UUID still goes on: then d is another domain with the same UUID. */
static bool last_run_lives(const struct bd_manager *m, const struct bl_dom_record *rec)
{
	const struct bl_dom *d = rec->run.known ? bl_snapshot_find(&m->snap, rec->run.domid) : NULL;

	return d && is_last_run(m, rec, d) && bl_uuid_equal(&d->uuid, &rec->uuid) &&
	       !(d->flags & (BL_DOM_DYING | BL_DOM_MIGRATING));
}

static void learn_start(struct bd_manager *m, struct bl_dom_record *rec, const struct bl_dom *d)
{
	enum bl_base_from from = rec->base.n ? base_from_start(m, rec, d) : BL_BASE_STARTED;
	bool of_older = !rec->run.known && !m->progress.started;

	if (from == BL_BASE_STARTED)
		rec->base = size_of(d);
	else
		rec->base = bl_pages_max(rec->base, d->tot);
	/* The record of an older balloond comes from the start of the run that goes on. */
	rec->base_from = of_older ? BL_BASE_STARTED : from;
	rec->run = (struct bl_run){ .known = true, .boot = m->boot, .domid = d->domid };
	rec->dirty = true;
	follow_run(m, rec, d);
	/* Otherwise a restarted balloond would take this for a start that nobody saw. */
	if (rec->on_disk && rec->dirty && !of_older)
		bd_manager_save_dom(m, rec);
}

static void learn_external(struct bd_manager *m, struct bl_dom_record *rec, const struct bl_dom *d)
{
	rec->external = true;
	rec->dirty = true;
	bd_events_domain(m->cfg.events, "external", d, "");
	bd_manager_save_dom(m, rec);
}

static void learn(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_dom_record *rec = bl_settings_find(&m->settings, &d->uuid);

	if (rec && !bl_pages_is_zero(rec->base) && is_last_run(m, rec, d)) {
		follow_run(m, rec, d);
	} else if (worth_remembering(d) && !(rec && last_run_lives(m, rec))) {
		rec = rec ? rec : remember(m, &d->uuid);
		if (!rec)
			return; /* out of memory: limits fall back to tot */
		learn_start(m, rec, d);
	}
	if (rec && worth_remembering(d) && d->flags & BL_DOM_EXTERNAL && !rec->external)
		learn_external(m, rec, d);
}

/* The base of a domain is the size that it was started with: its size when it is first seen after
 * a start that is not a return. A target that somebody else wrote is recorded as well. */
void bd_learn(struct bd_manager *m)
{
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (!(m->snap.doms[i].flags & BL_DOM_HOLDER) && bd_learn_has_uuid(&m->snap.doms[i]))
			learn(m, &m->snap.doms[i]);
}

void bd_learn_start(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_dom_record *rec = bl_settings_find(&m->settings, &d->uuid);

	if (rec && worth_remembering(d) && bl_pages_lt(rec->base, d->tot)) {
		rec->base = d->tot;
		rec->dirty = true;
	}
}
