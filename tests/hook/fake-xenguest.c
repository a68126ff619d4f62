/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the calls of Xen's builders, in their order. No call to libxenctrl is the
 * last thing that a function does: else its return address would be the builder's. */
#include "tests/hook/fake.h"

#include <stddef.h>

#define ORDER_2M 9
#define PAGES_2M 512UL
#define LOW_PAGES 0xa0 /* an HVM guest's first 640 KiB */
#define MAGIC_PAGES 8

int guest_claim(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_claim_pages(NULL, domid, pages);

	return r;
}

int guest_populate(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_populate_physmap_exact(NULL, domid, pages, 0, 0, NULL);

	return r;
}

/* How many extents of 2 MiB there are now; -1. */
int guest_extents(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_populate_physmap(NULL, domid, pages / PAGES_2M, ORDER_2M, 0, NULL);

	return r;
}

/* PV: extents, and then single pages; the first error is the last call. */
int guest_build_pv(uint32_t domid, unsigned long pages)
{
	unsigned long left = pages;
	int r;

	if (pages >= PAGES_2M) {
		r = guest_extents(domid, pages);
		if (r < 0)
			return r;
		left -= (unsigned long)r * PAGES_2M;
	}
	r = left ? guest_populate(domid, left) : 0;
	if (!r)
		(void)guest_claim(domid, 0);
	return r;
}

/* HVM, PVH: extents that fail are made of single pages; errors go to the end. */
static int fill_hvm(uint32_t domid, unsigned long pages)
{
	unsigned long left = pages;
	int done = pages >= PAGES_2M ? guest_extents(domid, pages) : 0;

	if (done > 0)
		left -= (unsigned long)done * PAGES_2M;
	return left ? guest_populate(domid, left) : 0;
}

static int end_hvm(uint32_t domid, int r)
{
	(void)guest_claim(domid, 0);
	return r ? -1 : guest_populate(domid, MAGIC_PAGES);
}

int guest_build_pvh(uint32_t domid, unsigned long pages)
{
	return end_hvm(domid, fill_hvm(domid, pages));
}

int guest_build_hvm(uint32_t domid, unsigned long pages)
{
	int r = guest_populate(domid, LOW_PAGES);

	return end_hvm(domid, r ? r : fill_hvm(domid, pages));
}

/* Populate on demand: its cache has all the pages before the first is populated. */
int guest_build_pod(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_set_pod_target(NULL, domid, pages, NULL, NULL, NULL);

	return end_hvm(domid, r ? r : fill_hvm(domid, 2 * pages));
}

/* As in 4.22: extents by the exact call, single pages where they fail. */
int guest_restore(uint32_t domid, unsigned long pages)
{
	unsigned long left = pages;
	int r;

	while (left >= PAGES_2M) {
		if (xc_domain_populate_physmap_exact(NULL, domid, 1, ORDER_2M, 0, NULL))
			break;
		left -= PAGES_2M;
	}
	r = left ? guest_populate(domid, left) : 0;
	return r;
}
