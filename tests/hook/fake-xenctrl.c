/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands where libxenctrl does: says what it is asked, on stdout, and answers
 * as $FAKE_CLAIM says (an errno; unset: all is well). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/hook/fake.h"

static int answer(void)
{
	const char *error = getenv("FAKE_CLAIM");

	if (!error)
		return 0;
	errno = atoi(error);
	return -1;
}

int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages)
{
	(void)xch;
	printf("xenctrl: claim %u %lu\n", (unsigned)domid, nr_pages);
	return nr_pages ? answer() : 0;
}

int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents)
{
	(void)xch, (void)extent_order, (void)mem_flags, (void)extents;
	printf("xenctrl: populate %u %lu\n", (unsigned)domid, nr_extents);
	return 0;
}
