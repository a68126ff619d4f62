/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's clock, CLOCK_BOOTTIME, and the timers of the Xen backend. Unit tests link a
 * clock of their own in place of this one, which stands still until they set it. */
#ifndef BD_CLOCK_H
#define BD_CLOCK_H

#include <event2/event.h>
#include <stdbool.h>

#include "lib/core/units.h"

bl_ms bd_clock_now(void);
/* For the start, before there is a loop: waits so long. */
void bd_clock_sleep(bl_ms ms);

struct bd_clock_timer;

/* NULL: out of memory. */
struct bd_clock_timer *bd_clock_timer_new(struct event_base *base, void (*fire)(void *ud), void *ud);
/* Fires once, after that time, whatever it was set to before. False: out of memory. */
bool bd_clock_timer_set(struct bd_clock_timer *t, bl_ms in);
void bd_clock_timer_stop(struct bd_clock_timer *t); /* NULL: nothing */
bool bd_clock_timer_pending(const struct bd_clock_timer *t);
void bd_clock_timer_free(struct bd_clock_timer *t); /* NULL: nothing */

#endif
