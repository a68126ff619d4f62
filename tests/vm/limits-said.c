/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into balloond: each limit that is set in the hypervisor is said, in a line of
 * the journal. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <xenctrl.h>

int xc_domain_setmaxmem(xc_interface *xch, uint32_t domid, uint64_t max_memkb)
{
	int (*real)(xc_interface *, uint32_t, uint64_t) =
		(int (*)(xc_interface *, uint32_t, uint64_t))dlsym(RTLD_NEXT, "xc_domain_setmaxmem");

	fprintf(stderr, "the limit of domain %u is set\n", domid);
	return real(xch, domid, max_memkb);
}
