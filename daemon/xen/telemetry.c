/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/telemetry.h"

#include <string.h>

/* How often to try to read a report that was not there. */
#define RETRY_EVERY BL_MS(30000)
#define RETRY_JITTER 10000
/* A value that changed this long after the domain came to rest was written at rest: values are
 * read at ticks, by default at most ten seconds apart. */
#define AT_REST BL_MS(11000)

bool bd_xen_tele_due(struct bd_xen_tele *t, enum bd_xen_tele_source s, bl_ms now, uint64_t jitter)
{
	struct bd_xen_tele_value *v = &t->values[s];

	if (v->asked && !v->present && now.n < v->next.n)
		return false;
	v->next = bl_ms_add(now, BL_MS(RETRY_EVERY.n + jitter % RETRY_JITTER));
	return true;
}

static bool parse(enum bd_xen_tele_source s, const char *text, size_t len, struct bd_xen_tele_value *v)
{
	if (s == BD_XEN_TELE_STAT)
		return bl_telemetry_parse_stat(text, len, &v->stat);
	return bl_telemetry_parse_kib(text, len, &v->kib);
}

static bool has_same_values(const struct bd_xen_tele_value *a, const struct bd_xen_tele_value *b)
{
	return a->kib.n == b->kib.n && a->stat.seq == b->stat.seq && a->stat.used.n == b->stat.used.n &&
	       a->stat.available.n == b->stat.available.n && a->stat.pressure == b->stat.pressure &&
	       a->stat.state == b->stat.state && a->stat.reason == b->stat.reason &&
	       a->stat.oom == b->stat.oom;
}

bool bd_xen_tele_take(struct bd_xen_tele *t, enum bd_xen_tele_source s, const char *text, size_t len,
		      bl_ms now)
{
	struct bd_xen_tele_value *v = &t->values[s], new = *v;
	bool appeared = v->asked && !v->present;

	v->asked = true;
	if (!text || !parse(s, text, len, &new)) {
		v->present = false;
		return !text;
	}
	if (appeared || (v->present && !has_same_values(v, &new)))
		new.at = now;
	new.asked = new.present = true;
	*v = new;
	return true;
}

static bool has_changed(const struct bd_xen_tele_value *v)
{
	return v->present && v->at.n;
}

static bl_pages pages(bl_kib k)
{
	return bl_pages_from_kib_ceil(k);
}

/* From total and free of /proc/meminfo. A kernel's total lacks the memory that the kernel keeps
 * for itself from the start; seen at rest, that is the rest of the domain's pages. */
static void from_meminfo_pair(struct bd_xen_tele *t, bl_pages tot, bl_ms still_since,
			      struct bl_telemetry *ret)
{
	const struct bd_xen_tele_value *total = &t->values[BD_XEN_TELE_TOTAL];
	const struct bd_xen_tele_value *avail = &t->values[BD_XEN_TELE_FREE];
	bl_ms at = total->at.n > avail->at.n ? total->at : avail->at;
	bl_pages now = bl_pages_sub(tot, pages(total->kib)), overhead;

	if (at.n > bl_ms_add(still_since, AT_REST).n) {
		t->has_overhead = true;
		t->overhead = now;
	}
	overhead = t->has_overhead ? t->overhead : now;
	*ret = (struct bl_telemetry){
		.present = true,
		.at = at,
		.used = bl_pages_add(bl_pages_sub(pages(total->kib), pages(avail->kib)), overhead),
		.available = pages(avail->kib),
	};
}

static enum bl_refusal refusal_of(const struct bl_telemetry_stat *s)
{
	if (s->state != BL_STAT_REFUSES)
		return BL_REFUSES_NOT;
	switch (s->reason) {
	case BL_STAT_BELOW_MIN:
		return BL_REFUSES_MIN;
	case BL_STAT_IN_NEED:
		return BL_REFUSES_PRESSURE;
	case BL_STAT_NO_PAGES:
		return BL_REFUSES_NO_PAGES;
	default:
		return BL_REFUSES_NOT;
	}
}

static struct bl_telemetry from_driver(const struct bd_xen_tele_value *v, const struct bd_xen_offset *o)
{
	const struct bl_telemetry_stat *s = &v->stat;

	return (struct bl_telemetry){
		.present = true,
		.at = v->at,
		.used = pages(s->used),
		.available = pages(s->available),
		.pressure = s->pressure,
		.has_min = s->has & BL_STAT_MIN && o->known,
		.has_max = s->has & BL_STAT_MAX && o->known,
		.has_swap = s->has & BL_STAT_SWAP,
		.has_pressure_full = s->has & BL_STAT_PRESSURE_FULL,
		.has_oom_kills = s->has & BL_STAT_OOM,
		.starved = s->state == BL_STAT_GROWS && s->reason == BL_STAT_HOST_FULL,
		.refusal = refusal_of(s),
		.min = bd_xen_offset_add(o, pages(s->min)),
		.max = bd_xen_offset_add(o, bl_pages_from_kib_floor(s->max)),
		.swap = pages(s->swap),
		.pressure_full = s->pressure_full,
		.oom_kills = s->oom,
	};
}

bool bd_xen_tele_get(struct bd_xen_tele *t, bl_pages tot, bl_pages most, bl_ms still_since,
		     const struct bd_xen_offset *o, struct bl_telemetry *ret, bool *ret_driver)
{
	const struct bd_xen_tele_value *v = t->values;
	struct bl_telemetry tele = { 0 };
	bool driver = false;

	if (has_changed(&v[BD_XEN_TELE_STAT])) {
		driver = true;
		tele = from_driver(&v[BD_XEN_TELE_STAT], o);
	} else if (v[BD_XEN_TELE_TOTAL].present && v[BD_XEN_TELE_FREE].present &&
		   (has_changed(&v[BD_XEN_TELE_TOTAL]) || has_changed(&v[BD_XEN_TELE_FREE]))) {
		if (v[BD_XEN_TELE_FREE].kib.n > v[BD_XEN_TELE_TOTAL].kib.n)
			return false;
		from_meminfo_pair(t, tot, still_since, &tele);
	} else if (has_changed(&v[BD_XEN_TELE_USED])) {
		tele = (struct bl_telemetry){
			.present = true,
			.at = v[BD_XEN_TELE_USED].at,
			.used = pages(v[BD_XEN_TELE_USED].kib),
		};
		tele.available = bl_pages_sub(tot, tele.used);
	}
	if (tele.used.n > most.n || tele.available.n > most.n)
		return false;
	*ret = tele;
	*ret_driver = driver;
	return true;
}
