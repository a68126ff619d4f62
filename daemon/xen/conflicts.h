/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What on this host works against balloond: xl that shrinks dom0 by itself, and
 * other programs that move balloons. */
#ifndef BD_XEN_CONFLICTS_H
#define BD_XEN_CONFLICTS_H

#include <event2/event.h>
#include <stdbool.h>

/* Whether xl shrinks dom0 for what it builds: as xl.conf says, "auto" (the
 * default) unless the hypervisor's command line has a dom0_mem. */
bool bd_xen_defeats_autoballoon(const char *xl_conf, const char *cmdline);

#define BD_XEN_BALANCER_MAX 16
/* The name of another balancer that root runs, "" none; proc: where /proc is. */
void bd_xen_defeats_balancer(const char *proc, char ret[BD_XEN_BALANCER_MAX]);

struct bd_xen_defeated {
	bool autoballoon;
	char balancer[BD_XEN_BALANCER_MAX];
};

/* What is known of both. A thread looks, since the disk that has xl.conf may take any time. */
struct bd_xen_defeats;

/* Looks at once, before it returns; cmdline: the hypervisor's, which must stay. NULL: no
 * memory, or no thread is to be had. */
struct bd_xen_defeats *bd_xen_defeats_new(struct event_base *base, const char *cmdline);
void bd_xen_defeats_free(struct bd_xen_defeats *d); /* NULL is fine */
/* As of the last look; has a new one made where that was a minute ago. */
const struct bd_xen_defeated *bd_xen_defeats_known(struct bd_xen_defeats *d);

#endif
