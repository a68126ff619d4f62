/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All domains as they were followed from tick to tick. */
#ifndef BL_CORE_PROGRESS_H
#define BL_CORE_PROGRESS_H

#include "lib/core/track.h"

enum bl_dom_state {
	BL_STATE_STEADY,
	BL_STATE_GROWING,
	BL_STATE_SHRINKING,
	BL_STATE_STUCK,
	BL_STATE_INCAPABLE,
	BL_STATE_BUILDING,
	BL_STATE_PAUSED,
	BL_STATE_MIGRATING,
	BL_STATE_DYING,
	BL_STATE_EXTERNAL,
};
const char *bl_dom_state_name(enum bl_dom_state s);

struct bl_progress {
	struct bl_track *tracks;
	bool started; /* the first snapshot has been taken in */
};

/* Takes a snapshot in: makes tracks for new domains, drops those gone. */
int bl_progress_update(struct bl_progress *p, const struct bl_settings *s, const struct bl_snapshot *snap);
struct bl_track *bl_progress_find(const struct bl_progress *p, uint32_t domid);
/* The same, for going through a host in order: near is the one found before
 * (NULL at first), and what is wanted mostly comes right after it. */
struct bl_track *bl_progress_find_after(const struct bl_progress *p, uint32_t domid,
					const struct bl_track *near);
void bl_progress_free(struct bl_progress *p);

#endif
