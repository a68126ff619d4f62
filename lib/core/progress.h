/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tracks of all domains. */
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
	bool started; /* there was a snapshot */
};

/* Updates the tracks from a snapshot: makes tracks for new domains, and removes those of domains
 * that are gone. */
int bl_progress_update(struct bl_progress *p, const struct bl_settings *s, const struct bl_snapshot *snap);
struct bl_track *bl_progress_find(const struct bl_progress *p, uint32_t domid);
/* The same in a loop over all domains in order: `near` is the track found last, NULL at first;
 * the wanted one mostly follows it. */
struct bl_track *bl_progress_find_after(const struct bl_progress *p, uint32_t domid,
					const struct bl_track *near);
void bl_progress_free(struct bl_progress *p);

#endif
