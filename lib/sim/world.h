/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of lib/sim alone: the layout of a world, and the handle on one. */
#ifndef BL_SIM_WORLD_H
#define BL_SIM_WORLD_H

#include "lib/sim/sim.h"

/* Changes with the layout. */
#define BL_SIM_MAGIC "balloond-world4"

enum bl_sim_phase {
	BL_SIM_FREE = 0, /* the slot is nobody's */
	BL_SIM_PENDING,	 /* will appear; no domain yet */
	BL_SIM_EMPTY,	 /* made by a bare hypercall */
	BL_SIM_BUILDING, /* its toolstack populates it */
	BL_SIM_RUNNING,
	BL_SIM_DYING,
	BL_SIM_PHASES
};

enum bl_sim_manner {
	BL_SIM_NORMAL,
	BL_SIM_STUCK,	  /* has a driver that does nothing */
	BL_SIM_SLOW,	  /* a twentieth of its rate */
	BL_SIM_FLOOR,	  /* does not go below a size; its telemetry, if any, says that it refuses */
	BL_SIM_FORGETFUL, /* follows, then grows back as far as it is let */
	BL_SIM_VANISH,	  /* goes of itself after a while */
	BL_SIM_REBOOT,	  /* the same, and is built anew: once */
	BL_SIM_NODRIVER,  /* has no balloon */
	BL_SIM_GIVES_UP,  /* Linux: stops trying to grow on a full host */
	BL_SIM_OWN_MIN,	  /* FLOOR whose telemetry tells the size before it is asked */
	BL_SIM_SHORT,	  /* ends a size away from each target, on the side it came from */
	BL_SIM_MANNERS
};

enum bl_sim_telemetry { BL_SIM_SILENT, BL_SIM_HONEST, BL_SIM_LIES };

/* 64-bit fields throughout: each is one store. Times are ms of the world's
 * clock, 0 for none; sizes are pages. */
struct bl_sim_dom {
	uint64_t phase;
	uint64_t domid;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1];
	uint64_t line; /* of its section in the world's file */
	/* the hypervisor's */
	uint64_t pages[BL_SIM_NODES_MAX];
	uint64_t overhead[BL_SIM_NODES_MAX]; /* its structures and paging pool */
	uint64_t max_pages, outstanding;
	/* its toolstack's */
	uint64_t type;			      /* enum bl_dom_type */
	uint64_t memory, static_max, min;     /* memory: what it is started with */
	uint64_t has_min, has_target, target; /* memory/target; tot = target + offset */
	int64_t offset;
	uint64_t paused, migrating;
	uint64_t appear; /* PENDING: when it is started (again, if it did not fit) */
	uint64_t thief;	 /* populates without a claim, and keeps trying */
	uint64_t build_rate;
	uint64_t stays; /* goes that long after it is built; 0: for ever */
	/* its own */
	uint64_t node; /* takes pages there first; node + 1, 0: where most are free */
	uint64_t manner, telemetry;
	uint64_t floor;
	uint64_t inexact; /* SHORT: how far from its target it ends */
	uint64_t keeps;	  /* after its death so much never comes back */
	uint64_t rate;	  /* pages a second */
	uint64_t used;
	uint64_t born;			/* when it was built */
	uint64_t leaves;		/* when it goes of itself */
	uint64_t reboots;		/* DYING: its pages go from then on, and it comes again */
	uint64_t credit;		/* of its rate, not yet spent: pages * 1000 */
	uint64_t forgets, forgot;	/* when it takes back what it gave; whether it did */
	uint64_t tries, retry, gave_up; /* GIVES_UP, as Linux's driver counts */
	uint64_t silent_since, silent_used, silent_tot; /* the last report of one now silent */
};

struct bl_sim_world {
	char magic[16]; /* written last */
	uint64_t size;
	struct bl_sim_keep keep;
	uint64_t seed;
	uint64_t now;
	uint64_t n_nodes;
	uint64_t node_total[BL_SIM_NODES_MAX]; /* less what went offline */
	uint64_t has_pool, pool;	       /* its hypervisor keeps one of claims; what it has claimed */
	uint64_t next_domid;
	uint64_t n_slots; /* slots from there on were never used */
	/* The one domain a change is being made to, and the pool, as they were before. */
	uint64_t undo_slot; /* slot + 1; 0: none */
	uint64_t undo_pool;
	struct bl_sim_dom undo;
	struct bl_sim_dom doms[BL_SIM_DOMS_MAX];
};

