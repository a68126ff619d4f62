/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define HASH_NONFATAL_OOM 1
#include "lib/core/progress.h"

#include <errno.h>
#include <stdlib.h>

const char *bl_dom_state_name(enum bl_dom_state s)
{
	static const char *const names[] = {
		[BL_STATE_STEADY] = "steady",	    [BL_STATE_GROWING] = "growing",
		[BL_STATE_SHRINKING] = "shrinking", [BL_STATE_STUCK] = "stuck",
		[BL_STATE_INCAPABLE] = "incapable", [BL_STATE_BUILDING] = "building",
		[BL_STATE_PAUSED] = "paused",	    [BL_STATE_MIGRATING] = "migrating",
		[BL_STATE_DYING] = "dying",	    [BL_STATE_EXTERNAL] = "external",
	};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "unknown";
}

struct bl_track *bl_progress_find(const struct bl_progress *p, uint32_t domid)
{
	struct bl_track *t = NULL;

	if (p->tracks)
		HASH_FIND(hh, p->tracks, &domid, sizeof(domid), t);
	return t;
}

struct bl_track *bl_progress_find_after(const struct bl_progress *p, uint32_t domid,
					const struct bl_track *near)
{
	struct bl_track *next = near ? near->hh.next : p->tracks;

	return next && next->domid == domid ? next : bl_progress_find(p, domid);
}

static struct bl_track *track_get(struct bl_progress *p, const struct bl_dom *d, bl_ms now,
				  const struct bl_track *near)
{
	struct bl_track *t = bl_progress_find_after(p, d->domid, near);

	if (t && bl_uuid_equal(&t->uuid, &d->uuid))
		return t;
	if (t) {
		bl_track_begin(t, d, now, false); /* another domain with the same domid */
		return t;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	bl_track_begin(t, d, now, !p->started);
	HASH_ADD(hh, p->tracks, domid, sizeof(t->domid), t);
	if (!t->hh.tbl) {
		free(t);
		return NULL;
	}
	return t;
}

int bl_progress_update(struct bl_progress *p, const struct bl_settings *s, const struct bl_snapshot *snap)
{
	struct bl_track *t = NULL, *next;
	size_t seen = 0;

	for (size_t i = 0; i < snap->n_doms; i++) {
		const struct bl_dom *d = &snap->doms[i];

		if (d->flags & BL_DOM_HOLDER)
			continue;
		t = track_get(p, d, snap->now, t);
		if (!t)
			return -ENOMEM;
		bl_track_update(t, s, d, snap->now);
		seen++;
	}
	p->started = true;
	if (HASH_COUNT(p->tracks) == seen)
		return 0;
	HASH_ITER(hh, p->tracks, t, next)
	{
		const struct bl_dom *d = bl_snapshot_find(snap, t->domid);

		if (d && !(d->flags & BL_DOM_HOLDER))
			continue;
		HASH_DEL(p->tracks, t);
		free(t);
	}
	return 0;
}

void bl_progress_free(struct bl_progress *p)
{
	struct bl_track *t, *next;

	HASH_ITER(hh, p->tracks, t, next)
	{
		HASH_DEL(p->tracks, t);
		free(t);
	}
	*p = (struct bl_progress){ 0 };
}
