/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <utlist.h>

#include "daemon/conn-internal.h"

/* With this much unsent over all, whoever has not read for longest is closed. */
#define OUT_BUDGET (48U << 20)
/* A line begun so long ago is not going to be finished. */
#define LINE_SECONDS 60
/* Time for one who is told to go to read it. */
#define DENIED_SECONDS 2

time_t bd_conns_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec ? t.tv_sec : 1;
}

void bd_conns_turn_soon(struct bd_conns *all)
{
	static const struct timeval at_once;

	/* To add it again would put off one that is about to run. */
	if (!event_pending(all->again, EV_TIMEOUT, NULL))
		(void)event_add(all->again, &at_once);
}

void bd_conns_sweep_later(struct bd_conns *all)
{
	static const struct timeval second = { .tv_sec = 1 };

	if (!event_pending(all->sweep, EV_TIMEOUT, NULL))
		(void)event_add(all->sweep, &second);
}

bool bd_conns_over_budget(const struct bd_conns *all)
{
	return all->queued > OUT_BUDGET;
}

void bd_conns_keep_budget(struct bd_conns *all)
{
	while (all->queued - all->doomed > OUT_BUDGET) {
		struct bd_conn *c, *worst = NULL;

		DL_FOREACH(all->list, c)
			if (!c->doomed && evbuffer_get_length(bd_conn_output(c)) &&
			    (!worst || c->read_at < worst->read_at))
				worst = c;
		if (!worst)
			return;
		bd_conn_doom(worst);
	}
}

static void on_again(evutil_socket_t fd, short what, void *ud)
{
	struct bd_conns *all = ud;
	struct bd_conn *c, *next;

	(void)fd, (void)what;
	DL_FOREACH_SAFE(all->list, c, next)
		if (c->doomed)
			bd_conn_free(c);
	DL_FOREACH(all->list, c) {
		if (!c->hungry)
			continue;
		c->hungry = false;
		bd_conn_handle_lines(c);
	}
}

/* True while c has to be looked after. */
static bool sweep_one(struct bd_conn *c, time_t t)
{
	if (c->denied) {
		if (t - c->since >= DENIED_SECONDS)
			bd_conn_doom(c);
		return true;
	}
	if (c->eof && !c->gone) {
		c->gone = bd_conn_hung_up(c);
		bd_conn_finish(c);
		return true;
	}
	if (!c->since)
		return false;
	if (t - c->since >= LINE_SECONDS) {
		c->since = 0;
		bd_conn_close_with(c, BL_RPC_INVALID_REQUEST, "the request was not finished in time");
	}
	return true;
}

static void on_sweep(evutil_socket_t fd, short what, void *ud)
{
	struct bd_conns *all = ud;
	time_t t = bd_conns_now();
	bool more = false;
	struct bd_conn *c;

	(void)fd, (void)what;
	DL_FOREACH(all->list, c)
		if (!c->doomed)
			more |= sweep_one(c, t);
	if (more)
		bd_conns_sweep_later(all);
}

int bd_conns_init(struct bd_conns *all, struct event_base *base)
{
	all->base = base;
	all->out = bl_json_out_new();
	all->again = evtimer_new(base, on_again, all);
	all->sweep = evtimer_new(base, on_sweep, all);
	return all->out && all->again && all->sweep ? 0 : -ENOMEM;
}

void bd_conns_free(struct bd_conns *all)
{
	struct bd_conn *c, *next;

	all->freed = NULL;
	DL_FOREACH_SAFE(all->list, c, next)
		bd_conn_free(c);
	if (all->again)
		event_free(all->again);
	if (all->sweep)
		event_free(all->sweep);
	bl_json_out_free(all->out);
}
