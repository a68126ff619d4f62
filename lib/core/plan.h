/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what is to what to do: one tick's list of actions, and what status and
 * explain say of each domain. Pure: no clock, no I/O. */
#ifndef BL_CORE_PLAN_H
#define BL_CORE_PLAN_H

#include "lib/core/ledger.h"
#include "lib/core/policy.h"
#include "lib/core/progress.h"

enum bl_action_kind {
	BL_ACT_MAXMEM, /* set the hypervisor's limit of domid to pages */
	BL_ACT_TARGET, /* tell domid to have pages */
	BL_ACT_NUDGE,  /* wake a driver that gave up: write pages - 1, then pages */
	BL_ACT_STAKE,  /* make the holder of `claim` and claim pages for it */
};

/* Why; bl_reason_text() turns it into a sentence. */
enum bl_why {
	BL_WHY_NONE,
	BL_WHY_CLAIM,	  /* room for a claim */
	BL_WHY_DEMAND,	  /* another guest needs it more / this one needs it */
	BL_WHY_SURPLUS,	  /* what is left over is given out */
	BL_WHY_LIMITS,	  /* its own min or max */
	BL_WHY_PROBE,	  /* to see whether a balloon answers */
	BL_WHY_FOLLOW,	  /* maxmem follows pages down */
	BL_WHY_RETRY,	  /* a driver that gave up */
	BL_WHY_WITHDRAWN, /* a grant that was not taken */
	BL_WHY_HAND,	  /* set by hand */
};

struct bl_action {
	enum bl_action_kind kind;
	enum bl_why why;
	uint32_t domid; /* not for STAKE */
	bl_pages pages;
	struct bl_claim *claim; /* STAKE */
};

/* One domain in the eyes of the last plan; same order as the snapshot. */
struct bl_view {
	const struct bl_dom *dom;
	struct bl_track *track; /* NULL for holders */
	struct bl_limits limits;
	enum bl_dom_state state;
	bool usable;	  /* its balloon: it has a target that its pages may follow */
	bool managed;	  /* balloond may move it now */
	bl_pages granted; /* and not yet taken, or still to come to one that is built */
	bl_pages growing; /* of that what is kept for it: all while pages flow, else nothing */
	bool flows;	  /* pages come, of its grant or of its death: bl_track_flows */
	bl_pages have;	  /* tot + growing */
	/* No claim takes it below: max(min, fresh used, its driver's own min), and
	 * while that refuses for want of memory what it has; at most have. */
	bl_pages floor;
	bl_pages givable_if_responsive; /* what it could give if it followed and did not refuse */
	bool silent;			/* does not follow, or refuses: not counted on */
	bl_pages givable;		/* have - floor where it may be counted on */
	bl_pages demand;
	bl_pages goal;	 /* what it should have in the end; have when not managed */
	enum bl_why why; /* why goal differs from have */
};

struct bl_plan {
	struct bl_action *actions; /* in the order to be done */
	size_t n_actions, cap_actions;
	struct bl_view *views;
	size_t n_views, cap_views;
	/* host sums */
	bl_pages reserve;
	bl_pages promised; /* by the ledger, not backed by a claim */
	bl_pages growing;
	int64_t balance;      /* pages: free - outstanding - promised - growing - reserve */
	bl_pages available;   /* balance, never below 0 */
	bl_pages warm;	      /* of that what no guest gets that does not need it */
	bl_ms warm_until;     /* how long that is so */
	bl_pages reclaimable; /* what guests could give, unproven ones included */
	bl_pages coming;      /* what comes back of domains that die, for no successor */
	bl_pages claims;      /* what live claims keep, staked or promised */
	bool moving;	      /* something is under way: tick fast */
	bool waiting;	      /* something waits for time alone: tick every second */
	bool pressure;	      /* a guest reports pressure */
	struct bl_plan_scratch *scratch;
};

struct bl_plan_in {
	const struct bl_settings *settings;
	const struct bl_snapshot *snap;
	struct bl_progress *progress; /* already updated with snap */
	struct bl_ledger *ledger;     /* holder and staked are written */
	bool paused;		      /* no guest is touched; claims with room are staked */
	/* What a claim freed and then could not wait for: for that long it is for
	 * other claims and for guests that need it. */
	bl_pages warm;
	bl_ms warm_until;
};