/* What somebody steering from outside knows of a target. */
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
	/* by domid: slot + 1 */
	uint16_t slot_of[BL_SIM_DOMID_FIRST_RESERVED];
	uint32_t top_domid;	  /* no domain above */
	struct bl_sim_seen *seen; /* by slot */
	uint64_t changes;
	/* time: who has something to do, and when something happens of itself */
	uint16_t *active;
	size_t n_active;
	uint64_t next_event;
	bool dirty;	/* the two above are to be found anew */
	bool quiet;	/* the last quantum moved nothing: only an event or a call can */
	unsigned depth; /* of begin */
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
/* A handle on a world that may be not finished yet. */
int bl_sim_attach(struct bl_sim_world *w, struct bl_sim **ret, struct bl_err *reterr);
uint64_t bl_sim_tot(const struct bl_sim *s, const struct bl_sim_dom *d);
struct bl_sim_dom *bl_sim_find(const struct bl_sim *s, uint32_t domid);
size_t bl_sim_slot(const struct bl_sim *s, const struct bl_sim_dom *d);
bool bl_sim_exists(const struct bl_sim_dom *d); /* has a domid */
/* What lies between begin and commit is done whole or not at all. They nest,
 * for one domain. */
void bl_sim_begin(struct bl_sim *s, struct bl_sim_dom *d);
void bl_sim_commit(struct bl_sim *s);
/* A slot of nobody, zeroed; NULL: all are taken. Still FREE. */
struct bl_sim_dom *bl_sim_new_slot(struct bl_sim_world *w);
/* Copies *d there, whole or not at all. */
void bl_sim_fill_slot(struct bl_sim_world *w, struct bl_sim_dom *slot, const struct bl_sim_dom *d);
/* A call changed something: whoever waited may go on. */
void bl_sim_touch(struct bl_sim *s);

/* sim-alloc.c */
uint64_t bl_sim_unclaimed(const struct bl_sim *s);
/* The same as the hypercalls, of a domain at hand. */
uint64_t bl_sim_take(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);
uint64_t bl_sim_give(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);
int bl_sim_claim_of(struct bl_sim *s, struct bl_sim_dom *d, uint64_t pages);
int bl_sim_kill(struct bl_sim *s, struct bl_sim_dom *d);
/* Between begin and commit, where it is part of a change of a domain. */
void bl_sim_pool_hold(struct bl_sim *s, uint64_t pages);
/* Makes the domain of a slot that has no domain, with that much of overhead,
 * which must fit into what is unclaimed; phase EMPTY. */
void bl_sim_make(struct bl_sim *s, struct bl_sim_dom *d, uint64_t overhead);
/* Frees up to n pages of a dying one but for what it keeps; false: it is gone for good. */
bool bl_sim_reap(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n);

/* sim-life.c */
void bl_sim_guest_defaults(struct bl_sim_dom *d);
/* Domain made, memory staked (unless a thief's), population begun; what the holder
 * claimed, and so much of the pool, makes room for it. */
int bl_sim_start(struct bl_sim *s, struct bl_sim_dom *d, struct bl_sim_dom *holder, uint64_t pooled);
/* One that is gone for good, about to be built anew with its last target. */
void bl_sim_again(struct bl_sim *s, struct bl_sim_dom *d);
/* Everything there is at once, as before the world's first moment. */
int bl_sim_boot(struct bl_sim *s, const char *file, struct bl_err *reterr);
/* Who a slot's guest is when nobody said: the same for the same world. */
void bl_sim_name_uuid(const struct bl_sim_world *w, struct bl_sim_dom *d, uint64_t salt);

/* sim-guest.c */
/* Does what d does in one quantum that ends now; true: something moved. */
bool bl_sim_live(struct bl_sim *s, struct bl_sim_dom *d);
/* It stays above its target, and its driver knows why. */
bool bl_sim_refuses(const struct bl_sim *s, const struct bl_sim_dom *d);
bool bl_sim_busy(const struct bl_sim *s, const struct bl_sim_dom *d);
/* Its toolstack is done with it: it runs, at the size it has. */
void bl_sim_introduce(struct bl_sim *s, struct bl_sim_dom *d);
void bl_sim_write_target(struct bl_sim *s, struct bl_sim_dom *d, uint64_t target);
/* The pages its target asks it to have. */
uint64_t bl_sim_asked(const struct bl_sim_dom *d);
/* When it next does something of itself. */
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
