/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Seeded randomness and the frame of a property test: a run of numbered
 * worlds, each made from (seed, number) alone, so that any of them can be
 * played again: BL_SEED=S BL_WORLD=N. */
#ifndef TESTS_PROPERTY_RANDOM_H
#define TESTS_PROPERTY_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct rnd {
	uint64_t s;
};

/* splitmix64 (public domain, Vigna) */
static inline uint64_t rnd_next(struct rnd *r)
{
	uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0..n-1; n of at least 1 */
static inline uint64_t rnd_below(struct rnd *r, uint64_t n)
{
	return rnd_next(r) % n;
}

static inline uint64_t rnd_in(struct rnd *r, uint64_t lo, uint64_t hi)
{
	return lo + rnd_below(r, hi - lo + 1);
}

/* true once in n */
static inline bool rnd_one_in(struct rnd *r, uint64_t n)
{
	return rnd_below(r, n) == 0;
}

static inline struct rnd rnd_of_world(uint64_t seed, uint64_t world)
{
	struct rnd r = { seed };

	r.s ^= rnd_next(&r) + world * UINT64_C(0xd1342543de82ef95);
	return r;
}

struct run {
	uint64_t seed, from, to;
	bool replay; /* a single world: say all */
};

static inline uint64_t run_number(const char *text, uint64_t otherwise)
{
	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* argv: [SEED [WORLD]]; else BL_SEED, BL_WORLD; BL_WORLDS: how many. */
static inline struct run run_begin(int argc, char **argv, uint64_t worlds)
{
	const char *seed = argc > 1 ? argv[1] : getenv("BL_SEED");
	const char *world = argc > 2 ? argv[2] : getenv("BL_WORLD");
	struct timespec ts;
	struct run run = { 0 };

	clock_gettime(CLOCK_REALTIME, &ts);
	run.seed = run_number(seed, ((uint64_t)ts.tv_sec * 1000003 + (uint64_t)ts.tv_nsec) % 1000000007);
#ifdef BL_SANITIZED
	worlds = worlds / 10 + 1;
#endif
	run.to = run_number(getenv("BL_WORLDS"), worlds);
	if (world && *world) {
		run.from = run_number(world, 0);
		run.to = run.from + 1;
		run.replay = true;
	}
	return run;
}

#endif
