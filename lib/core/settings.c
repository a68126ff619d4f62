/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uthash must not end the process when memory runs out. */
#define HASH_NONFATAL_OOM 1
#include "lib/core/settings.h"

#include <stdlib.h>
#include <string.h>

void bl_settings_init(struct bl_settings *s)
{
	*s = (struct bl_settings){
		.reserve = { BL_MIB_PAGES(64), 1 },
		.dom0_min = BL_MIB_PAGES(1024),
		.tick = BL_MS(10000),
		.policy = BL_POLICY_DEMAND,
		.headroom = 20,
		.threshold = BL_MIB_PAGES(16),
		.stuck_after = BL_MS(5000),
		.retry_after = BL_MS(60000),
		.telemetry_stale_after = BL_MS(30000),
		.boot_grace = BL_MS(60000),
		.mode = BL_MODE_AUTO,
		.min = { .is_percent = true, .percent = 100 },
		.min_with_driver = { .is_percent = true, .percent = 50 },
		.weight = BL_WEIGHT_DEFAULT,
		.wait = BL_MS(60000),
		.keep_warm = BL_MS(60000),
		.ttl = BL_MS(600000),
		.max_ttl = BL_MS(86400000),
		.overhead = { BL_MIB_PAGES(8), 1 },
	};
}

void bl_settings_free(struct bl_settings *s)
{
	struct bl_config_domain *c, *c_next;
	struct bl_dom_record *m, *m_next;

	HASH_ITER(hh, s->domains, c, c_next)
	{
		HASH_DEL(s->domains, c);
		free(c);
	}
	HASH_ITER(hh, s->dom_records, m, m_next)
	{
		HASH_DEL(s->dom_records, m);
		free(m);
	}
}

static struct bl_config_domain *config_find(const struct bl_settings *s, const char *key)
{
	struct bl_config_domain *c = NULL;

	if (s->domains)
		HASH_FIND_STR(s->domains, key, c);
	return c;
}

struct bl_config_domain *bl_settings_config(struct bl_settings *s, const char *key)
{
	struct bl_config_domain *c = config_find(s, key);
	bl_uuid uuid;

	if (c || strlen(key) > BL_NAME_MAX)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	memcpy(c->key, key, strlen(key));
	HASH_ADD_STR(s->domains, key, c);
	if (!c->hh.tbl) {
		free(c);
		return NULL;
	}
	s->domains_by_uuid |= bl_uuid_parse(key, &uuid);
	return c;
}

struct bl_dom_record *bl_settings_find(const struct bl_settings *s, const bl_uuid *uuid)
{
	struct bl_dom_record *m = NULL;

	if (s->dom_records)
		HASH_FIND(hh, s->dom_records, uuid, sizeof(*uuid), m);
	return m;
}

struct bl_dom_record *bl_settings_find_after(const struct bl_settings *s, const bl_uuid *uuid,
					     const struct bl_dom_record *near)
{
	struct bl_dom_record *next = near ? near->hh.next : s->dom_records;

	return next && bl_uuid_equal(&next->uuid, uuid) ? next : bl_settings_find(s, uuid);
}

struct bl_dom_record *bl_settings_remember(struct bl_settings *s, const bl_uuid *uuid)
{
	struct bl_dom_record *m = bl_settings_find(s, uuid);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->uuid = *uuid;
	m->persist = true;
	HASH_ADD(hh, s->dom_records, uuid, sizeof(m->uuid), m);
	if (!m->hh.tbl) {
		free(m);
		return NULL;
	}
	return m;
}

void bl_settings_forget(struct bl_settings *s, struct bl_dom_record *m)
{
	HASH_DEL(s->dom_records, m);
	free(m);
}

void bl_settings_move_records(struct bl_settings *to, struct bl_settings *from)
{
	to->dom_records = from->dom_records;
	from->dom_records = NULL;
}

static bl_pages bound_of(struct bl_bound b, bl_pages base)
{
	return b.is_percent ? bl_pages_percent_ceil(base, b.percent) : b.pages;
}

bool bl_override_is_set(const struct bl_override *o)
{
	return o->has_mode || o->has_min || o->has_max || o->has_weight;
}

/* Adds the limits of a weaker source that the stronger ones did not set. */
static void overlay(struct bl_override *o, const struct bl_override *weaker)
{
	if (!o->has_mode && weaker->has_mode)
		o->has_mode = true, o->mode = weaker->mode;
	if (!o->has_max && weaker->has_max)
		o->has_max = true, o->max = weaker->max;
	if (!o->has_weight && weaker->has_weight)
		o->has_weight = true, o->weight = weaker->weight;
}

