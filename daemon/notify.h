/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is told. Without one every call does nothing. */
#ifndef BD_NOTIFY_H
#define BD_NOTIFY_H

#include <event2/event.h>

struct bd_notify;

/* Starts feeding the watchdog from the loop where one is set. NULL: no memory. */
struct bd_notify *bd_notify_new(struct event_base *base);
void bd_notify_free(struct bd_notify *n);

void bd_notify_ready(const char *status);
void bd_notify_reloading(void); /* to be followed by bd_notify_ready() */
void bd_notify_stopping(void);

#endif
