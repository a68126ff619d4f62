/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which domains are being saved or sent away, and which are being restored or come from another
 * host. A live copy marks neither the domain nor xenstore, and nor does a restore; only the
 * helper process shows that reads or writes the pages. */
#ifndef BD_XEN_SAVING_H
#define BD_XEN_SAVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/units.h"

#define BD_XEN_SAVING_DOMIDS 0x7ff0 /* ids from here on are reserved */

struct bd_xen_saving {
	/* A bit per domain, so that no number of processes hides another. */
	uint64_t saved[BD_XEN_SAVING_DOMIDS / 64 + 1], restored[BD_XEN_SAVING_DOMIDS / 64 + 1];
	bool any;	  /* a domain is being saved */
	int doubt;	  /* errno of a scan that missed processes; 0: none */
	bl_ms not_before; /* no scan before this time */
};

/* Scans the processes in a folder. If some are hidden, every domain counts as being saved, and
 * *ret tells why. */
void bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret);
/* Scans the processes, unless scans take too much time. */
void bd_xen_saving_refresh(struct bd_xen_saving *s);
bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid);
bool bd_xen_saving_restores(const struct bd_xen_saving *s, uint32_t domid);
/* Why nobody can tell which domains are being saved, for people; "" otherwise. */
const char *bd_xen_saving_doubt(const struct bd_xen_saving *s);
/* The domid in a command line of /proc (words end with NUL), and whether the helper writes the
 * domain's pages; -1: not a helper that saves or restores. */
int64_t bd_xen_saving_parse(const char *cmdline, size_t len, bool *ret_restores);

#endif
