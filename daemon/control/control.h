/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket. */
#ifndef BD_CONTROL_H
#define BD_CONTROL_H

#include "daemon/config/setup.h"
#include "daemon/manager/manager.h"

struct bd_control;

/* Connections accepted in one turn of the event loop, per listening socket. */
#define BD_CONTROL_ACCEPTS 64

/* base, m and e stay the caller's. base and e must outlive the result; m must live until
 * bd_control_stop(). NULL: no memory. */
struct bd_control *bd_control_new(struct event_base *base, struct bd_manager *m, struct bd_events *e,
				  const struct bd_setup *setup);
/* Listens on the sockets that systemd handed over, otherwise on a socket of our own at path. */
int bd_control_listen(struct bd_control *c, const char *path, struct bl_err *reterr);
/* Applies new groups and limits. A connected peer that may do less than before is told so, and is
 * closed if it may do nothing. */
void bd_control_reload(struct bd_control *c, const struct bd_setup *setup);
unsigned bd_control_accepted(const struct bd_control *c); /* in the last turn that accepted */
/* Answers no request any more. The manager must not take waiting peers for gone: the claims that
 * they wait for outlive the daemon. */
void bd_control_stop(struct bd_control *c);
void bd_control_free(struct bd_control *c); /* NULL is fine */

#endif
