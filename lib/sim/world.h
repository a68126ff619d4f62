/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For lib/sim alone: the layout of a world, and the handle on one. */
#ifndef BL_SIM_WORLD_H
#define BL_SIM_WORLD_H

#include "lib/sim/sim.h"

/* changes with the layout */
#define BL_SIM_MAGIC "balloond-world4"

enum bl_sim_phase {
	BL_SIM_FREE = 0, /* the slot has no domain */
	BL_SIM_PENDING,	 /* will appear; has no domain yet */
	BL_SIM_EMPTY,	 /* made by a bare hypercall */
	BL_SIM_BUILDING, /* its toolstack populates it */
	BL_SIM_RUNNING,
	BL_SIM_DYING,
	BL_SIM_PHASES
};

enum bl_sim_manner {
	BL_SIM_NORMAL,
	BL_SIM_STUCK,	  /* its driver does nothing */
	BL_SIM_SLOW,	  /* moves at a twentieth of its rate */
	BL_SIM_FLOOR,	  /* never goes below a size; its telemetry, if any, says that it refuses */
	BL_SIM_FORGETFUL, /* follows, then grows back as far as its limit lets it */
	BL_SIM_VANISH,	  /* ends after a while */
	BL_SIM_REBOOT,	  /* as VANISH, and is built once more */
	BL_SIM_NODRIVER,  /* has no balloon */
	BL_SIM_GIVES_UP,  /* as Linux: stops trying to grow on a full host */
	BL_SIM_OWN_MIN,	  /* as FLOOR, and its telemetry reports the size in advance */
	BL_SIM_SHORT,	  /* ends a size away from each target, on the side it comes from */
	BL_SIM_MANNERS
};

enum bl_sim_telemetry { BL_SIM_SILENT, BL_SIM_HONEST, BL_SIM_LIES };

/* All fields have 64 bits, so that each is written with one store. Times are ms of the world's
 * clock, 0 for none; sizes are pages. */
struct bl_sim_dom {
	uint64_t phase;
	uint64_t domid;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1];
	uint64_t line; /* of its section, in the world's file */
	/* of the hypervisor */
	uint64_t pages[BL_SIM_NODES_MAX];
	uint64_t overhead[BL_SIM_NODES_MAX]; /* its structures and its paging pool */
	uint64_t max_pages, outstanding;
	/* of its toolstack */
	uint64_t type;			      /* enum bl_dom_type */
	uint64_t memory, static_max, min;     /* memory: the size it is started with */
	uint64_t has_min, has_target, target; /* memory/target; tot = target + offset */
	int64_t offset;
	uint64_t paused, migrating;
	uint64_t appear; /* PENDING: when it is started, or started again if it did not fit */
	uint64_t thief;	 /* populates without a claim, and keeps trying */
	uint64_t build_rate;
	uint64_t stays; /* ends so long after it was built; 0: never */
	/* of the guest */
	uint64_t node; /* takes pages there first; node + 1, 0: no preference */
	uint64_t manner, telemetry;
	uint64_t floor;
	uint64_t inexact; /* SHORT: how far from its target it ends */
	uint64_t keeps;	  /* pages that never come back after its death */
	uint64_t rate;	  /* pages a second */
	uint64_t used;
	uint64_t born;			/* when it was built */
	uint64_t leaves;		/* when it ends */
	uint64_t reboots;		/* DYING: when its pages start to go; then it starts again */
	uint64_t credit;		/* pages * 1000 that its rate allows and it has not moved yet */
	uint64_t forgets, forgot;	/* when it takes back what it gave; whether it did */
	uint64_t tries, retry, gave_up; /* GIVES_UP, as Linux's driver counts */
	uint64_t silent_since, silent_used, silent_tot; /* the last report of a guest that is silent now */
};

struct bl_sim_world {
	char magic[16]; /* written last */
	uint64_t size;
	struct bl_sim_keep keep;
	uint64_t seed;
	uint64_t now;
	uint64_t n_nodes;
	uint64_t node_total[BL_SIM_NODES_MAX]; /* without the pages that went offline */
	uint64_t has_pool, pool;	       /* the hypervisor has a pool of claims; pages in the pool */
	uint64_t next_domid;
	uint64_t n_slots; /* slots from here on were never used */
	/* The domain that is being changed, and the pool, as they were before the change. */
	uint64_t undo_slot; /* slot + 1; 0: none */
	uint64_t undo_pool;
	struct bl_sim_dom undo;
	struct bl_sim_dom doms[BL_SIM_DOMS_MAX];
};

/* What an observer outside knows of a target. */
struct bl_sim_seen {
	bool known, external;
	uint32_t domid;
	uint64_t target;
};

struct bl_sim {
	struct bl_sim_world *w;
	/* sums over the world */
	uint64_t node_free[BL_SIM_NODES_MAX];
	uint64_t total, free, outstanding;
	/* slot + 1, by domid */
	uint16_t slot_of[BL_SIM_DOMID_FIRST_RESERVED];
	uint32_t top_domid;	  /* the highest domid there may be */
	struct bl_sim_seen *seen; /* by slot */
	uint64_t changes;
	/* domains with something to do, and the time of the next event */
	uint16_t *active;
	size_t n_active;
	uint64_t next_event;
	bool dirty;	/* both have to be computed again */
	bool quiet;	/* the last quantum moved nothing, so only an event or a call can */
	unsigned depth; /* of nested begins */
};

