/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/offset.h"

void bd_xen_offset_fix(struct bd_xen_offset *o)
{
	*o = (struct bd_xen_offset){ .known = true };
}

static void learn(struct bd_xen_offset *o, int64_t value, bl_pages target)
{
	/* Until somebody asked the guest to move, its pages are what its target means. */
	if (!o->known || !o->moved || value == o->value) {
		o->known = true;
		o->value = value;
		o->other_seen = false;
		return;
	}
	if (o->other_seen && o->other == value && o->other_target.n != target.n) {
		o->value = value;
		o->other_seen = false;
		return;
	}
	if (!o->other_seen || o->other != value) {
		o->other_seen = true;
		o->other = value;
		o->other_target = target;
	}
}

void bd_xen_offset_observe(struct bd_xen_offset *o, bl_pages tot, bl_pages target, bl_pages videoram,
			   bool untouched, bl_ms now)
{
	bl_pages most = bl_pages_add(videoram, BD_XEN_OFFSET_SPARE);
	bl_ms still;

	if (!o->seen) {
		o->seen = true;
		o->first = now;
		o->moved = !untouched;
	} else if (o->target.n != target.n) {
		o->moved = true;
	}
	if (o->since.n == 0 || o->tot.n != tot.n || o->target.n != target.n) {
		o->tot = tot;
		o->target = target;
		o->since = now;
		return;
	}
	still = o->moved ? BD_XEN_OFFSET_STILL_MOVED : BD_XEN_OFFSET_STILL;
	if (bl_ms_since(now, o->since).n < still.n)
		return;
	if (bl_pages_sub(tot, target).n > most.n || bl_pages_sub(target, tot).n > BD_XEN_OFFSET_HOLE.n)
		return;
	/* The checks above keep the difference small. */
	learn(o, (int64_t)(tot.n - target.n), target);
}

static bl_pages shift(bl_pages p, int64_t by)
{
	return by < 0 ? bl_pages_sub(p, BL_PAGES(-by)) : bl_pages_add(p, BL_PAGES(by));
}

bl_pages bd_xen_offset_add(const struct bd_xen_offset *o, bl_pages target)
{
	return shift(target, o->value);
}

bl_pages bd_xen_offset_sub(const struct bd_xen_offset *o, bl_pages tot)
{
	return shift(tot, -o->value);
}

bool bd_xen_offset_soon(const struct bd_xen_offset *o, bl_ms now)
{
	return o->seen && !o->known && bl_ms_since(now, o->first).n < BD_XEN_OFFSET_SOON.n;
}
