/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is learned of a domain from tick to tick: does its balloon follow, how fast, did it
 * get stuck; do pages still flow into what it was granted, or back from its death. */
#ifndef BL_CORE_TRACK_H
#define BL_CORE_TRACK_H

#include <uthash.h>

#include "lib/core/settings.h"

/* Progress is this much nearer to the target within stuck_after (or all the
 * way); less, and a guest that gives a page now and then could hold up a claim
 * for ever. */
#define BL_PROGRESS_PAGES BL_PAGES_PER_MIB

/* The one tolerance: a domain of that size whose pages stand still so near to its target is
 * where its target says. 16 MiB, and no more than a 32nd of its size: the largest error that
 * other hosts' daemons were seen to allow (4 KiB to 16 MiB). */
bl_pages bl_tolerance(bl_pages size);
/* By how much a balloon that is not proven is tried: 40 MiB, and no more than a twelfth of
 * the domain's size. A balloon that moves 2 MiB at a time and ends a tolerance away from its
 * target still gives half of that, which is what proves it. */
bl_pages bl_probe(bl_pages size);

/* Which way a balloon was to move and did not, until its pages move. */
enum bl_stuck { BL_STUCK_GIVING = 1 << 0, BL_STUCK_TAKING = 1 << 1 };

struct bl_track {
	uint32_t domid;
	bl_uuid uuid;
	bl_ms first_seen;
	bool found_at_start;  /* no boot-grace */
	bool proven;	      /* its pages followed a target, or it announced itself */
	bool incapable;	      /* its probe got nothing for boot-grace */
	unsigned stuck;	      /* enum bl_stuck: no progress for stuck_after */
	bool recovered;	      /* the manager's: its pages moved after it had been stuck */
	bool ours;	      /* the manager wrote its target: maxmem follows its pages */
	bl_ms nudged;	      /* the manager's last nudge */
	bl_ms failed;	      /* the manager's: when something could not be done to it last; 0 never */
	bool kept;	      /* the manager's: its memory was claimed for its successor */
	bool told;	      /* the manager's: in an event, that it appeared */
	bool told_stuck;      /* the same, that it is stuck */
	bl_pages tot, target; /* at the last update */
	bl_pages lived_at;    /* its target, else its pages, when it was last seen alive */
	bl_ms asked;	      /* since when it is on its way to its target; NEVER: it rests there */
	bl_ms told_at;	      /* when its target last changed */
	bl_ms still_since;    /* when its pages last changed */
	bool rose;	      /* on its way down its pages went up again */
	bl_pages short_by;    /* how far above a lower target it came to rest */
	bl_pages granted_to;  /* its target, or the hypervisor's limit where that is lower */
	bl_pages flow_mark;   /* its pages when they last flowed as expected: into what it was */
	bl_ms flowed_at;      /* granted, or back from one that dies; or when that began */
	bl_ms dying_since;    /* 0: it lives */
	bl_pages stood;	      /* its pages when they last were where its target said, or turned */
	bl_pages mark;	      /* its pages when it last made progress, or failed to for stuck_after */
	bl_ms marked;	      /* when that was */
	bl_ms moved;	      /* when it last made progress */
	bl_pages trust;	      /* the most it is granted at once: UINT64_MAX, until it left a grant
			       * lying; then a probe, doubled each time it takes all */
	bl_ms no_give_until;  /* it refused to give: not counted on before that */
	uint64_t rate;	      /* pages a second, smoothed; 0 unknown */
	bl_pages demand;      /* from telemetry; 0 none */
	bool fresh;	      /* its telemetry is not stale */
	bool refuses;	      /* its driver said that it stays above its target, and why */
	bl_ms came_round;     /* when its word that it refuses no more was last taken; 0 never */
	bl_pages came_target; /* its target then */
	bool doubted;	      /* it was asked for less since, and refused again */
	enum bl_refusal told_refusal;	     /* the manager's: in an event */
	bl_ms told_refusal_at, told_refused; /* the same: when that was, and when it last refused */
	struct bl_report {		     /* what its reports showed */
		bl_ms at;		     /* the newest; 0 none */
		bl_pages used;
		uint64_t oom_kills;
		bool killed;   /* more than the one before */
		bl_pages more; /* in use than in the one before */
		bl_pages need; /* demand without that */
	} report;
	bl_ms updated;
	UT_hash_handle hh;
};

/* A domain that is seen for the first time; t->hh stays. */
void bl_track_begin(struct bl_track *t, const struct bl_dom *d, bl_ms now, bool at_start);
/* Takes in how d looks now; settings in force: stuck_after, retry_after, boot_grace. */
void bl_track_update(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now);
/* Pages still flow into what it was granted, or back from one that dies: they came within
 * stuck_after. What does not flow counts for nobody. */
bool bl_track_flows(const struct bl_track *t, const struct bl_settings *s, bl_ms now);
/* Still within boot-grace: not rebalanced, not called stuck. */
bool bl_track_booting(const struct bl_track *t, const struct bl_settings *s, bl_ms now);

#endif
