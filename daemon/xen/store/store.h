/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstore, behind one worker thread: libxenstore waits for its answers, and
 * xenstored may take any time for them. Requests are queued here and answered
 * on the event loop, in the order the worker came to them; a watched path is
 * read by the worker and its value delivered the same way. So at any answer,
 * what was answered before is what was true before.
 *
 * Knows nothing of domains: a cookie is the caller's. */
#ifndef BD_STORE_H
#define BD_STORE_H

#include <event2/event.h>

#include "lib/core/err.h"
#include "lib/core/units.h"

struct bd_store;

enum bd_store_what {
	BD_STORE_VALUE,	     /* of a read, or of a watched path now */
	BD_STORE_FIRED,	     /* a watch that is not read */
	BD_STORE_WRITTEN,    /* a write is done; r -ESTALE: value is what was found */
	BD_STORE_INTRODUCED, /* r 1: xenstored knows the domain, 0: it does not */
	BD_STORE_CONNECTED,  /* anew: watches set before are gone */
	BD_STORE_LOST,	     /* the connection; what was queued has been answered */
};

struct bd_store_reply {
	enum bd_store_what what;
	uint64_t cookie;
	int r;		   /* 0 or -errno: -ENOENT, -ENOTCONN, ... */
	const char *value; /* with a NUL after len bytes; NULL where there is none */
	size_t len;
};

typedef void (*bd_store_sink)(void *ud, const struct bd_store_reply *reply);

int bd_store_open(struct event_base *base, bd_store_sink sink, void *ud, struct bd_store **ret,
		  struct bl_err *reterr);
/* Waits a second for a worker that hangs in xenstored; then leaves it behind,
 * which is for a process about to end. */
void bd_store_close(struct bd_store *s);

/* What must be so when a request is done, and is seen to in the same transaction: the
 * domain that the request is for may be gone by then, and another one have its id. */
struct bd_store_guard {
	const char *path;
	const char *value; /* NULL: there is nothing at path */
};

/* All return 0 or -ENOMEM. Paths and values are copied. */
int bd_store_read(struct bd_store *s, uint64_t cookie, const char *path);
/* The same behind all else: for what is read at every tick. */
int bd_store_read_later(struct bd_store *s, uint64_t cookie, const char *path);
/* Writes only where the value is still `expect` (NULL: whatever is there); else answered
 * with -ESTALE and the value, or with -ENOENT. A guard (NULL: none) that does not hold: -ESRCH. */
int bd_store_write(struct bd_store *s, uint64_t cookie, const char *path, const char *value,
		   const char *expect, const struct bd_store_guard *guard);
/* With all below it; not answered. */
int bd_store_remove(struct bd_store *s, const char *path, const struct bd_store_guard *guard);
/* Answered with VALUE (read) or FIRED now and at each change; a failure as
 * VALUE with r < 0 other than -ENOENT. */
int bd_store_watch(struct bd_store *s, uint64_t cookie, const char *path, bool read);
int bd_store_unwatch(struct bd_store *s, uint64_t cookie, const char *path, bool read);
int bd_store_introduced(struct bd_store *s, uint64_t cookie, uint32_t domid);

/* Since when, on the host's clock, the worker waits for xenstored, or has no connection;
 * 0 ms when it does neither. */
bl_ms bd_store_silent(const struct bd_store *s);
/* Runs the sink until all that is queued is answered, at most so long; for
 * the start and the end of the process. -ETIMEDOUT. */
int bd_store_settle(struct bd_store *s, bl_ms limit);

#endif
