/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lives on the stand-ins of Xen beside balloond: guests with their balloons and
 * reports, the toolstack that builds and destroys them, and outsiders who take memory.
 * Every page of the host is counted. */
#ifndef TESTS_STATEFUL_GUESTS_H
#define TESTS_STATEFUL_GUESTS_H

#include "lib/core/uuid.h"
#include "tests/property/random.h"
#include "tests/stateful/life.h"
#include "tests/unit/fake-xen.h"

#define GUESTS_MAX 12

enum guest_state { GUEST_NONE, GUEST_BUILT, GUEST_RUNS, GUEST_PAUSED, GUEST_ENDED };

struct guest {
	enum guest_state state;
	uint32_t domid;
	bl_uuid uuid;
	char name[16];
	bool hvm;
	bool stuck; /* its balloon does not follow */
	bool reports;
	bool saved;	     /* a process of root saves it */
	bool waits;	     /* BUILT: for an answer of the daemon; nothing is populated */
	unsigned wire;	     /* BUILT: over which it asks; WIRES: it does not */
	uint64_t goal;	     /* BUILT: its pages when it is done */
	uint64_t max;	     /* its static-max in pages of memory/target */
	uint64_t rate;	     /* pages a second */
	int64_t offset;	     /* its pages are its target and this */
	uint64_t used;	     /* pages */
	uint64_t seq;	     /* of its reports */
	uint64_t touched_at; /* when somebody else than balloond last did something to it */
};

extern const struct played_host guests_host;
extern struct guest guests[GUESTS_MAX];
extern unsigned guests_looks;	   /* how often the daemon looked at the host */
extern unsigned guests_built;	   /* how often one was begun */
extern bool guests_names_unsure;   /* xenstored was away: what is built may be known late */
extern uint64_t guests_by_hand_at; /* when somebody last set a size by hand, of a paused one perhaps */

/* An empty host of a random size with a few guests; the seed makes it. */
void guests_begin(struct rnd *r);
/* One that lives (or is built), NULL: there is none. */
struct guest *guests_some(struct rnd *r);
struct guest *guests_by_domid(uint32_t domid);

/* The toolstack. build: NULL, or of the guest that reboots. NULL: no place for more. */
struct guest *guests_build(struct rnd *r, const bl_uuid *uuid, const char *name);
/* `xl create` with claim_mode: false, its memory is not there. */
bool guests_stake(struct guest *g);
void guests_destroy(struct guest *g);
/* It shuts down for that reason (SHUTDOWN_...) and waits for its toolstack. */
void guests_end(struct guest *g, unsigned reason);
void guests_pause(struct guest *g, bool on);
void guests_save(struct guest *g, bool on); /* guests-saved.c */
void guests_mem_set(struct guest *g, uint64_t kib);
void guests_report(struct guest *g, struct rnd *r);
/* Others take memory from under everybody, or give it back. */
/* A guest is destroyed, and another built with its domid, right before the daemon looks at
 * that domain once more. */
void guests_swap(struct rnd *r);
void guests_thief(struct rnd *r, bool back);
/* Everybody is well from now on. */
void guests_peace(void);

/* guests-view.c: whether the daemon may do that. */
void guests_check_call(const char *name, uint32_t domid);
void guests_check_write(const char *path, const char *value);

/* How many pages of the host are lost or made up: 0, or the books do not balance. */
int64_t guests_imbalance(void);

#endif
