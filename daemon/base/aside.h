/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A piece of work that may wait for a disk or for another program is done by a thread,
 * while the event loop goes on. */
#ifndef BD_ASIDE_H
#define BD_ASIDE_H

#include <event2/event.h>
#include <stdbool.h>

struct bd_aside;

struct bd_aside_work {
	void (*work)(void *ud); /* by the thread: must not log */
	void (*done)(void *ud); /* by the loop, after each work; may ask for more work */
	void *ud;		/* the thread's from bd_aside_ask() on until done is called */
};

/* Starts the thread. NULL: no memory, or no thread is to be had. */
struct bd_aside *bd_aside_new(struct event_base *base, const struct bd_aside_work *work);

/* Has the work done. Asked for while it is under way, it is done once more afterwards,
 * however often it was asked for. */
void bd_aside_ask(struct bd_aside *a);

/* Ends the thread; done is not called any more. False: the work still waits, and what ud
 * points to must stay. */
bool bd_aside_free(struct bd_aside *a);

#endif
