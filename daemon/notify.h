/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages to the service manager, by the protocol of sd_notify(3). Without a service manager
 * every call does nothing. No call waits for a service manager that does not read: it gets its
 * messages later. */
#ifndef BD_NOTIFY_H
#define BD_NOTIFY_H

#include <event2/event.h>

struct bd_notify;

/* Feeds the watchdog from the event loop if there is one. NULL: no memory. */
struct bd_notify *bd_notify_new(struct event_base *base);
void bd_notify_free(struct bd_notify *n); /* NULL is fine */

void bd_notify_ready(struct bd_notify *n, const char *status);
void bd_notify_reloading(struct bd_notify *n); /* bd_notify_ready() must follow */
void bd_notify_stopping(struct bd_notify *n);

#endif
