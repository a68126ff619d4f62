/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HOOK_FAKE_H
#define TESTS_HOOK_FAKE_H

#include <stdint.h>

/* fake-xenctrl.c */
int xc_domain_create(void *xch, uint32_t *domid, void *config);
int xc_domain_claim_pages(void *xch, uint32_t domid, unsigned long nr_pages);
int xc_domain_populate_physmap(void *xch, uint32_t domid, unsigned long nr_extents,
			       unsigned int extent_order, unsigned int mem_flags, unsigned long *extents);
int xc_domain_populate_physmap_exact(void *xch, uint32_t domid, unsigned long nr_extents,
				     unsigned int extent_order, unsigned int mem_flags,
				     unsigned long *extents);
int xc_domain_set_pod_target(void *xch, uint32_t domid, uint64_t target_pages, uint64_t *tot_pages,
			     uint64_t *cache_pages, uint64_t *entries);

/* fake-xenguest.c: calls them from a library that is named as the real one. */
int guest_claim(uint32_t domid, unsigned long pages);
int guest_populate(uint32_t domid, unsigned long pages);
int guest_extents(uint32_t domid, unsigned long pages);
/* Whole builds without claim_mode, in the order of Xen's builders. */
int guest_build_pv(uint32_t domid, unsigned long pages);
int guest_build_pvh(uint32_t domid, unsigned long pages);
int guest_build_hvm(uint32_t domid, unsigned long pages);
int guest_build_pod(uint32_t domid, unsigned long pages);
int guest_restore(uint32_t domid, unsigned long pages);

#endif