/* Fills *plan; allocates only when it has to grow. Pointers in it are valid
 * until snap, ledger or progress change. -ENOMEM: *plan has no action. */
int bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in);
void bl_plan_free(struct bl_plan *plan);
/* What its driver keeps by a min of its own; a lie keeps what it has and no more.
 * 0: it has not said, or not lately. */
bl_pages bl_view_own_min(const struct bl_view *v);
/* What it needs, as far as anybody knows: its min, and by a fresh report what it
 * uses and wants. Its base and its max are no need. */
bl_pages bl_view_need(const struct bl_view *v);
/* What of in->warm is warm still, of what is available in plan. */
bl_pages bl_plan_warm(const struct bl_plan *plan, const struct bl_plan_in *in);
const struct bl_view *bl_plan_view(const struct bl_plan *plan, uint32_t domid);

/* What a claim of that much would meet, against the last plan. */
enum bl_verdict {
	BL_FITS_NOW,	 /* from what is available */
	BL_FITS_RECLAIM, /* once balloons have moved, and what is dying has gone */
	BL_FITS_LATER,	 /* only when something ends that may: other claims, a guest's use */
	BL_FITS_NEVER,	 /* not even with every claim gone and every guest at its min */
};
/* What keeps memory from a claim, as bits. Where one that is named goes away, the claim
 * fits (rule 10 of the core). */
enum bl_blocker {
	BL_BLOCK_DYING = 1 << 0,  /* domains that die and give nothing back any more */
	BL_BLOCK_SILENT = 1 << 1, /* guests that do not follow, or whose driver refuses */
	BL_BLOCK_AWAY = 1 << 2,	  /* guests that are paused, migrating or being built */
	BL_BLOCK_GROWTH = 1 << 3, /* grants by others that are still being taken */
	BL_BLOCK_CLAIMS = 1 << 4, /* other claims */
	BL_BLOCK_USE = 1 << 5,	  /* what guests use */
	/* of a claim that can never be met: */
	BL_BLOCK_NO_BALLOON = 1 << 6, /* guests whose balloon does not answer */
	BL_BLOCK_LEFT_ALONE = 1 << 7, /* guests that balloond is to leave alone */
	BL_BLOCK_OWN_MIN = 1 << 8,    /* the min that a guest's own driver keeps */
	BL_BLOCK_MIN = 1 << 9,	      /* the guests' min */
	BL_BLOCK_RESERVE = 1 << 10,   /* the host's reserve */
};
#define BL_BLOCK_PASSING (BL_BLOCK_NO_BALLOON - 1) /* those that pass of themselves */
#define BL_BLOCKERS 11
/* "dying", "silent", ... of one bit. */
const char *bl_blocker_name(enum bl_blocker b);
#define BL_BLOCK_ALL ((1U << BL_BLOCKERS) - 1)

struct bl_admission {
	enum bl_verdict verdict;
	bl_pages need; /* size + overhead */
	bl_pages available, reclaimable;
	bl_pages claims;	   /* what other claims keep */
	bl_pages most;		   /* the most that size + overhead could ever be here */
	bl_pages lacks;		   /* how much less there is than it needs, balloons included */
	unsigned blockers;	   /* LATER, NEVER: the fewest that make it fit; 0: nothing would */
	const struct bl_claim *of; /* the claim that asks; NULL: one that is not in the ledger */
	uint32_t builds;	   /* the domain that it is for; BL_DOMID_NONE: not yet there */
};
/* What v would give to a claim if those blockers were gone. */
bl_pages bl_view_gives_without(const struct bl_view *v, unsigned gone);
/* builds: the domain that the claim is for, where that is being built: what it has, and
 * what the plan counts as its growth, is part of size. NULL: none. */
void bl_plan_admit(const struct bl_plan *plan, bl_pages size, bl_pages overhead, const struct bl_dom *builds,
		   struct bl_admission *ret);
/* The same of a claim that waits in the ledger the plan was made from: what is
 * promised to it counts as available to it. */
void bl_plan_admit_again(const struct bl_plan *plan, const struct bl_snapshot *snap,
			 const struct bl_claim *c, struct bl_admission *ret);

/* How long until claim c has its room at the rates its givers showed;
 * BL_MS_NEVER: unknown, or it waits for something else than balloons. */
bl_ms bl_plan_eta(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);

#endif
