/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For conn.c, conns.c, turn.c, request.c and answer.c alone. */
#ifndef BD_CONTROL_INTERNAL_H
#define BD_CONTROL_INTERNAL_H

#include <event2/buffer.h>
#include <time.h>

#include "daemon/control/conn.h"

/* A connection with this much unsent handles no requests until less than BD_CONN_OUT_RESUME is
 * unsent. */
#define BD_CONN_OUT_PAUSE (256U << 10)
#define BD_CONN_OUT_RESUME (64U << 10)
/* A subscriber with this much unsent gets no events. The events stay in the ring, which all
 * subscribers share, so that slow readers cost little memory. */
#define BD_CONN_EVENTS_PAUSE (8U << 10)

struct bd_conn {
	struct bd_conns *all;
	struct bufferevent *bev;
	enum bd_role role;
	uid_t uid;
	struct bd_user *user;	 /* whose shares the connection uses */
	struct bd_charge charge; /* what is counted for that user */
	struct bd_call *calls;	 /* not answered yet */
	struct bd_subscription *sub;
	size_t scanned;	      /* bytes of input known to hold no newline */
	uint64_t read_at;     /* all->clock when the peer last read something, or had nothing left to read */
	time_t since;	      /* when an unfinished line began, or a denied peer was told; 0 */
	bool denied;	      /* was told why it is closed */
	bool close_when_sent; /* close once all is sent */
	bool eof;	      /* the peer sends no more */
	bool hung_up;	      /* the peer reads no more either */
	bool paused;	      /* not read until the lines already read are handled */
	bool ready;	      /* in all->ready */
	bool closing;	      /* in all->closing */
	struct bd_conn *prev, *next;
	struct bd_conn *ready_prev, *ready_next; /* in all->ready or all->closing */
};

static inline struct evbuffer *bd_conn_output(const struct bd_conn *c)
{
	return bufferevent_get_output(c->bev);
}

/* conn.c */
int bd_conn_new(struct bd_conns *all, int fd, struct bd_user *user, enum bd_role role, uid_t uid,
		struct bd_conn **ret);
void bd_conn_close(struct bd_conn *c); /* frees c in the next turn; may be called again */
void bd_conn_free(struct bd_conn *c);
void bd_conn_send(struct bd_conn *c, const char *line, size_t len);
/* Handles a line if a whole line is there and the output has room. True: another line waits. */
bool bd_conn_handle_line(struct bd_conn *c);
void bd_conn_finish(struct bd_conn *c); /* closes c when nothing more can come of c */
void bd_conn_close_with(struct bd_conn *c, int code, const char *message);
/* Sends the reason, answers nothing any more, and gives the peer a moment to read. */
void bd_conn_deny(struct bd_conn *c, const struct bl_err *why);
void bd_conn_pump_events(struct bd_conn *c);
bool bd_conn_hung_up(const struct bd_conn *c); /* closed in both directions: nobody reads answers */

/* conns.c */
time_t bd_conns_now(void); /* seconds, never 0 */
void bd_conns_sweep_later(struct bd_conns *all);
/* Closes the connections that hold most while the user or the rank of c is over its budget. */
void bd_conns_keep_budget(struct bd_conn *c);
/* Gives freed memory back to the system in a while. */
void bd_conns_trim_later(struct bd_conns *all);

/* turn.c */
int bd_turn_init(struct bd_conns *all);
void bd_turn_soon(struct bd_conns *all);
void bd_turn_add(struct bd_conn *c); /* c has something to do in a turn; may be called again */
void bd_turn_remove(struct bd_conn *c);
void bd_turn_wake(void *conn); /* bd_turn_add() for a subscription */

/* answer.c */
/* Adds a request of len bytes to what is counted for the user, or takes the request off. */
void bd_call_count(struct bd_conn *c, bool begins, size_t len);

#endif
