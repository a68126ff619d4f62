/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which domains are being saved or sent away, and which are being restored or come from
 * another host: a live copy marks neither the domain nor xenstore, nor does a restore;
 * only the helper process that reads or writes its pages shows. */
#ifndef BD_XEN_SAVING_H
#define BD_XEN_SAVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/units.h"

#define BD_XEN_SAVING_DOMIDS 0x7ff0 /* ids from there on are the hypervisor's own */

struct bd_xen_saving {
	/* A bit a domain, so that no number of processes hides another. */
	uint64_t saved[BD_XEN_SAVING_DOMIDS / 64 + 1], restored[BD_XEN_SAVING_DOMIDS / 64 + 1];
	bool any;    /* some domain is being saved */
	int doubt;   /* errno of a look that did not see everything, 0: it did */
	bl_ms again; /* there is no other look before this time */
};

/* Looks through the processes in that folder. Where not all of them can be seen, every
 * domain counts as one that is being saved, and *ret says why. */
void bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret);
/* The same, but not all the time where a look takes long. */
void bd_xen_saving_look(struct bd_xen_saving *s);
bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid);
bool bd_xen_saving_restores(const struct bd_xen_saving *s, uint32_t domid);
/* Why it is not known who is being saved, for people; "" when it is known. */
const char *bd_xen_saving_doubt(const struct bd_xen_saving *s);
/* The domid in a command line as /proc has it (words end in NUL), and whether its pages
 * are written there; -1: it is not that of a helper that saves or restores. */
int64_t bd_xen_saving_parse(const char *cmdline, size_t len, bool *ret_restores);

#endif
