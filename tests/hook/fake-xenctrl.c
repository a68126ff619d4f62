/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands where libxenctrl does: says what it is asked, on stdout, and answers
 * as $FAKE_CLAIM and $FAKE_POPULATE say (an errno; unset: all is well). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/hook/fake.h"

static int answer(const char *variable)
{
	const char *error = getenv(variable);

	if (!error)
		return 0;
	errno = atoi(error);
	return -1;
}

int xc_domain_create(void *xch, uint32_t *domid, void *config)
{
	(void)xch, (void)config;
	printf("xenctrl: create %u\n", (unsigned)*domid);
	return 0;
}

int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages)
{
	(void)xch;
	printf("xenctrl: claim %u %lu\n", (unsigned)domid, nr_pages);
	return nr_pages ? answer("FAKE_CLAIM") : 0;
}

int xc_domain_populate_physmap(void *xch, uint32_t domid, unsigned long nr_extents,
			       unsigned int extent_order, unsigned int mem_flags, unsigned long *extents)
{
	(void)xch, (void)mem_flags, (void)extents;
	printf("xenctrl: populate %u %lu", (unsigned)domid, nr_extents);
	if (extent_order)
		printf(" of order %u", extent_order);
	printf("\n");
	return answer("FAKE_POPULATE") ? -1 : (int)nr_extents;
}

/* By the other call, which the linker looks up, as it does in the real library. */
int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents)
{
	int r = xc_domain_populate_physmap(xch, domid, nr_extents, extent_order, mem_flags, extents);

	return r == (int)nr_extents ? 0 : r;
}

int xc_domain_set_pod_target(void *xch, uint32_t domid, uint64_t target_pages, uint64_t *tot_pages,
			     uint64_t *cache_pages, uint64_t *entries)
{
	(void)xch, (void)tot_pages, (void)cache_pages, (void)entries;
	printf("xenctrl: pod %u %lu\n", (unsigned)domid, (unsigned long)target_pages);
	return answer("FAKE_POPULATE");
}
