/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the ticks show of a domain: whether its balloon follows the target, how fast, whether
 * the balloon is stuck; whether pages still flow into its grant, or out of a dying domain. */
#ifndef BL_CORE_TRACK_H
#define BL_CORE_TRACK_H

#include <uthash.h>

#include "lib/core/settings.h"

/* Coming this much nearer to the target, or reaching it, within stuck_after is progress. If less
 * counted, a guest that gives a page now and then could hold up a claim for ever. */
#define BL_PROGRESS_PAGES BL_PAGES_PER_MIB

/* A domain whose pages rest this near to its target has reached the target. 16 MiB, at most
 * a 32nd of its size: the daemons of other hosts allow errors of 4 KiB to 16 MiB. */
bl_pages bl_tolerance(bl_pages size);
/* How much an unproven balloon is asked for: 40 MiB, at most a twelfth of the domain's size. A
 * balloon that moves 2 MiB at a time and ends a tolerance away from its target still gives
 * half of the probe, and half is what proves a balloon. */
bl_pages bl_probe(bl_pages size);

/* Which way a balloon should have moved and did not; ends when its pages move. */
enum bl_stuck { BL_STUCK_GIVING = 1 << 0, BL_STUCK_TAKING = 1 << 1 };

struct bl_track {
	uint32_t domid;
	bl_uuid uuid;
	bl_ms first_seen;
	bool found_at_start;  /* so it gets no boot-grace */
	bool proven;	      /* its pages followed a target, or its driver announced itself */
	bool incapable;	      /* its probe brought nothing for boot-grace */
	unsigned stuck;	      /* enum bl_stuck: no progress for stuck_after */
	bool recovered;	      /* the manager's: its pages moved after it was stuck */
	bool ours;	      /* the manager wrote its target: maxmem follows its pages */
	bl_ms nudged;	      /* the manager's last nudge */
	bl_ms failed;	      /* the manager's: time an action on it last failed; 0 never */
	bool kept;	      /* the manager's: its memory was claimed for its successor */
	bool told;	      /* the manager's: an event said that it appeared */
	bool told_stuck;      /* the manager's: an event said that it is stuck */
	bl_pages tot, target; /* at the last update */
	bl_pages lived_at;    /* its target, else its pages, when it was last seen alive */
	bl_ms asked;	      /* time it started towards its target; NEVER: it rests */
	bl_ms told_at;	      /* when its target last changed */
	bl_ms still_since;    /* when its pages last changed */
	bool rose;	      /* its pages went up while its target was below them */
	bl_pages short_by;    /* how far above a lowered target its pages came to rest */
	bl_pages granted_to;  /* its target, or the hypervisor's limit where that is lower */
	bl_pages flow_mark; /* its pages when they last flowed: into its grant, or out of it while it dies */
	bl_ms flowed_at;    /* when that was, or when the grant or the death began */
	bl_ms dying_since;  /* 0: it lives */
	bl_pages rest_pages;	      /* its pages when they last rested at its target, or turned */
	bl_pages progress_mark;	      /* its pages when it last made progress, or was found stuck */
	bl_ms progress_marked_at;     /* when that was */
	bl_ms moved;		      /* when it last made progress */
	bl_pages trust;		      /* the most it is granted at once; small after an unused grant */
	bl_ms no_give_until;	      /* it refused to give: nobody counts on it before then */
	uint64_t rate;		      /* pages a second, smoothed; 0 unknown */
	bl_pages demand;	      /* from telemetry; 0 none */
	bool fresh;		      /* its telemetry is not stale */
	bool refuses;		      /* its driver says that it stays above its target */
	bl_ms recovered_at;	      /* time the refusal was last considered withdrawn; 0 never */
	bl_pages recovered_target;    /* its target then */
	bool recovery_distrusted;     /* it refused again as soon as its target was lowered */
	enum bl_refusal told_refusal; /* the manager's: of the last event */
	bl_ms told_refusal_at, told_refused; /* the manager's: time of that event, and of the last refusal */
	struct bl_report {		     /* what its reports showed */
		bl_ms at;		     /* the newest; 0 none */
		bl_pages used;
		uint64_t oom_kills;
		bool killed;   /* more than in the report before */
		bl_pages more; /* pages in use than in the report before */
		bl_pages need; /* demand without `more` */
	} report;
	bl_ms updated;
	UT_hash_handle hh;
};

/* Starts tracking a new domain; t->hh stays. */
void bl_track_begin(struct bl_track *t, const struct bl_dom *d, bl_ms now, bool at_start);
/* Updates t from d as the snapshot at `now` shows it. */
void bl_track_update(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now);
/* Pages flowed into its grant, or out of the dying domain, within stuck_after. Plans count on
 * nothing that does not flow. */
bool bl_track_flows(const struct bl_track *t, const struct bl_settings *s, bl_ms now);
/* Within boot-grace a domain is neither rebalanced nor called stuck. */
bool bl_track_booting(const struct bl_track *t, const struct bl_settings *s, bl_ms now);

#endif
