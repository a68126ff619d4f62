/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of domains by their UUID: the size they are started with,
 * what was set, who steers them. */
#include "daemon/manager/internal.h"

/* Domains that are gone and nothing was set for; a host of short-lived guests
 * must not fill the disk. */
#define REMEMBERED_MAX 4096

/* dom0's is all zeros. */
bool bd_learn_has_uuid(const struct bl_dom *d)
{
	return d->flags & BL_DOM_CONTROL || !bl_uuid_is_null(&d->uuid);
}

static bool worth_remembering(const struct bl_dom *d)
{
	return !(d->flags & (BL_DOM_HOLDER | BL_DOM_BUILDING | BL_DOM_DYING | BL_DOM_NO_BALLOON)) &&
	       bd_learn_has_uuid(d) && d->tot.n;
}

static bool lives(const struct bd_manager *m, const bl_uuid *uuid)
{
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (bl_uuid_equal(&m->snap.doms[i].uuid, uuid))
			return true;
	return false;
}

/* A start of another size that comes later is no reboot any more. */
#define REBOOTS_WITHIN BL_MS(300000)

/* Those that were seen first go first. */
static void forget_some(struct bd_manager *m)
{
	struct bl_dom_memory *mem, *next;
	uint64_t ignored;

	HASH_ITER(hh, m->settings.memory, mem, next)
	{
		if (HASH_COUNT(m->settings.memory) < m->snap.n_doms + REMEMBERED_MAX)
			return;
		if (bl_override_is_set(&mem->set) || lives(m, &mem->uuid))
			continue;
		if (bd_state_is_kept(m->cfg.state, BD_STATE_DOMAIN, &mem->uuid) ||
		    bd_state_drop_memory(m->cfg.state, &mem->uuid, &ignored))
			continue;
		bl_settings_forget(&m->settings, mem);
	}
}

static struct bl_dom_memory *remember(struct bd_manager *m, const bl_uuid *uuid)
{
	forget_some(m);
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

static bool is_last_run(const struct bd_manager *m, const struct bl_dom_memory *mem, const struct bl_dom *d)
{
	return mem->run.known && mem->run.domid == d->domid && bl_uuid_equal(&mem->run.boot, &m->boot);
}

/* How it goes is to be known after a restart of balloond, too, where its base is. */
static void follow_run(struct bd_manager *m, struct bl_dom_memory *mem, const struct bl_dom *d)
{
	enum bl_run_end end = end_of(d);

	if (!(d->flags & (BL_DOM_DYING | BL_DOM_BUILDING)))
		mem->run.lived_at = d->has_target ? d->target : d->tot;
	if (mem->run.end == end)
		return;
	mem->run.end = end;
	mem->run.ended = end == BL_RUN_LIVES ? BL_MS(0) : m->snap.now;
	mem->dirty = true;
	if (mem->on_disk)
		bd_manager_save_memory(m, mem);
}

void bd_learn_ends_unseen(struct bd_manager *m)
{
	struct bl_dom_memory *mem, *next;

	HASH_ITER(hh, m->settings.memory, mem, next)
	{
		const struct bl_dom *d = bl_snapshot_find(&m->snap, mem->run.domid);
		bool there = d && bl_uuid_equal(&d->uuid, &mem->uuid) && is_last_run(m, mem, d);

		if (mem->run.known && mem->run.end == BL_RUN_LIVES && !there)
			mem->run.end = BL_RUN_UNSEEN;
	}
}

/* ---- how a domain started ---- */

static bl_pages size_of(const struct bl_dom *d)
{
	return d->has_target ? bl_pages_max(d->tot, d->target) : d->tot;
}

/* What is restored, or restarted by its toolstack, has its last target. */
static bool as_it_lived(const struct bl_run *run, bl_pages size)
{
	bl_pages apart = bl_pages_max(bl_pages_sub(run->lived_at, size), bl_pages_sub(size, run->lived_at));

	return apart.n <= BL_PAGES_PER_MIB;
}

/* Whether the base that is remembered is kept, and why. A start that is a reboot, a
 * restore or a migration comes with whatever the target was. */
static enum bl_base_from judge(const struct bd_manager *m, const struct bl_dom_memory *mem,
			       const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&m->progress, d->domid);
	bool found = t ? t->found_at_start : !m->progress.started;
	bool same_boot = bl_uuid_equal(&mem->run.boot, &m->boot);
	bool as_before = as_it_lived(&mem->run, size_of(d));
	bl_ms since = bl_ms_since(t ? t->first_seen : m->snap.now, mem->run.ended);
	enum bl_run_end end = mem->run.end;

