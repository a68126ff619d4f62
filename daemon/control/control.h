/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket: who may connect, and how many. */
#ifndef BD_CONTROL_H
#define BD_CONTROL_H

#include "daemon/config/setup.h"
#include "daemon/manager/manager.h"

struct bd_control;

/* Connections accepted in one turn of the event loop, of each socket. */
#define BD_CONTROL_ACCEPTS 64

/* base, m and e stay the caller's and must outlive it, but for m, which may
 * go after bd_control_stop(). setup is only read. NULL: no memory. */
struct bd_control *bd_control_new(struct event_base *base, struct bd_manager *m, struct bd_events *e,
				  const struct bd_setup *setup);
/* Listens on the sockets systemd handed over; where it handed none, on one of
 * our own at path, taking the place of one that nobody listens on. */
int bd_control_listen(struct bd_control *c, const char *path, struct bl_err *reterr);
/* New groups and limits. Connections that stand are looked at anew: who may do less than
 * before is told, and who may do nothing is closed. */
void bd_control_reload(struct bd_control *c, const struct bd_setup *setup);
unsigned bd_control_accepted(const struct bd_control *c); /* in the last turn that accepted */
/* No request is answered any more, and nobody who waits is taken for gone: the
 * claims they wait for outlive the daemon. */
void bd_control_stop(struct bd_control *c);
void bd_control_free(struct bd_control *c); /* NULL is fine */

#endif
