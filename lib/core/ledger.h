/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The promises: claims, in the order they were asked for. What the hypervisor
 * already keeps for a claim is read from the snapshot every tick (`staked`),
 * never remembered. */
#ifndef BL_CORE_LEDGER_H
#define BL_CORE_LEDGER_H

#include "lib/core/err.h"
#include "lib/core/snapshot.h"

enum bl_claim_state {
	BL_CLAIM_RECLAIMING, /* room is being made */
	BL_CLAIM_HELD,	     /* staked in the hypervisor: in its pool, or by a holder */
	BL_CLAIM_BUILDING,   /* moved to the domain being built */
	/* ended: */
	BL_CLAIM_DONE,
	BL_CLAIM_FAILED,
	BL_CLAIM_EXPIRED,
	BL_CLAIM_RELEASED,
};

#define BL_CLAIM_REASON_MAX 1024

struct bl_claim {
	bl_uuid id;
	/* Handle of the holder domain to come: BL_HOLDER_PREFIX and random bytes,
	 * fixed before the holder is made so that a restart finds it again. */
	bl_uuid handle;
	enum bl_claim_state state;
	/* An ended state: the claim is being given back and is to end like that, as soon as
	 * the hypervisor and the disk let it; reason says why. RECLAIMING: it goes on. */
	enum bl_claim_state ends;
	/* the manager's, of its record: */
	uint64_t record; /* number of what was written last, or is being written */
	bool unsaved;	 /* there was no memory to write it: tried again at every tick */
	bool recorded;	 /* some record of it was written */
	unsigned then;	 /* what is done once it is written; 0 nothing */
	bool end_begun;	 /* it says how the claim ends, or is removed */
	bool dropped;	 /* it is removed, and not written again */
	bool end_said;	 /* that the end was tried in vain */
	/* Its record is a newer balloond's: it keeps its place and what it holds, and is
	 * not touched. */
	bool foreign;
	int end_errnum; /* with `ends`: the error of which reason is the text; 0 none */
	enum bl_err_id end_id;
	char name[BL_NAME_MAX + 1]; /* of the domain to come; "" none */
	bool has_uuid;
	bl_uuid uuid;	       /* of the domain to come */
	bl_pages size;	       /* asked for; once held: what is held */
	bl_pages min;	       /* the least that will do; equals size unless --min */
	bl_pages overhead;     /* stays unclaimed, in `promised`, until built */
	int node;	       /* -1: any */
	bool queue;	       /* --wait or --no-wait given: may wait for other claims to end */
	bl_ms created;	       /* host clock */
	uint64_t created_wall; /* seconds since 1970, for people */
	bl_ms wait_until;      /* withdrawn when still reclaiming then; BL_MS_NEVER: --no-wait */
	bl_ms patience; /* how long it waits without progress, which moves wait_until; 0: that is fixed */
	bl_ms ttl;	/* length of the lease, runs from held */
	bl_ms expires;	/* end of the lease; BL_MS_NEVER while it does not run */
	/* The domain being built that it is for, and then size is what that is to
	 * have in all; BL_DOMID_NONE: none yet. Set while BUILDING, and while room
	 * is made for one whose builder waits. */
	uint32_t domid;
	/* For the successor of one that reboots: ahead of all others. */
	bool reboot;
	uint32_t after;	 /* that one while it is there: its pages come back; else 0 */
	bool hooked;	 /* whoever builds for it will ask for it */
	bool by_handoff; /* made for a build that asked for it, and ends with that */
	bool let_go;	 /* BUILDING: its builder does not know of it and stakes for itself */
	/* What was put into the hypervisor's pool for it. The pool is one number a
	 * node: whose pages it has is told by these alone, so they are remembered. */
	bl_pages pooled;
	/* from the snapshot, each tick: */
	uint32_t holder;  /* BL_DOMID_NONE: none; BL_DOMID_POOL: it stands in the pool */
	bl_pages in_pool; /* its part of what the pool has; pooled, unless that is less */
	bl_pages staked;  /* that, or outstanding on the holder; and outstanding on domid */
	/* while reclaiming, by bl_wait_update: */
	bl_ms progressed; /* when it last made progress or began to wait; 0: not looked at yet */
	bl_pages lacks;	  /* what it lacked at the last look, with those ahead of it */
	bl_pages least;	  /* the same when it last made progress */
	/* for people, by the manager: */
	bl_ms eta; /* from now; BL_MS_NEVER unknown */
	char reason[BL_CLAIM_REASON_MAX];
	bool untold;	  /* that it was let go */
	bl_pages arrived; /* what domid had when its build, or after its end, was last seen
			   * to get on */
	bl_ms arrived_at;
};

#define BL_DOMID_NONE UINT32_C(0xffffffff)
#define BL_DOMID_POOL UINT32_C(0xfffffffe) /* no domain */

/* The first six bytes of every holder's handle. A domain without them is
 * never destroyed. */
#define BL_HOLDER_PREFIX "\xba\x11\x00\x2d\xc1\xa1"
#define BL_HOLDER_PREFIX_LEN 6
bool bl_handle_is_ours(const bl_uuid *handle);

/* What an empty domain costs the hypervisor (measured on 4.17 and the same in
 * the simulator); it comes out of the claim's overhead, which is never less. */
#define BL_HOLDER_PAGES BL_PAGES(14)

/* Live claims only, oldest first. */
struct bl_ledger {
	struct bl_claim **claims; /* owned */
	size_t n, cap;
};

/* Takes ownership of nothing: copies *c to the end, one for a reboot to the end
 * of those. NULL: out of memory. */
struct bl_claim *bl_ledger_add(struct bl_ledger *l, const struct bl_claim *c);
struct bl_claim *bl_ledger_find(const struct bl_ledger *l, const bl_uuid *id);
struct bl_claim *bl_ledger_by_handle(const struct bl_ledger *l, const bl_uuid *handle);
/* The one that is for that domain already. */
struct bl_claim *bl_ledger_by_domid(const struct bl_ledger *l, uint32_t domid);
/* The oldest that names this domain, by its UUID before by its name, is for
 * none yet and does not end. */
struct bl_claim *bl_ledger_named(const struct bl_ledger *l, const struct bl_dom *d);
/* Frees it; c must be in the ledger. */
void bl_ledger_remove(struct bl_ledger *l, struct bl_claim *c);
void bl_ledger_free(struct bl_ledger *l);

/* Sets holder, in_pool and staked of every claim from what the snapshot shows.
 * Where the pool is short the last in the ledger go short; those that are being
 * moved to a domain come behind all others, and want only what that lacks: it may
 * have left the pool already. */
void bl_ledger_match(struct bl_ledger *l, const struct bl_snapshot *s);
/* What was put into the pool on that node, or with -1 on none, for all claims. */
bl_pages bl_ledger_pooled(const struct bl_ledger *l, int node);

/* What this claim keeps from others beyond what the hypervisor keeps for it; 0 of
 * one that ends and has nothing there.
 * RECLAIMING: size + overhead - staked; HELD: overhead (and what is not staked);
 * with a holder its own pages are taken from the overhead already; with a domid
 * what that has is covered as well, and what `after` has yet to give back. */
bl_pages bl_claim_promised(const struct bl_claim *c, const struct bl_snapshot *s);

bool bl_claim_live(const struct bl_claim *c);
bool bl_claim_ends(const struct bl_claim *c); /* it is being given back */
const char *bl_claim_state_name(enum bl_claim_state s);
bool bl_claim_state_parse(const char *name, enum bl_claim_state *ret);

#endif
