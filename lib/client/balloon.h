/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libballoon: talk to balloond, the memory control plane of a Xen host.
 *
 * Errors    A function that can fail returns 0 (or what it says) or a negative
 *           errno, and fills *reterr where one is given (NULL is fine). What
 *           the caller scripts against is reterr->id, a stable word.
 * Ownership What a function returns through a `ret_` parameter is the
 *           caller's, to be given back with the function named there. Outputs
 *           are written only on success. Arguments stay the caller's.
 * Threads   No hidden state: one thread at a time per object, as many objects
 *           as you like.
 * Units     Bytes as uint64_t, seconds as double.
 *
 * The library writes nothing to stdout, stderr or a log, installs no signal
 * handler, raises no SIGPIPE, never ends the process, and its descriptors are
 * closed on exec.
 */
#ifndef BALLOON_H
#define BALLOON_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BALLOON_API __attribute__((visibility("default")))

#define BALLOON_ID_SIZE 37 /* a UUID and a NUL */

/*
 * id is one of
 *   no-memory        there is not enough memory, now or ever
 *   timeout          it did not come in time; the claim is withdrawn
 *   no-such-domain   no-such-claim
 *   ambiguous        two domains have that name; the message has their UUIDs
 *   not-permitted    this user may not
 *   bad-state        not as things stand now
 *   unsupported      this host cannot
 *   backend          the hypervisor or xenstore failed, or this library did
 *   invalid-params   the request was wrong; the message says how
 *   no-daemon        nobody listens, nobody answers, or the connection broke
 * More may be added; treat one you do not know as a failure.
 */
struct balloon_error {
	int errnum;	    /* positive errno, as the function returned it negated */
	int code;	    /* of the JSON-RPC error; 0: did not come from the daemon */
	char id[32];	    /* never empty */
	char message[1024]; /* one line of UTF-8 for people */
};

struct balloon;	       /* a connection for requests */
struct balloon_events; /* a connection for events */

/* The socket that would be used: path if not NULL, otherwise $BALLOOND_SOCKET (ignored in
 * set-user-id programs), otherwise /run/balloond/control.sock. The result is path itself, the
 * environment's string, or static. */
BALLOON_API const char *balloon_socket_path(const char *path);

/* Connects (see balloon_socket_path); give the connection back with balloon_close. */
BALLOON_API int balloon_connect(const char *path, struct balloon **ret_connection,
				struct balloon_error *reterr);
BALLOON_API void balloon_close(struct balloon *connection); /* NULL is fine */

/* How long a call waits for its answer, at least 1 ms; negative (the default): as long as the
 * answer takes. When the time is over the call fails with no-daemon (-ETIMEDOUT), and the next
 * call connects again. */
BALLOON_API void balloon_set_timeout(struct balloon *connection, int milliseconds);

/* Sends one request of the protocol, see balloond-protocol(7). params is the text of a JSON
 * object, NULL for none. The result is the text of the result object, on one line; give it back
 * with balloon_free.
 *
 * When the connection breaks, the call fails with no-daemon, and the next call connects again.
 * The method "claim" is an exception: it gets an "id" if params has none, and if the connection
 * breaks while it waits (for instance because the daemon is restarted), it is sent again with the
 * same id for a while, so that it never stakes twice. */
BALLOON_API int balloon_call(struct balloon *connection, const char *method, const char *params,
			     char **ret_result, struct balloon_error *reterr);
BALLOON_API void balloon_free(char *result); /* NULL is fine */

/* A new random id for a claim, or -errno. */
BALLOON_API int balloon_new_id(char ret_id[BALLOON_ID_SIZE]);

/* 0 when the daemon answers. */
BALLOON_API int balloon_ping(struct balloon *connection, struct balloon_error *reterr);

enum balloon_wait {
	BALLOON_WAIT_DEFAULT, /* for balloons, as long as they make progress */
	BALLOON_WAIT_SECONDS, /* for balloons and other claims, for wait_seconds */
	BALLOON_WAIT_NOT,     /* queue the claim and return: it may still be reclaiming */
	BALLOON_WAIT_NOW,     /* use only memory that is free at this moment */
};

/* What to claim. Start from BALLOON_CLAIM_REQUEST_INIT; 0 and NULL: not given. */
struct balloon_claim_request {
	uint64_t size_bytes;	 /* required */
	uint64_t min_bytes;	 /* accept this much when no more comes */
	uint64_t overhead_bytes; /* kept unclaimed until the domain is built */
	const char *id;		 /* a UUID; the same id again returns the same claim */
	const char *name;	 /* of the domain to come */
	const char *uuid;	 /* of the domain to come */
	int node;		 /* -1: any */
	enum balloon_wait wait;
	double wait_seconds;
	double ttl_seconds; /* the lease, which starts when the claim is held */
};
#define BALLOON_CLAIM_REQUEST_INIT { 0, 0, 0, 0, 0, 0, -1, BALLOON_WAIT_DEFAULT, 0, 0 }

struct balloon_claim_info {
	char id[BALLOON_ID_SIZE];
	char state[16]; /* "reclaiming", "held", "building", ... */
	uint64_t size_bytes;
	uint64_t held_bytes;
	double expires_in_seconds; /* negative: the lease does not run */
};

/* Waits until the claim is held, or as request->wait tells. */
BALLOON_API int balloon_claim(struct balloon *connection, const struct balloon_claim_request *request,
			      struct balloon_claim_info *ret_claim, struct balloon_error *reterr);
BALLOON_API int balloon_release(struct balloon *connection, const char *id, struct balloon_error *reterr);
BALLOON_API int balloon_renew(struct balloon *connection, const char *id, double ttl_seconds,
			      struct balloon_claim_info *ret_claim, struct balloon_error *reterr);

/* Subscribes to events: from now on (since NULL), or from the first event after number *since
 * that the daemon still has. Give the subscription back with balloon_events_close. */
BALLOON_API int balloon_subscribe(const char *path, const uint64_t *since,
				  struct balloon_events **ret_events, struct balloon_error *reterr);
/* Readable when balloon_events_next may have an event. Several events may have been read already:
 * call it with 0 until it returns 0, then poll. */
BALLOON_API int balloon_events_fd(const struct balloon_events *events);
/* Waits at most so long (negative: for ever). 1: *ret_event is the text of the event's object
 * (seq, time, type, ...); give it back with balloon_free. 0: no event came. Negative: the
 * subscription has ended. */
BALLOON_API int balloon_events_next(struct balloon_events *events, int timeout_milliseconds,
				    char **ret_event, struct balloon_error *reterr);
BALLOON_API void balloon_events_close(struct balloon_events *events); /* NULL is fine */

#ifdef __cplusplus
}
#endif

#endif
