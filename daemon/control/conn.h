/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections: lines in, lines out, requests that wait. Every buffer is bounded, a turn of
 * the event loop does a bounded part of the waiting work, and a broken connection is freed from
 * the event loop, never while a caller still uses the connection. */
#ifndef BD_CONN_H
#define BD_CONN_H

#include <event2/bufferevent.h>

#include "daemon/control/peer.h"
#include "daemon/control/quota.h"
#include "daemon/manager/manager.h"
#include "lib/proto/rpc.h"

/* Requests of one connection that may wait for an answer at a time. */
#define BD_CONN_CALLS_MAX 64

/* Bounds of one turn of the event loop. A rank that waits has one request handled even when a
 * bound is reached, so that nobody starves. Time counts by itself, since a plan among many claims
 * takes milliseconds and its answer is small. */
#define BD_TURN_REQUESTS 64
#define BD_TURN_TIME BL_MS(20)
#define BD_TURN_BYTES ((size_t)256 << 10) /* of requests and of answers */
#define BD_TURN_FREED 256
/* Viewers wait for others at most this many turns in a row. */
#define BD_TURN_WAITS 7

struct bd_conn;

/* What the last turn did. */
struct bd_turn {
	unsigned requests, freed;
	size_t bytes;
	bl_ms began;
};

/* How the connections pass requests up, without knowing the verbs: bd_requests. */
struct bd_conns_serve {
	/* Handles one line, the text of a request without its newline. */
	void (*line)(struct bd_conn *c, const char *text, size_t len);
	/* The peer has lost its right: answers each waiting request with an error, and withdraws
 * it. */
	void (*withdraw_all)(struct bd_conn *c, const struct bl_err *why);
};
extern const struct bd_conns_serve bd_requests;

/* What all connections of the control socket share. */
struct bd_conns {
	const struct bd_conns_serve *serve;
	struct event_base *base;
	struct bd_manager *manager;
	struct bd_events *events;
	struct bl_json_out *out; /* for one line at a time */
	struct bd_quota quota;
	struct bd_peer_groups groups;
	struct bd_conn *list;
	struct bd_conn *ready[BD_RANKS]; /* with something to do in a turn, first come first served */
	struct bd_conn *closing;	 /* to be freed in the next turn */
	struct bd_turn turn;
	unsigned waited;     /* turns in a row in which viewers waited */
	bool many_connect;   /* more connections wait than one turn accepts */
	uint64_t clock;	     /* counts what peers have read */
	struct event *turns; /* pending while a turn has something to do */
	struct event *sweep; /* closes slow peers */
	struct event *trim;  /* gives memory back to the system */
	bool stopping;
	void (*freed)(void *ud); /* called after a connection was freed */
	void *ud;
};

int bd_conns_init(struct bd_conns *all, struct event_base *base, unsigned max_clients);
void bd_conns_free(struct bd_conns *all);

/* Takes over fd, a new connection of a peer with that role: serves the peer if the shares allow
 * that; otherwise tells the peer why not and closes fd. */
void bd_conns_admit(struct bd_conns *all, int fd, enum bd_role role, uid_t uid);
/* The groups may have changed: tells each peer that lost a right, and withdraws its requests. */
void bd_conns_review(struct bd_conns *all);

/* A request under way; the table in verbs.c has its handler. */
struct bd_call {
	struct bd_conn *conn;
	struct bd_conns *all;
	struct bl_rpc_request req;
	size_t len;	/* bytes of the request's line */
	bool subscribe; /* start a subscription after the answer */
	bool replay;
	uint64_t since;
	size_t left;	       /* parts of the request that are not done yet */
	struct bl_err *failed; /* why a part failed; NULL */
	struct bd_call *prev, *next;
};

/* Begins the answer: the handler may write members of the result until bd_call_done(). The
 * handler must not do anything that may answer another call in between. */
struct bl_json_out *bd_call_result(struct bd_call *call);
/* Sends the result, or the error, and frees the call. */
void bd_call_done(struct bd_call *call);
void bd_call_fail(struct bd_call *call, const struct bl_err *err);
void bd_call_fail_code(struct bd_call *call, int code, const char *message);
/* True if nobody will read the answer. bd_call_drop() frees a call without an answer. */
bool bd_call_unheard(const struct bd_call *call);
void bd_call_drop(struct bd_call *call);
bool bd_call_subscribed(const struct bd_call *call); /* the connection of the call has a subscription */

#endif
