/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of domains by their UUID: the size they are started with,
 * what was set, who steers them. */
#include <string.h>

#include "daemon/log.h"
#include "daemon/manager-internal.h"

/* Domains that are gone and nothing was set for; a host of short-lived guests
 * must not fill the disk. */
#define REMEMBERED_MAX 4096

static bool worth_remembering(const struct bl_dom *d)
{
	return !(d->flags & (BL_DOM_HOLDER | BL_DOM_BUILDING | BL_DOM_DYING | BL_DOM_NO_BALLOON)) &&
	       !bl_uuid_is_null(&d->uuid) && d->tot.n;
}

static bool lives(const struct bd_manager *m, const bl_uuid *uuid)
{
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (bl_uuid_equal(&m->snap.doms[i].uuid, uuid))
			return true;
	return false;
}

/* Those that were seen first go first. */
static void forget_some(struct bd_manager *m)
{
	struct bl_dom_memory *mem, *next;
	int r;

	HASH_ITER(hh, m->settings.memory, mem, next) {
		if (HASH_COUNT(m->settings.memory) < m->snap.n_doms + REMEMBERED_MAX)
			return;
		if (bl_override_is_set(&mem->set) || lives(m, &mem->uuid))
			continue;
		r = bd_state_drop_memory(m->cfg.state, &mem->uuid);
		if (r < 0) {
			bd_log(LOG_WARNING, "cannot remove the file of a domain that is gone: %s",
			       strerror(-r));
			return;
		}
		bl_settings_forget(&m->settings, mem);
	}
}

static struct bl_dom_memory *remember(struct bd_manager *m, const bl_uuid *uuid)
{
	forget_some(m);
	return bl_settings_remember(&m->settings, uuid);
}

/* The base is the largest size it was started with: what it has when it is
 * seen first, unless more is remembered. Somebody else's target is remembered
 * as such. */
void bd_learn(struct bd_manager *m)
{
	for (size_t i = 0; i < m->snap.n_doms; i++) {
		const struct bl_dom *d = &m->snap.doms[i];
		struct bl_dom_memory *mem;

		if (!worth_remembering(d))
			continue;
		mem = bl_settings_find(&m->settings, &d->uuid);
		if (mem && mem->base.n && !(d->flags & BL_DOM_EXTERNAL && !mem->external))
			continue;
		if (!mem)
			mem = remember(m, &d->uuid);
		if (!mem)
			continue; /* memory is out: limits fall back to tot */
		if (!mem->base.n) {
			mem->base = d->has_target ? bl_pages_max(d->tot, d->target) : d->tot;
			mem->dirty = true;
		}
		if (d->flags & BL_DOM_EXTERNAL && !mem->external) {
			mem->external = true;
			mem->dirty = true;
			bd_events_domain(m->cfg.events, "external", d, "");
			bd_manager_remember(m, d, NULL);
		}
	}
}

void bd_learn_start(struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_dom_memory *mem = bl_settings_find(&m->settings, &d->uuid);

	if (mem && worth_remembering(d) && mem->base.n < d->tot.n) {
		mem->base = d->tot;
		mem->dirty = true;
	}
}
