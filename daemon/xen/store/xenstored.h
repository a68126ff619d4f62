/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread behind store.h. */
#ifndef BD_STORE_XENSTORED_H
#define BD_STORE_XENSTORED_H

#include "daemon/xen/store/queue.h"

struct xs_handle;

struct bd_store_worker {
	struct bd_store_queue queue;
	struct xs_handle *xs; /* the thread's own, as all below */
	bool seen_socket;
};

/* The function of the thread; arg: a bd_store_worker. Ends when the queue is stopped. */
void *bd_store_worker(void *arg);

#endif