	if (d->flags & BL_DOM_CONTROL)
		return BL_BASE_STARTED; /* with the host, whose boot is another */
	if (d->flags & BL_DOM_RESTORED || (end == BL_RUN_SAVED && (as_before || found)))
		return BL_BASE_RESTORED;
	/* Some toolstacks reboot a guest at the size in its configuration. */
	if (same_boot && end == BL_RUN_REBOOT && (as_before || since.n < REBOOTS_WITHIN.n))
		return BL_BASE_REBOOTED;
	/* Restarted after a crash; or it went between two looks, for a reboot maybe. */
	if (same_boot && (end == BL_RUN_CRASHED || end == BL_RUN_LIVES) && as_before)
		return BL_BASE_REBOOTED;
	if (found || !mem->run.known || (same_boot && end == BL_RUN_UNSEEN))
		return BL_BASE_UNSEEN;
	return BL_BASE_STARTED;
}

/* The one that had the UUID last is there and goes on: this is another of that UUID. */
static bool last_run_lives(const struct bd_manager *m, const struct bl_dom_memory *mem)
{
	const struct bl_dom *d = mem->run.known ? bl_snapshot_find(&m->snap, mem->run.domid) : NULL;

	return d && is_last_run(m, mem, d) && bl_uuid_equal(&d->uuid, &mem->uuid) &&
	       !(d->flags & (BL_DOM_DYING | BL_DOM_MIGRATING));
}

static void learn_start(struct bd_manager *m, struct bl_dom_memory *mem, const struct bl_dom *d)
{
	enum bl_base_from from = mem->base.n ? judge(m, mem, d) : BL_BASE_STARTED;
	bool of_older = !mem->run.known && !m->progress.started;

	if (from == BL_BASE_STARTED)
		mem->base = size_of(d);
	else
		mem->base = bl_pages_max(mem->base, d->tot);
	/* What an older balloond remembers of one that runs is what that had seen. */
	mem->base_from = of_older ? BL_BASE_STARTED : from;
	mem->run = (struct bl_run){ .known = true, .boot = m->boot, .domid = d->domid };
	mem->dirty = true;
	follow_run(m, mem, d);
	/* Else a restart of balloond would take this for a start that nobody saw. */
	if (mem->on_disk && mem->dirty && !of_older)
		bd_manager_save_memory(m, mem);
}

static void learn_external(struct bd_manager *m, struct bl_dom_memory *mem, const struct bl_dom *d)
{
	mem->external = true;
	mem->dirty = true;
	bd_events_domain(m->cfg.events, "external", d, "");
	bd_manager_save_memory(m, mem);
}

static void learn(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_dom_memory *mem = bl_settings_find(&m->settings, &d->uuid);

	if (mem && mem->base.n && is_last_run(m, mem, d)) {
		follow_run(m, mem, d);
	} else if (worth_remembering(d) && !(mem && last_run_lives(m, mem))) {
		mem = mem ? mem : remember(m, &d->uuid);
		if (!mem)
			return; /* memory is out: limits fall back to tot */
		learn_start(m, mem, d);
	}
	if (mem && worth_remembering(d) && d->flags & BL_DOM_EXTERNAL && !mem->external)
		learn_external(m, mem, d);
}

/* The base is the size that a domain was started with: what it has when it is seen first
 * after a start that is no return. Somebody else's target is remembered as such. */
void bd_learn(struct bd_manager *m)
{
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (!(m->snap.doms[i].flags & BL_DOM_HOLDER) && bd_learn_has_uuid(&m->snap.doms[i]))
			learn(m, &m->snap.doms[i]);
}

void bd_learn_start(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_dom_memory *mem = bl_settings_find(&m->settings, &d->uuid);

	if (mem && worth_remembering(d) && mem->base.n < d->tot.n) {
		mem->base = d->tot;
		mem->dirty = true;
	}
}
