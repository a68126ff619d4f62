/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What on this host works against balloond: xl that shrinks dom0 by itself, and
 * other programs that move balloons. */
#ifndef BD_HOST_XEN_DEFEATS_H
#define BD_HOST_XEN_DEFEATS_H

#include <stdbool.h>

/* Whether xl shrinks dom0 for what it builds: as xl.conf says, "auto" (the
 * default) unless the hypervisor's command line has a dom0_mem. */
bool bd_xen_defeats_autoballoon(const char *xl_conf, const char *cmdline);

#define BD_XEN_BALANCER_MAX 16
/* The name of another balancer that root runs, "" none; proc: where /proc is. */
void bd_xen_defeats_balancer(const char *proc, char ret[BD_XEN_BALANCER_MAX]);

struct bd_xen_defeats {
	bool autoballoon;
	char balancer[BD_XEN_BALANCER_MAX];
};
/* Both, as they are now; cmdline: the hypervisor's. */
void bd_xen_defeats_look(const char *cmdline, struct bd_xen_defeats *ret);

#endif
