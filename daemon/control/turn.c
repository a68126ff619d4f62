/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests are not handled where they are read, but in turns that do a bounded part of the
 * waiting work. Between two turns the event loop does everything else: ticks, the watchdog, new
 * connections. A turn serves root first, then the group, then viewers, and within a rank one
 * request of each connection after the other. (libevent's priorities are strict: a peer that
 * keeps a higher priority busy would starve all others.) */
#include <errno.h>
#include <utlist.h>

#include "daemon/base/clock.h"
#include "daemon/control/internal.h"

void bd_turn_soon(struct bd_conns *all)
{
	static const struct timeval at_once;

	/* Adding a pending event again would put it off. */
	if (!event_pending(all->turns, EV_TIMEOUT, NULL))
		(void)event_add(all->turns, &at_once);
}

void bd_turn_add(struct bd_conn *c)
{
	if (c->ready || c->closing)
		return;
	c->ready = true;
	DL_APPEND2(c->all->ready[c->user->rank], c, ready_prev, ready_next);
	bd_turn_soon(c->all);
}

void bd_turn_remove(struct bd_conn *c)
{
	if (!c->ready)
		return;
	c->ready = false;
	DL_DELETE2(c->all->ready[c->user->rank], c, ready_prev, ready_next);
}

void bd_turn_wake(void *conn)
{
	bd_turn_add(conn);
}

static bool within_bounds(const struct bd_turn *t)
{
	return t->requests < BD_TURN_REQUESTS && t->bytes < BD_TURN_BYTES &&
	       bl_ms_since(bd_clock_now(), t->began).n < BD_TURN_TIME.n;
}

static void serve(struct bd_conn *c)
{
	bd_turn_remove(c);
	bd_conn_pump_events(c);
	if (bd_conn_handle_line(c))
		bd_turn_add(c);
}

/* A viewer's request for all domains takes longer than everything else in a turn. While others
 * have requests, unread answers or connections to be accepted, viewers sit out some turns, but
 * never many in a row. */
static bool viewers_wait(struct bd_conns *all)
{
	const struct bd_quota *q = &all->quota;

	if (!all->turn.requests && !q->unsent[BD_RANK_ROOT] && !q->unsent[BD_RANK_GROUP] &&
	    !all->many_connect)
		all->waited = BD_TURN_WAITS;
	if (all->waited++ < BD_TURN_WAITS)
		return true;
	all->waited = 0;
	return false;
}

static void on_turn(evutil_socket_t fd, short what, void *ud)
{
	struct bd_conns *all = ud;
	bool more = false;

	(void)fd, (void)what;
	all->turn = (struct bd_turn){ .began = bd_clock_now() };
	for (; all->closing && all->turn.freed < BD_TURN_FREED; all->turn.freed++)
		bd_conn_free(all->closing);
	for (int rank = 0; rank < BD_RANKS && !all->stopping; rank++) {
		unsigned before = all->turn.requests;

		more |= all->ready[rank] != NULL;
		if (rank == BD_RANK_VIEWER && all->ready[rank] && viewers_wait(all))
			continue;
		while (all->ready[rank] && (within_bounds(&all->turn) || all->turn.requests == before))
			serve(all->ready[rank]);
	}
	if (all->closing || (more && !all->stopping))
		bd_turn_soon(all);
}

int bd_turn_init(struct bd_conns *all)
{
	all->turns = evtimer_new(all->base, on_turn, all);
	return all->turns ? 0 : -ENOMEM;
}
