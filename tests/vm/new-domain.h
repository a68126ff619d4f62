/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the suites' tools make a domain with, on each version of Xen. */
#ifndef NEW_DOMAIN_H
#define NEW_DOMAIN_H

#include <stdint.h>

#include <xenctrl.h>

/* With this id the hypervisor chooses a free one. Xen 4.22 and later choose for no other
 * id, and their headers name it; older ones choose for every reserved id. */
#ifndef DOMID_ANY
#define DOMID_ANY 0x7ff5
#endif

/* The label that libxl gives to a domain without one of its own; 0 where Xen has no FLASK.
 * The script that compiles the tools probes which form the call has. */
static inline uint32_t flask_label(xc_interface *xch)
{
	char label[] = "system_u:system_r:domU_t";
	uint32_t sid;
	int r;

#ifdef FLASK_CONTEXT_SIZE
	r = xc_flask_context_to_sid(xch, label, sizeof(label) - 1, &sid);
#else
	r = xc_flask_context_to_sid(xch, label, &sid);
#endif
	return r ? 0 : sid;
}

#endif
