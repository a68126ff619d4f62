/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenbuild KERNEL INITRD MIB: builds a PV domain with libxenguest and without
 * xl, xenstore or a name, as a small toolstack does; prints its domid and
 * leaves it paused. It destroys what it could not build.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

#include <xenguest.h> /* needs the other */

#include "new-domain.h"

static int make(xc_interface *xch, unsigned mib, uint32_t *ret)
{
	struct xen_domctl_createdomain config = {
		.handle = { 0xb1, 0x1d },
		.ssidref = flask_label(xch),
		.max_vcpus = 1,
		.max_evtchn_port = 255,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
	};
	uint32_t domid = DOMID_ANY;

	if (xc_domain_create(xch, &domid, &config))
		return -1;
	*ret = domid;
	return xc_domain_max_vcpus(xch, *ret, 1) || xc_domain_setmaxmem(xch, *ret, (mib + 1) * 1024);
}

static int build(xc_interface *xch, uint32_t domid, const char *kernel, const char *initrd, unsigned mib)
{
	struct xc_dom_image *dom = xc_dom_allocate(xch, "console=hvc0", NULL);
	int r;

	if (!dom)
		return -1;
	dom->container_type = XC_DOM_PV_CONTAINER;
	dom->claim_enabled = 1;
	dom->max_vcpus = 1;
	r = xc_dom_kernel_file(dom, kernel) || xc_dom_module_file(dom, initrd, NULL) ||
	    xc_dom_boot_xen_init(dom, xch, domid) || xc_dom_parse_image(dom) || xc_dom_mem_init(dom, mib) ||
	    xc_dom_boot_mem_init(dom) || xc_dom_build_image(dom) || xc_dom_boot_image(dom);
	xc_dom_release(dom);
	return r;
}

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	unsigned mib = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	uint32_t domid = 0;
	int r;

	if (!xch || !mib) {
		fprintf(stderr, "usage: xenbuild KERNEL INITRD MIB, in a control domain\n");
		return 2;
	}
	r = make(xch, mib, &domid);
	if (!r)
		r = build(xch, domid, argv[1], argv[2], mib);
	if (r) {
		fprintf(stderr, "xenbuild: %s\n", strerror(errno));
		if (domid)
			xc_domain_destroy(xch, domid);
	} else {
		printf("%u\n", domid);
	}
	xc_interface_close(xch);
	return r ? 3 : 0;
}