static struct bl_bound min_bound(const struct bl_settings *s, const struct bl_dom *d,
				 const struct bl_override *set, const struct bl_override *by_uuid,
				 const struct bl_override *by_name, enum bl_limit_source *ret_from)
{
	*ret_from = BL_FROM_SET;
	if (set && set->has_min)
		return set->min;
	*ret_from = BL_FROM_CONFIG;
	if (by_uuid && by_uuid->has_min)
		return by_uuid->min;
	if (by_name && by_name->has_min)
		return by_name->min;
	*ret_from = BL_FROM_DOM0_MIN;
	if (d->flags & BL_DOM_CONTROL)
		return (struct bl_bound){ .pages = s->dom0_min };
	*ret_from = BL_FROM_TOOLSTACK;
	if (d->has_dyn_min)
		return (struct bl_bound){ .pages = d->dyn_min };
	*ret_from = BL_FROM_DRIVER_DEFAULT;
	if (d->flags & BL_DOM_DRIVER)
		return s->min_with_driver;
	*ret_from = BL_FROM_DEFAULT;
	return s->min;
}

struct bl_limits bl_settings_limits(const struct bl_settings *s, const struct bl_dom *d)
{
	return bl_settings_limits_of(s, d, bl_settings_find(s, &d->uuid));
}

struct bl_limits bl_settings_limits_of(const struct bl_settings *s, const struct bl_dom *d,
				       const struct bl_dom_record *m)
{
	const struct bl_config_domain *by_uuid = NULL, *by_name = NULL;
	struct bl_override o = { 0 };
	struct bl_limits l = { .base = d->tot };
	struct bl_bound min;

	if (s->domains && d->name[0])
		by_name = config_find(s, d->name);
	if (s->domains_by_uuid) {
		char key[BL_UUID_STR];

		bl_uuid_format(&d->uuid, key);
		by_uuid = config_find(s, key);
	}
	if (m) {
		o = m->set;
		l.external = m->external;
		if (m->base.n)
			l.base = m->base;
		l.base_from = m->base_from;
	}
	if (by_uuid)
		overlay(&o, &by_uuid->limits);
	if (by_name)
		overlay(&o, &by_name->limits);

	l.mode = o.has_mode ? o.mode : s->mode;
	if (d->flags & BL_DOM_CONTROL && !s->dom0_manage)
		l.mode = BL_MODE_IGNORE;
	l.weight = o.has_weight && o.weight ? o.weight : s->weight;
	l.max = d->static_max.n ? d->static_max : bl_pages_max(l.base, d->tot);
	if (o.has_max)
		l.max = bl_pages_min(l.max, o.max);
	min = min_bound(s, d, m ? &m->set : NULL, by_uuid ? &by_uuid->limits : NULL,
			by_name ? &by_name->limits : NULL, &l.min_from);
	l.min = bl_pages_min(bound_of(min, l.base), l.max);
	return l;
}

const char *bl_mode_name(enum bl_mode m)
{
	switch (m) {
	case BL_MODE_AUTO:
		return "auto";
	case BL_MODE_MANUAL:
		return "manual";
	case BL_MODE_IGNORE:
		return "ignore";
	}
	return "unknown";
}

const char *bl_run_end_name(enum bl_run_end e)
{
	static const char *const names[BL_RUN_ENDS] = {
		[BL_RUN_LIVES] = "lives",     [BL_RUN_REBOOT] = "reboot", [BL_RUN_SAVED] = "saved",
		[BL_RUN_CRASHED] = "crashed", [BL_RUN_OVER] = "over",	  [BL_RUN_UNSEEN] = "unseen",
	};

	return (size_t)e < BL_RUN_ENDS ? names[e] : "unknown";
}

const char *bl_base_from_name(enum bl_base_from f)
{
	static const char *const names[BL_BASE_FROMS] = {
		[BL_BASE_STARTED] = "started",
		[BL_BASE_REBOOTED] = "rebooted",
		[BL_BASE_RESTORED] = "restored",
		[BL_BASE_UNSEEN] = "unseen",
	};

	return (size_t)f < BL_BASE_FROMS ? names[f] : "unknown";
}

const char *bl_limit_source_name(enum bl_limit_source f)
{
	switch (f) {
	case BL_FROM_SET:
		return "balloonctl set";
	case BL_FROM_CONFIG:
		return "its [domain] section";
	case BL_FROM_DOM0_MIN:
		return "[host] dom0-min";
	case BL_FROM_TOOLSTACK:
		return "its toolstack";
	case BL_FROM_DRIVER_DEFAULT:
		return "[defaults] min-with-driver";
	case BL_FROM_DEFAULT:
		return "[defaults] min";
	}
	return "unknown";
}
