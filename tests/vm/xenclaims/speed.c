/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populates and frees, again and again: with no claim, one, and 500 of other domains.
 * One round is a line for each; whoever compares two hypervisors takes rounds in turns.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "xenclaims.h"

enum { BATCH = 128, CLAIMS = 500 };

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ns an extent takes there and back: the best of a few, which others disturbed least. */
static uint64_t best(uint32_t d, unsigned order, unsigned tries)
{
	static xen_pfn_t mfns[BATCH];
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < tries; i++) {
		uint64_t start = now(), took;

		if (populate(d, 0, order, BATCH, NOBODY, mfns) != BATCH) {
			expect(false, "there is memory");
			return 0;
		}
		release(d, order, BATCH, mfns);
		took = now() - start;
		if (took < least)
			least = took;
	}
	return least / BATCH;
}

static void round_of(uint32_t d, unsigned claims)
{
	printf("speed 0 %u %lu\n", claims, (unsigned long)best(d, 0, 40));
	printf("speed 9 %u %lu\n", claims, (unsigned long)best(d, 9, 8));
}

void speed(void)
{
	static uint32_t others[CLAIMS];
	uint32_t d = domain(2000000);

	(void)best(d, 0, 1);
	(void)best(d, 9, 1);
	round_of(d, 0);
	for (unsigned i = 0; i < CLAIMS; i++) {
		others[i] = domain(16);
		if (claim(others[i], 1))
			expect(false, "a claim");
		if (!i)
			round_of(d, 1);
	}
	round_of(d, CLAIMS);
	for (unsigned i = 0; i < CLAIMS; i++)
		destroy(others[i]);
	destroy(d);
}
