/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a plan of a snapshot: the list of a tick's actions, and what status and explain say of
 * each domain. Pure: no clock, no I/O. */
#ifndef BL_CORE_PLAN_H
#define BL_CORE_PLAN_H

#include "lib/core/ledger.h"
#include "lib/core/policy.h"
#include "lib/core/progress.h"

enum bl_action_kind {
	BL_ACT_MAXMEM, /* set the hypervisor's limit of domid to pages */
	BL_ACT_TARGET, /* set the target of domid to pages */
	BL_ACT_NUDGE,  /* wake a driver that gave up: write pages - 1, then pages */
	BL_ACT_STAKE,  /* stake `claim` with that many pages */
};

/* Why an action is done; bl_reason_text() makes a sentence of it. */
enum bl_why {
	BL_WHY_NONE,
	BL_WHY_CLAIM,	  /* room for a claim */
	BL_WHY_DEMAND,	  /* this guest, or another, needs memory */
	BL_WHY_SURPLUS,	  /* spare memory is given out */
	BL_WHY_LIMITS,	  /* its own min or max */
	BL_WHY_PROBE,	  /* finds out whether a balloon answers */
	BL_WHY_FOLLOW,	  /* maxmem follows the pages down */
	BL_WHY_RETRY,	  /* wakes a driver that gave up */
	BL_WHY_WITHDRAWN, /* a grant was not used */
	BL_WHY_HAND,	  /* set by an administrator */
};

struct bl_action {
	enum bl_action_kind kind;
	enum bl_why why;
	uint32_t domid; /* not for STAKE */
	bl_pages pages;
	struct bl_claim *claim; /* STAKE */
};

/* A domain as the plan sees it, in the order of the snapshot. */
struct bl_view {
	const struct bl_dom *dom;
	struct bl_track *track; /* NULL for holders */
	struct bl_limits limits;
	enum bl_dom_state state;
	bool usable;	  /* its balloon works: it has a target that its pages may follow */
	bool managed;	  /* balloond may move it now */
	bl_pages granted; /* granted and not taken yet; or still to come, while it is built */
	bl_pages growing; /* kept for it: all of granted while its pages flow, otherwise nothing */
	bool flows;	  /* pages flow into its grant, or out of it while it dies */
	bl_pages have;	  /* tot + growing */
	/* No claim takes the guest below this: max(min, fresh used, its driver's own min), or all
	 * that the guest has while its driver refuses for want of memory; at most have. */
	bl_pages floor;
	bl_pages givable_if_responsive; /* what it could give if it followed and did not refuse */
	bool silent;			/* does not follow, or refuses: nobody counts on it */
	bl_pages givable;		/* what it gives to a claim now; little or nothing if silent */
	bl_pages demand;
	bl_pages goal;	 /* what it should have in the end; have if not managed */
	enum bl_why why; /* why goal differs from have */
};

struct bl_plan {
	struct bl_action *actions; /* in the order in which they are done */
	size_t n_actions, cap_actions;
	struct bl_view *views;
	size_t n_views, cap_views;
	/* sums over the host */
	bl_pages reserve;
	bl_pages promised; /* to claims, and not backed by staked pages */
	bl_pages growing;
	int64_t balance;      /* pages: free - outstanding - promised - growing - reserve */
	bl_pages available;   /* balance, never below 0 */
	bl_pages warm;	      /* the part of available that only guests in need may get */
	bl_ms warm_until;     /* end of that */
	bl_pages reclaimable; /* what guests could give, including unproven ones */
	bl_pages coming;      /* what dying domains give back, without those that reboot */
	bl_pages claims;      /* staked for live claims, or promised to them */
	bool moving;	      /* something moves: tick fast */
	bool waiting;	      /* something waits for time to pass: tick every second */
	bool pressure;	      /* a guest reports pressure */
	struct bl_plan_scratch *scratch;
};

struct bl_plan_in {
	const struct bl_settings *settings;
	const struct bl_snapshot *snap;
	struct bl_progress *progress; /* already updated with snap */
	struct bl_ledger *ledger;     /* holder and staked are written */
	bool paused;		      /* no guest is moved; claims that have room are still staked */
	/* Memory that was freed for a claim whose wait ended: until warm_until it is kept for
	 * other claims and for guests in need. */
	bl_pages warm;
	bl_ms warm_until;
};

