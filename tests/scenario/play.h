/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host in play: the simulator and the core, tied together as the daemon's
 * manager ties them, in virtual time and without a daemon. Before every plan
 * is acted on, the rules of the core are worked out anew from the world. */
#ifndef TESTS_SCENARIO_PLAY_H
#define TESTS_SCENARIO_PLAY_H

#include "lib/core/reason.h"
#include "lib/sim/sim.h"
#include "tests/property/rules.h"

#define PLAY_CLAIMS 64

/* What a scenario knows of a claim, live or not. */
struct told {
	char name[32];
	bl_uuid id;
	bool refused; /* at once */
	enum bl_verdict verdict;
	enum bl_claim_state state;
	bl_pages size;
	uint64_t asked_ms, held_ms; /* virtual; 0: not held yet */
	bl_ms eta;
	char reason[BL_REASON_MAX];
};

struct play {
	struct world w; /* as the rules want it: settings, snapshot, progress, ledger */
	struct bl_plan plan;
	struct bl_snapshot asked; /* for play_dom(); the plan points into w.snap */
	void *mem;
	struct bl_sim *sim;
	uint64_t seen; /* bl_sim_changes() at the last look */
	bl_ms next_tick;
	uint64_t targets, limits; /* written */
	uint64_t ticks, actions;
	struct told told[PLAY_CLAIMS];
	size_t n_told;
	bool broken;
	char what[512]; /* the first rule that was broken, and when */
};

/* text as bl_sim_world_parse() wants it. */
int play_begin(struct play *p, const char *file, const char *text, size_t len, struct bl_err *reterr);
void play_end(struct play *p);

/* Lets time pass up to the next tick or the given moment, whichever is
 * sooner, and ticks when it is time. */
void play_on(struct play *p, bl_ms until);
/* Something was asked: a tick at once. */
void play_tick_soon(struct play *p);
/* The daemon dies and starts again: what it learned is gone. */
void play_restart(struct play *p);

enum play_wait { PLAY_DEFAULT, PLAY_WAIT, PLAY_NO_WAIT, PLAY_NOW };
struct play_claim {
	const char *name;
	bl_pages size, min, overhead; /* min 0: size; overhead UINT64_MAX: the configured */
	enum play_wait wait;
	bl_ms wait_for, ttl; /* ttl 0: the configured */
};
/* NULL: too many. */
const struct told *play_claim(struct play *p, const struct play_claim *req);
struct told *play_told(struct play *p, const char *name);
struct bl_claim *play_live(struct play *p, const char *name);
void play_release(struct play *p, struct bl_claim *c);
/* `sim create NAME SIZE --claim CLAIM`; claim may be NULL. */
int play_create(struct play *p, const char *name, bl_pages size, struct bl_claim *claim,
		struct bl_err *reterr);

/* NULL: there is none of that name. */
const struct bl_dom *play_dom(struct play *p, const char *name);
void play_diagnose(const struct play *p); /* as comments of TAP */

#endif