static inline uint64_t bl_sim_sat(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}
static inline uint64_t bl_sim_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* sim.c */
uint64_t bl_sim_hash(uint64_t a, uint64_t b, uint64_t c);
/* Makes a handle on a world, even if the world is not finished. */
int bl_sim_attach(struct bl_sim_world *w, struct bl_sim **ret, struct bl_err *reterr);
uint64_t bl_sim_tot(const struct bl_sim *s, const struct bl_sim_dom *d);
struct bl_sim_dom *bl_sim_find(const struct bl_sim *s, uint32_t domid);
size_t bl_sim_slot(const struct bl_sim *s, const struct bl_sim_dom *d);
bool bl_sim_exists(const struct bl_sim_dom *d); /* has a domid */
/* After a kill all changes between begin and commit are done, or none. Pairs nest, for one
 * domain. */
void bl_sim_begin(struct bl_sim *s, struct bl_sim_dom *d);
void bl_sim_commit(struct bl_sim *s);
/* A zeroed slot without a domain, still FREE; NULL: all slots are taken. */
struct bl_sim_dom *bl_sim_new_slot(struct bl_sim_world *w);
/* Copies *d to the slot; after a kill the whole copy is there, or none. */
void bl_sim_fill_slot(struct bl_sim_world *w, struct bl_sim_dom *slot, const struct bl_sim_dom *d);
/* A call has changed something, so that waiting domains may go on. */
void bl_sim_touch(struct bl_sim *s);

/* sim-alloc.c */
uint64_t bl_sim_unclaimed(const struct bl_sim *s);
/* As the hypercalls, for a domain that is already found. */
uint64_t bl_sim_take(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);
uint64_t bl_sim_give(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);
int bl_sim_claim_of(struct bl_sim *s, struct bl_sim_dom *d, uint64_t pages);
int bl_sim_kill(struct bl_sim *s, struct bl_sim_dom *d);
/* Sets the pool; between begin and commit where this is part of a change of a domain. */
void bl_sim_pool_hold(struct bl_sim *s, uint64_t pages);
/* Makes the domain of a slot, in phase EMPTY. `overhead` must fit into the unclaimed memory. */
void bl_sim_make(struct bl_sim *s, struct bl_sim_dom *d, uint64_t overhead);
/* Frees up to n pages of a dying domain, except those it keeps; false: the domain is gone. */
bool bl_sim_reap(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);

/* sim-life.c */
uint64_t bl_sim_overhead(const struct bl_sim_dom *d); /* structures and paging pool, pages */
void bl_sim_guest_defaults(struct bl_sim_dom *d);
/* Makes the domain, stakes its memory (unless it is a thief) and begins to populate it. The claim
 * of the holder, and that many pages of the pool, make room for it. */
int bl_sim_start(struct bl_sim *s, struct bl_sim_dom *d, struct bl_sim_dom *holder, uint64_t pooled);
/* Makes a domain that is gone start again, with its last target as its size. */
void bl_sim_start_again(struct bl_sim *s, struct bl_sim_dom *d);
/* Starts all guests of the world's first moment at once. */
int bl_sim_boot(struct bl_sim *s, const char *file, struct bl_err *reterr);
/* Gives a guest without a UUID one that is always the same for the same world. */
void bl_sim_name_uuid(const struct bl_sim_world *w, struct bl_sim_dom *d, uint64_t salt);

/* sim-guest.c */
/* Does what d does in the quantum that ends now; true: something moved. */
bool bl_sim_live(struct bl_sim *s, struct bl_sim_dom *d);
/* d stays above its target, and its driver knows why. */
bool bl_sim_refuses(const struct bl_sim *s, const struct bl_sim_dom *d);
bool bl_sim_busy(const struct bl_sim *s, const struct bl_sim_dom *d);
/* The toolstack is done with d: d runs, at the size it has. */
void bl_sim_introduce(struct bl_sim *s, struct bl_sim_dom *d);
void bl_sim_write_target(struct bl_sim *s, struct bl_sim_dom *d, uint64_t target);
/* The pages that the target asks d to have. */
uint64_t bl_sim_asked(const struct bl_sim_dom *d);
/* When d next does something by the clock. */
uint64_t bl_sim_due(const struct bl_sim *s, const struct bl_sim_dom *d);

/* sim-keys.c */
enum bl_sim_section { BL_SIM_IN_HOST, BL_SIM_IN_GUEST, BL_SIM_IN_THIEF, BL_SIM_IN_SET };
struct bl_sim_values {
	/* [host] */
	uint64_t memory, nodes, seed, dom0, dom0_used, dom0_rate, has_pool;
	/* [guest], [thief] */
	struct bl_sim_dom dom;
	uint64_t count;
	/* SET */
	uint64_t target;
	uint64_t seen; /* bits of the keys given */
};
/* Reads one value into *v, once. */
int bl_sim_key(enum bl_sim_section in, const char *key, const char *value, struct bl_sim_values *v,
	       struct bl_err *reterr);
bool bl_sim_has_key(enum bl_sim_section in, const struct bl_sim_values *v, const char *key);

#endif
