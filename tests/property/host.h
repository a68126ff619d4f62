/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tiny host that lives: guests that follow their targets or do not, a
 * hypervisor that refuses what is not there, and a manager that does what the
 * plan says. Knows nothing of lib/sim. */
#ifndef TESTS_PROPERTY_HOST_H
#define TESTS_PROPERTY_HOST_H

#include "tests/property/world.h"

#define HOST_GUESTS 8

enum manner {
	NORMAL,
	FORGETFUL, /* takes back what its limit lets it */
	STUCK,
	FLOOR,	 /* goes down to a size it tells nobody */
	DRIBBLE, /* gives a page now and then */
	GAVE_UP, /* moves only for a while after its target was changed */
};

struct guest {
	uint32_t domid;
	enum manner manner;
	uint64_t rate;	      /* pages a second */
	uint64_t credit;      /* thousandths of a page it may still move */
	uint64_t floor;	      /* FLOOR: hidden, unless its driver */
	bool tells;	      /* says that it refuses */
	bool tells_min;	      /* and how low it goes */
	uint64_t awake_until; /* GAVE_UP */
	/* seen by the test: */
	int direction;	/* of its last target: -1, 1; 0 none yet */
	unsigned turns; /* how often that changed */
};

struct host {
	struct world w;
	struct bl_plan plan;
	struct guest guests[HOST_GUESTS];
	size_t n_guests;
	struct rnd r;
	bool flaky; /* one apply in four fails */
	bool verbose;
	unsigned lines;	   /* said */
	uint64_t refused;  /* pages the hypervisor would not give to one that was granted them */
	uint64_t last_act; /* ms: when a guest that behaves was last told something */
	uint32_t next_domid;
};

/* bits of drop: guests left out */
void host_make(struct host *h, uint64_t seed, uint64_t number, uint64_t drop);
void host_free(struct host *h);
bool guest_behaves(const struct guest *g);
const struct guest *host_guest(const struct host *h, uint32_t domid);
struct bl_dom *host_dom(struct host *h, uint32_t domid);

/* One tick: progress, plan, apply, and the time until the next passes.
 * Between plan and apply look is called; what it returns, unless NULL, is
 * returned. */
const char *host_tick(struct host *h, const char *(*look)(struct host *h));

/* A waiting claim. */
struct bl_claim *host_claim(struct host *h, uint64_t size, uint64_t overhead);
void host_release(struct host *h, struct bl_claim *c);

#endif
