/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mailbox between the event loop and the xenstore thread: requests, answers, and how long
 * xenstored has been silent. */
#ifndef BD_STORE_QUEUE_H
#define BD_STORE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "daemon/xen/store/store.h"

enum bd_store_op {
	BD_STORE_READ,
	BD_STORE_WRITE,
	BD_STORE_REMOVE,
	BD_STORE_WATCH,
	BD_STORE_UNWATCH,
	BD_STORE_ASK_INTRODUCED,
};

struct bd_store_request {
	STAILQ_ENTRY(bd_store_request) link;
	enum bd_store_op op;
	uint64_t cookie;
	uint32_t domid;
	/* NULL, or in the same allocation: */
	const char *value, *expect;
	struct bd_store_guard guard; /* path NULL: no guard */
	char path[];
};
STAILQ_HEAD(bd_store_requests, bd_store_request);
STAILQ_HEAD(bd_store_answers, bd_store_answer);

struct bd_store_queue {
	int wake_fd;		       /* readable for the worker: a request is there, or the end */
	int reply_fd;		       /* readable for the event loop: answers are there */
	_Atomic uint64_t silent_since; /* ms of the host's clock; 0: xenstored is not silent */
	pthread_mutex_t lock;
	/* under the lock: */
	struct bd_store_requests soon, later;
	struct bd_store_answers answers;
	unsigned n_answers;
	bool woken;   /* the event loop, about the answers */
	bool working; /* the worker does not wait */
	bool urgent;  /* the request under way is from `soon`: its answer waits for no others */
	bool stop;
};

int bd_store_queue_init(struct bd_store_queue *q);
void bd_store_queue_free(struct bd_store_queue *q); /* with all that is queued */

/* For the event loop. */
int bd_store_queue_push(struct bd_store_queue *q, bool later, const struct bd_store_request *what,
			const char *path);
void bd_store_queue_deliver(struct bd_store_queue *q, bd_store_sink sink, void *ud);
bool bd_store_queue_idle(struct bd_store_queue *q);
void bd_store_queue_stop(struct bd_store_queue *q);

/* For the worker. False: the worker must end. *ret NULL: nothing to do. The caller frees *ret. */
bool bd_store_queue_next(struct bd_store_queue *q, struct bd_store_request **ret);
void bd_store_queue_post(struct bd_store_queue *q, const struct bd_store_reply *reply);
/* Waits until a request is there, fd is readable (-1: none) or the time is over (-1: never). */
void bd_store_queue_wait(struct bd_store_queue *q, int fd, int timeout_ms);
/* Notes that the worker begins, or ceases, to wait for xenstored. */
void bd_store_queue_silent(struct bd_store_queue *q, bool yes);

#endif
