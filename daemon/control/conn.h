/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections: lines in, lines out, requests that wait. Every buffer is
 * bounded, a turn of the event loop does a bounded part of what waits, and a
 * connection that breaks is taken down from the loop, never under the feet of
 * who is using it. */
#ifndef BD_CONN_H
#define BD_CONN_H

#include <event2/bufferevent.h>

#include "daemon/control/peer.h"
#include "daemon/control/quota.h"
#include "daemon/manager/manager.h"
#include "lib/proto/rpc.h"

/* Requests of one connection that may wait at a time. */
#define BD_CONN_CALLS_MAX 64

/* Bounds of one turn of the event loop. Beyond the first that is reached each rank that
 * waits still has one request, so that nobody starves. A plan among many claims takes
 * milliseconds, and its answer is small: time counts by itself. */
#define BD_TURN_REQUESTS 64
#define BD_TURN_TIME BL_MS(20)
#define BD_TURN_BYTES ((size_t)256 << 10) /* of requests and their answers */
#define BD_TURN_FREED 256
/* Turns in a row that viewers wait for others at most. */
#define BD_TURN_WAITS 7

struct bd_conn;

/* The work of the last turn. */
struct bd_turn {
	unsigned requests, freed;
	size_t bytes;
	bl_ms began;
};

/* The handler of the requests that connections bring: bd_requests. The connections know no verb. */
struct bd_conns_serve {
	/* One line of a request, without its newline. */
	void (*line)(struct bd_conn *c, const char *text, size_t len);
	/* The peer may not do any more what it waits for: each request is told, and withdrawn. */
	void (*withdraw_all)(struct bd_conn *c, const struct bl_err *why);
};
extern const struct bd_conns_serve bd_requests;

/* What all connections share; the control socket's. */
struct bd_conns {
	const struct bd_conns_serve *serve;
	struct event_base *base;
	struct bd_manager *manager;
	struct bd_events *events;
	struct bl_json_out *out; /* for one line at a time */
	struct bd_quota quota;
	struct bd_peer_groups groups;
	struct bd_conn *list;
	struct bd_conn *ready[BD_RANKS]; /* those that wait for their turn, first come first */
	struct bd_conn *doomed;		 /* those that are about to be freed */
	struct bd_turn turn;
	unsigned waited;     /* turns in a row that viewers have waited */
	bool many_connect;   /* more than one turn's connections wait to be accepted */
	uint64_t clock;	     /* counts what was sent */
	struct event *turns; /* somebody is ready, or some are to be freed */
	struct event *sweep; /* looks after those who dawdle */
	struct event *trim;  /* gives memory back to the system */
	bool stopping;
	void (*freed)(void *ud); /* a connection went */
	void *ud;
};

int bd_conns_init(struct bd_conns *all, struct event_base *base, unsigned max_clients);
void bd_conns_free(struct bd_conns *all);

/* A new connection of a peer with that role: served where the shares allow it, else told why
 * not, and closed. Takes fd over. */
void bd_conns_admit(struct bd_conns *all, int fd, enum bd_role role, uid_t uid);
/* The groups may have changed: who has lost a right is told, and loses what it was used for. */
void bd_conns_review(struct bd_conns *all);

/* A request on its way; its handler stands in the table in verbs.c. */
struct bd_call {
	struct bd_conn *conn;
	struct bd_conns *all;
	struct bl_rpc_request req;
	size_t len;	/* bytes of its line */
	bool subscribe; /* start a subscription after the answer */
	bool replay;
	uint64_t since;
	size_t left;	       /* parts of what it asks that are not done yet */
	struct bl_err *failed; /* why one of them was not; NULL */
	struct bd_call *prev, *next;
};

/* The answer: members of the result may be written after this one, up to
 * bd_call_done(). Nothing that may answer another call in between. */
struct bl_json_out *bd_call_result(struct bd_call *call);
/* Sends the result, or the error, and frees the call. */
void bd_call_done(struct bd_call *call);
void bd_call_fail(struct bd_call *call, const struct bl_err *err);
void bd_call_fail_code(struct bd_call *call, int code, const char *message);
/* Nobody is there any more to read the answer; frees the call without one. */
bool bd_call_unheard(const struct bd_call *call);
void bd_call_drop(struct bd_call *call);
bool bd_call_subscribed(const struct bd_call *call); /* its connection has a subscription */

#endif
