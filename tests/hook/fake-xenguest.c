/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "tests/hook/fake.h"

int guest_claim(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_claim_pages(NULL, domid, pages);

	return r; /* not its last call, or the builder would be the caller */
}

int guest_populate(uint32_t domid, unsigned long pages)
{
	int r = xc_domain_populate_physmap_exact(NULL, domid, pages, 0, 0, NULL);

	return r;
}
