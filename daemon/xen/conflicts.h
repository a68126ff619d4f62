/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs that work against balloond: xl if it shrinks dom0 by itself, and daemons that
 * move balloons. */
#ifndef BD_XEN_CONFLICTS_H
#define BD_XEN_CONFLICTS_H

#include <event2/event.h>
#include <stdbool.h>

/* True if xl shrinks dom0 to build domains: as xl.conf says; with "auto", the default, unless the
 * hypervisor's command line has dom0_mem. */
bool bd_xen_conflicts_autoballoon(const char *xl_conf, const char *cmdline);

#define BD_XEN_BALANCER_MAX 16
/* The name of another balancer that root runs; "" for none. proc: the folder /proc. */
void bd_xen_conflicts_balancer(const char *proc, char ret[BD_XEN_BALANCER_MAX]);

struct bd_xen_found_conflicts {
	bool autoballoon;
	char balancer[BD_XEN_BALANCER_MAX];
};

/* A thread reads xl.conf, since the disk may take any time. */
struct bd_xen_conflicts;

/* Finds the conflicts before it returns. cmdline: the hypervisor's. NULL: no memory, or no
 * thread. */
struct bd_xen_conflicts *bd_xen_conflicts_new(struct event_base *base, const char *cmdline);
void bd_xen_conflicts_free(struct bd_xen_conflicts *d); /* NULL is fine */
/* What was found last; has the thread check again if that was a minute ago. */
const struct bd_xen_found_conflicts *bd_xen_conflicts_known(struct bd_xen_conflicts *d);

#endif
