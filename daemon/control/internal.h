/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of conn.c, conns.c, turn.c, request.c and answer.c alone. */
#ifndef BD_CONTROL_INTERNAL_H
#define BD_CONTROL_INTERNAL_H

#include <event2/buffer.h>
#include <time.h>

#include "daemon/control/conn.h"

/* With this much unsent, a connection's further requests wait until less than the second is
 * left. */
#define BD_CONN_OUT_PAUSE (256U << 10)
#define BD_CONN_OUT_RESUME (64U << 10)
/* With this much unsent, a subscriber's events stay in the ring, which all share: what is
 * copied for those who do not read stays small. */
#define BD_CONN_EVENTS_PAUSE (8U << 10)

struct bd_conn {
	struct bd_conns *all;
	struct bufferevent *bev;
	enum bd_role role;
	uid_t uid;
	struct bd_user *user;	 /* whose shares are used */
	struct bd_charge charge; /* what is counted for that user */
	struct bd_call *calls;	 /* not answered yet */
	struct bd_subscription *sub;
	size_t scanned;	  /* bytes of input known to hold no newline */
	uint64_t read_at; /* all->clock when the peer last read something, or had all */
	time_t since;	  /* a line was begun, or the one to go was told; 0 */
	bool denied;	  /* was told to go */
	bool closing;	  /* to be closed once all is sent */
	bool eof;	  /* sends no more */
	bool gone;	  /* reads no more either */
	bool paused;	  /* not read from until its lines are handled */
	bool ready;	  /* waits for its turn */
	bool doomed;	  /* to be freed */
	struct bd_conn *prev, *next;
	struct bd_conn *ready_prev, *ready_next; /* in all->ready or all->doomed */
};

static inline struct evbuffer *bd_conn_output(const struct bd_conn *c)
{
	return bufferevent_get_output(c->bev);
}

/* conn.c */
int bd_conn_new(struct bd_conns *all, int fd, struct bd_user *user, enum bd_role role, uid_t uid,
		struct bd_conn **ret);
void bd_conn_doom(struct bd_conn *c); /* to be freed at the next turn; may be called again */
void bd_conn_free(struct bd_conn *c);
void bd_conn_send(struct bd_conn *c, const char *line, size_t len);
/* One line, if there is a whole one and room for its answer. True: another one waits. */
bool bd_conn_handle_line(struct bd_conn *c);
void bd_conn_finish(struct bd_conn *c); /* dooms c when nothing more can come of it */
void bd_conn_close_with(struct bd_conn *c, int code, const char *message);
/* Says why, answers nothing any more, and gives the peer a moment to read it. */
void bd_conn_deny(struct bd_conn *c, const struct bl_err *why);
void bd_conn_pump_events(struct bd_conn *c);
bool bd_conn_hung_up(const struct bd_conn *c); /* closed both ways: nobody waits any more */

/* conns.c */
time_t bd_conns_now(void); /* seconds, never 0 */
void bd_conns_sweep_later(struct bd_conns *all);
/* Dooms connections of those who hold too much, if c's user or rank does. */
void bd_conns_keep_budget(struct bd_conn *c);
/* Memory went back to the allocator: it is given to the system in a while. */
void bd_conns_trim_later(struct bd_conns *all);

/* turn.c */
int bd_turn_init(struct bd_conns *all);
void bd_turn_soon(struct bd_conns *all);
void bd_turn_add(struct bd_conn *c); /* has something for its turn; may be called again */
void bd_turn_remove(struct bd_conn *c);
void bd_turn_wake(void *conn); /* bd_turn_add() of a subscriber */

/* answer.c */
/* Counts a request of len bytes for the user of its connection, or no longer. */
void bd_call_count(struct bd_conn *c, bool begins, size_t len);

#endif
