/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A claim for all there is moves from whoever holds it to a domain that is built, and
 * back, again and again, while another domain claims and allocates what it can get.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "xenclaims.h"

static atomic_bool stop;
static atomic_ulong tries, claims_got, pages_got;
static uint32_t hostile;

static void *grabs(void *unused)
{
	xen_pfn_t frame;

	(void)unused;
	while (!stop) {
		if (!claim(hostile, 1)) {
			claims_got++;
			(void)claim(hostile, 0);
		}
		if (populate(hostile, 0, 0, 1, NOBODY, &frame)) {
			pages_got++;
			release(hostile, 0, 1, &frame);
		}
		tries++;
	}
	return NULL;
}

static bool over(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec;
}

void races(unsigned seconds)
{
	uint32_t holder = domain(2000000), built = domain(2000000);
	unsigned long moves = 0, lost = 0;
	struct memory m;
	struct timespec end;
	pthread_t thread;
	xen_pfn_t frame;

	hostile = domain(2000000);
	/* Where a first page needs the hypervisor's own memory, too, that is there then. */
	if (populate(hostile, 0, 0, 1, NOBODY, &frame))
		release(hostile, 0, 1, &frame);
	m = settled();
	expect(!(patched ? set(POOL, ANY_NODE, m.free - m.claimed) : claim(holder, m.free - m.claimed)),
	       "all there is is claimed");
	if (pthread_create(&thread, NULL, grabs, NULL))
		return;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	for (uint64_t pages = m.free - m.claimed; !over(&end); moves++) {
		bool there;

		if (patched) {
			there = !move(POOL, built, ANY_NODE, pages);
		} else {
			(void)claim(holder, 0);
			there = !claim(built, pages);
		}
		lost += !there;
		/* Its first page is there; then all as before. */
		if (there && populate(built, 0, 0, 1, NOBODY, &frame)) {
			/* claimed again before it is free */
			if (patched)
				(void)move(built, POOL, ANY_NODE, outstanding(built));
			else
				(void)claim(built, 0);
			if (patched)
				pages--;
			else
				release(built, 0, 1, &frame);
		} else if (patched && there) {
			(void)move(built, POOL, ANY_NODE, pages);
		}
		if (!patched && claim(holder, pages)) {
			(void)claim(built, 0);
			(void)claim(holder, pages);
		}
	}
	stop = true;
	pthread_join(thread, NULL);
	printf("race: %lu moves, %lu of them lost; %lu tries of others got %lu claims and %lu pages\n",
	       moves, lost, (unsigned long)tries, (unsigned long)claims_got, (unsigned long)pages_got);
	if (patched)
		(void)set(POOL, ANY_NODE, 0);
	destroy(built);
	destroy(hostile);
	destroy(holder);
}
