/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is told, by the protocol of sd_notify(3). Without a service
 * manager every call does nothing; with one that does not read, nothing waits for it, and
 * what it has to hear is told later. */
#ifndef BD_NOTIFY_H
#define BD_NOTIFY_H

#include <event2/event.h>

struct bd_notify;

/* Starts feeding the watchdog from the loop where one is set. NULL: no memory. */
struct bd_notify *bd_notify_new(struct event_base *base);
void bd_notify_free(struct bd_notify *n); /* NULL is fine */

void bd_notify_ready(struct bd_notify *n, const char *status);
void bd_notify_reloading(struct bd_notify *n); /* to be followed by bd_notify_ready() */
void bd_notify_stopping(struct bd_notify *n);

#endif
