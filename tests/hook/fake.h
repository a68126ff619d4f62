/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HOOK_FAKE_H
#define TESTS_HOOK_FAKE_H

#include <stdint.h>

/* fake-xenctrl.c */
int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages);
int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents);

/* fake-xenguest.c: calls them from a library that is named as the real one. */
int guest_claim(uint32_t domid, unsigned long pages);
int guest_populate(uint32_t domid, unsigned long pages);

#endif
