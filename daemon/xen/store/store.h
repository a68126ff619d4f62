/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstore, behind a worker thread: libxenstore waits for its answers, and xenstored may take any
 * time. Requests are queued here and answered on the event loop, in the order in which the worker
 * handles them. The worker reads a watched path itself and delivers the value in the same way. So
 * each answer is newer than the answers before.
 *
 * Nothing here knows domains: a cookie is the caller's. */
#ifndef BD_STORE_H
#define BD_STORE_H

#include <event2/event.h>

#include "lib/core/err.h"
#include "lib/core/units.h"

struct bd_store;

enum bd_store_what {
	BD_STORE_VALUE,	     /* of a read, or of a watched path that changed */
	BD_STORE_FIRED,	     /* a watch that is not to be read */
	BD_STORE_WRITTEN,    /* r -ESTALE: value is what the worker found */
	BD_STORE_INTRODUCED, /* r 1: xenstored knows the domain; 0: it does not */
	BD_STORE_CONNECTED,  /* for the first time or again: earlier watches are gone */
	BD_STORE_LOST,	     /* the connection is lost; all that was queued has been answered */
};

struct bd_store_reply {
	enum bd_store_what what;
	uint64_t cookie;
	int r;		   /* 0 or -errno: -ENOENT, -ENOTCONN, ... */
	const char *value; /* len bytes and a NUL; NULL: no value */
	size_t len;
};

typedef void (*bd_store_sink)(void *ud, const struct bd_store_reply *reply);

int bd_store_open(struct event_base *base, bd_store_sink sink, void *ud, struct bd_store **ret,
		  struct bl_err *reterr);
/* Waits a second for the worker if it hangs in xenstored, and then leaves it behind: for a
 * process that is about to end. */
void bd_store_close(struct bd_store *s);

/* A condition that is checked in the transaction of the request: the domain that the request is
 * for may be gone by then, and another domain may have its id. */
struct bd_store_guard {
	const char *path;
	const char *value; /* NULL: nothing may be at path */
};

/* All return 0 or -ENOMEM, and copy paths and values. */
int bd_store_read(struct bd_store *s, uint64_t cookie, const char *path);
/* As bd_store_read(), but after all other requests: for reads at every tick. */
int bd_store_read_later(struct bd_store *s, uint64_t cookie, const char *path);
/* Writes only if the value is still `expect` (NULL: whatever is there). Answers: -ESTALE with the
 * value; -ENOENT; -ESRCH if the guard (NULL: none) does not hold. */
int bd_store_write(struct bd_store *s, uint64_t cookie, const char *path, const char *value,
		   const char *expect, const struct bd_store_guard *guard);
/* Removes the path with all below it. There is no answer. */
int bd_store_remove(struct bd_store *s, const char *path, const struct bd_store_guard *guard);
/* Answers now and at each change, with VALUE (read) or FIRED; failures are VALUE with r < 0 other
 * than -ENOENT. */
int bd_store_watch(struct bd_store *s, uint64_t cookie, const char *path, bool read);
int bd_store_unwatch(struct bd_store *s, uint64_t cookie, const char *path, bool read);
int bd_store_introduced(struct bd_store *s, uint64_t cookie, uint32_t domid);

/* The time, on the host's clock, since which the worker has waited for xenstored or has had no
 * connection; 0 ms: it does neither. */
bl_ms bd_store_silent(const struct bd_store *s);
/* Runs the sink until all that is queued is answered, or the limit is over (-ETIMEDOUT): for the
 * start and the end of the process. */
int bd_store_settle(struct bd_store *s, bl_ms limit);

#endif
