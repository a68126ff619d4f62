/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which domains are being saved or sent away, and which are being restored or come from
 * another host: a live copy marks neither the domain nor xenstore, nor does a restore;
 * only the helper process that reads or writes its pages shows. */
#ifndef BD_HOST_XEN_SAVING_H
#define BD_HOST_XEN_SAVING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BD_XEN_SAVING_MAX 64

struct bd_xen_saving {
	size_t n;
	uint32_t domids[BD_XEN_SAVING_MAX];
	size_t n_restored;
	uint32_t restored[BD_XEN_SAVING_MAX];
};

/* Looks through the processes; a folder other than /proc is for tests. -errno:
 * it could not be read, *ret is empty. */
int bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret);
bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid);
bool bd_xen_saving_restores(const struct bd_xen_saving *s, uint32_t domid);
/* The domid in a command line as /proc has it (words end in NUL), and whether its pages
 * are written there; -1: it is not that of a helper that saves or restores. */
int64_t bd_xen_saving_parse(const char *cmdline, size_t len, bool *ret_restores);

#endif
