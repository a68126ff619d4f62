/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection: lines in, lines out, requests that wait. Every buffer is
 * bounded, and a connection that breaks is taken down from the loop, never
 * under the feet of who is using it. */
#ifndef BD_CONN_H
#define BD_CONN_H

#include <event2/bufferevent.h>

#include "daemon/manager.h"
#include "daemon/peer.h"
#include "lib/proto/rpc.h"

/* Requests of one connection that may wait at a time. */
#define BD_CONN_CALLS_MAX 64

struct bd_conn;

/* What all connections share; the control socket's. */
struct bd_conns {
	struct event_base *base;
	struct bd_manager *manager;
	struct bd_events *events;
	struct bl_json_out *out; /* for one line at a time */
	struct bd_conn *list;
	unsigned n;	   /* that are served */
	unsigned n_denied; /* that are told to go */
	size_t queued;	   /* bytes waiting to be sent, over all */
	size_t doomed;	   /* of these, of connections about to be freed */
	uint64_t clock;	   /* counts what was sent */
	struct event *again; /* more lines wait to be handled, or some are to be freed */
	struct event *sweep; /* looks after those who dawdle */
	bool stopping;
	void (*freed)(void *ud); /* a connection went */
	void *ud;
};

int bd_conns_init(struct bd_conns *all, struct event_base *base);
void bd_conns_free(struct bd_conns *all);

/* Takes fd over, closing it on failure. refusal: NULL, or what to say before
 * the connection is closed without a look at what it asks. */
int bd_conn_new(struct bd_conns *all, int fd, enum bd_role role, const struct bl_err *refusal);

/* A request on its way; its handler is in verbs.c. */
struct bd_call {
	struct bd_conn *conn;
	struct bd_conns *all;
	struct bl_rpc_request req;
	bool subscribe; /* start a subscription after the answer */
	bool replay;
	uint64_t since;
	size_t left; /* parts of what it asks that are not done yet */
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
bool bd_call_subscribed(const struct bd_call *call); /* its connection has a subscription */

#endif