/* Fills *plan; allocates only to grow. Pointers in *plan are valid until snap, ledger or progress
 * change. -ENOMEM: *plan has no actions. */
int bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in);
void bl_plan_free(struct bl_plan *plan);
/* The min that the guest's driver keeps by itself, at most what the guest has, since the report
 * may be a lie. 0: none was reported lately. */
bl_pages bl_view_own_min(const struct bl_view *v);
/* What the guest is known to need: its min, and what a fresh report says that it uses and wants.
 * Its base and its max are no needs. */
bl_pages bl_view_need(const struct bl_view *v);
/* How much of in->warm is still kept, at most what is available. */
bl_pages bl_plan_warm(const struct bl_plan *plan, const struct bl_plan_in *in);
const struct bl_view *bl_plan_view(const struct bl_plan *plan, uint32_t domid);

/* What would come of a claim, by the last plan. */
enum bl_verdict {
	BL_FITS_NOW,	 /* what is available is enough */
	BL_FITS_RECLAIM, /* enough once balloons have moved, and dying domains are gone */
	BL_FITS_LATER,	 /* only if something ends that may end: other claims, a guest's use */
	BL_FITS_NEVER,	 /* not even with no other claim, and every guest at its min */
};
/* What keeps memory from a claim, as bits. The claim fits once the blockers that are named are
 * gone (rule 10 of the core). */
enum bl_blocker {
	BL_BLOCK_DYING = 1 << 0,  /* dying domains whose pages do not come back */
	BL_BLOCK_SILENT = 1 << 1, /* guests that do not follow, or whose driver refuses */
	BL_BLOCK_AWAY = 1 << 2,	  /* guests that are paused, migrating or being built */
	BL_BLOCK_GROWTH = 1 << 3, /* grants by others that are still being taken */
	BL_BLOCK_CLAIMS = 1 << 4, /* other claims */
	BL_BLOCK_USE = 1 << 5,	  /* memory that guests use */
	/* for claims that can never be met: */
	BL_BLOCK_NO_BALLOON = 1 << 6, /* guests whose balloon does not answer */
	BL_BLOCK_LEFT_ALONE = 1 << 7, /* guests that balloond has to leave alone */
	BL_BLOCK_OWN_MIN = 1 << 8,    /* the min that a guest's own driver keeps */
	BL_BLOCK_MIN = 1 << 9,	      /* the guests' min */
	BL_BLOCK_RESERVE = 1 << 10,   /* the host's reserve */
};
#define BL_BLOCK_PASSING (BL_BLOCK_NO_BALLOON - 1) /* those that may end by themselves */
#define BL_BLOCKERS 11
/* The name of one bit: "dying", "silent", ... */
const char *bl_blocker_name(enum bl_blocker b);
#define BL_BLOCK_ALL ((1U << BL_BLOCKERS) - 1)

struct bl_admission {
	enum bl_verdict verdict;
	bl_pages need; /* size + overhead */
	bl_pages available, reclaimable;
	bl_pages claims;	   /* what other claims keep */
	bl_pages most;		   /* the most that size + overhead can ever be on this host */
	bl_pages lacks;		   /* how much is missing, even with all that balloons give */
	unsigned blockers;	   /* LATER, NEVER: the fewest that must be gone; 0: nothing would help */
	const struct bl_claim *of; /* the claim in the ledger; NULL: a claim that is not there */
	uint32_t builds;	   /* the domain that the claim is for; BL_DOMID_NONE: not there yet */
};
/* What v would give to a claim if the blockers in `gone` were gone. */
bl_pages bl_view_gives_without(const struct bl_view *v, unsigned gone);
/* builds: the domain that the claim is for while it is being built: what it has, and its growth
 * in the plan, is part of size. NULL: none. */
void bl_plan_admit(const struct bl_plan *plan, bl_pages size, bl_pages overhead, const struct bl_dom *builds,
		   struct bl_admission *ret);
/* The same for a waiting claim in the ledger of the plan: what is promised to the claim counts as
 * available to it. */
void bl_plan_admit_again(const struct bl_plan *plan, const struct bl_snapshot *snap,
			 const struct bl_claim *c, struct bl_admission *ret);

/* How long until claim c has its room, at the rates that guests have shown; BL_MS_NEVER: unknown,
 * or the claim waits for more than balloons. */
bl_ms bl_plan_eta(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);

#endif
