/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread behind store.h. */
#ifndef BD_STORE_XENSTORED_H
#define BD_STORE_XENSTORED_H

#include "daemon/xen/store/queue.h"

struct xs_handle;

struct bd_store_worker {
	struct bd_store_queue queue;
	struct xs_handle *xs; /* the thread's own, like all below */
	bool seen_socket;
};

/* A thread's function; arg: a bd_store_worker. It ends when the queue is stopped. */
void *bd_store_worker(void *arg);

#endif
