/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that may wait for a disk or for another program: a thread does the work, while the event
 * loop goes on. */
#ifndef BD_ASIDE_H
#define BD_ASIDE_H

#include <event2/event.h>
#include <stdbool.h>

struct bd_aside;

struct bd_aside_work {
	void (*work)(void *ud); /* called by the thread; must not log */
	void (*done)(void *ud); /* called by the event loop after the work; may ask for more */
	void *ud;		/* belongs to the thread from bd_aside_ask() until done is called */
};

/* Starts the thread. NULL: no memory, or no thread. */
struct bd_aside *bd_aside_new(struct event_base *base, const struct bd_aside_work *work);

/* Has the work done. While the work is under way, any number of calls makes it run once more
 * afterwards. */
void bd_aside_ask(struct bd_aside *a);

/* Ends the thread; done is not called any more. False: the work still hangs, and what ud points
 * to must stay. */
bool bd_aside_free(struct bd_aside *a);

#endif
