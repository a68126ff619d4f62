/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A moment of a host: a random one, or one that was played. */
#ifndef TESTS_PROPERTY_WORLD_H
#define TESTS_PROPERTY_WORLD_H

#include "lib/core/plan.h"
#include "tests/property/random.h"

#define WORLD_DOMS 64
#define WORLD_CLAIMS 5

struct world {
	struct bl_settings settings;
	struct bl_snapshot snap;
	struct bl_progress progress;
	struct bl_ledger ledger;
	bool paused;
	bl_pages warm; /* see bl_plan_in */
	bl_ms warm_until;
	/* the same guest twice: equal but for its ids; 0 none */
	uint32_t twin[2];
};

/* The random world of that number (world-random.c). Domains and claims whose bit
 * is set in drop (first WORLD_DOMS bits of the one, all of the other) are left out
 * and the others stay as they are, so that a world that fails can be made small. */
struct world_drop {
	uint64_t doms, claims;
};
void world_make(struct world *w, uint64_t seed, uint64_t number, struct world_drop drop);
void world_free(struct world *w);
struct bl_plan_in world_in(struct world *w);

/* Handle of the holder of the claim with that number. */
bl_uuid world_handle(unsigned claim);
/* The world, as comments of TAP; plan may be NULL. */
void world_print(const struct world *w, const struct bl_plan *plan);

#endif
