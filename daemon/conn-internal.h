/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of conn.c, conns.c and call.c alone. */
#ifndef BD_CONN_INTERNAL_H
#define BD_CONN_INTERNAL_H

#include <event2/buffer.h>
#include <time.h>

#include "daemon/conn.h"

/* With this much unsent, a connection's further requests wait and its events
 * stay in the ring. */
#define BD_CONN_OUT_PAUSE (256U << 10)
#define BD_CONN_OUT_RESUME (64U << 10)

struct bd_conn {
	struct bd_conns *all;
	struct bufferevent *bev;
	enum bd_role role;
	struct bd_call *calls; /* not answered yet */
	unsigned n_calls;
	struct bd_subscription *sub;
	size_t scanned; /* bytes of input known to hold no newline */
	uint64_t read_at; /* all->clock when the peer last read something, or had all */
	time_t since;	/* a line was begun, or the one to go was told; 0 */
	bool denied;	/* was told to go */
	bool closing;	/* to be closed once all is sent */
	bool eof;	/* sends no more */
	bool gone;	/* reads no more either */
	bool paused;	/* not read from until its lines are handled */
	bool hungry;	/* has lines left for the next turn */
	bool doomed;	/* to be freed */
	struct bd_conn *prev, *next;
};

static inline struct evbuffer *bd_conn_output(const struct bd_conn *c)
{
	return bufferevent_get_output(c->bev);
}

/* conn.c */
void bd_conn_doom(struct bd_conn *c); /* to be freed at the next turn; may be called again */
void bd_conn_free(struct bd_conn *c);
void bd_conn_send(struct bd_conn *c, const char *line, size_t len);
void bd_conn_handle_lines(struct bd_conn *c);
void bd_conn_finish(struct bd_conn *c); /* dooms c when nothing more can come of it */
void bd_conn_close_with(struct bd_conn *c, int code, const char *message);
void bd_conn_pump_events(void *conn);
bool bd_conn_hung_up(const struct bd_conn *c); /* closed both ways: nobody waits any more */

/* conns.c */
time_t bd_conns_now(void); /* seconds, never 0 */
void bd_conns_turn_soon(struct bd_conns *all);
void bd_conns_sweep_later(struct bd_conns *all);
/* More is unsent than is bearable until the doomed are freed: no request is
 * answered before that. */
bool bd_conns_over_budget(const struct bd_conns *all);
/* Dooms whoever has not read for longest until what is left is bearable. */
void bd_conns_keep_budget(struct bd_conns *all);

/* call.c */
void bd_call_line(struct bd_conn *c, const char *text, size_t len);

#endif
