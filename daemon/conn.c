/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/conn-internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/log.h"

/* Lines of one connection handled in one go, so that one that sends many does
 * not keep the others waiting. */
#define BATCH 16
/* Nothing read of what was sent for so long: it never will be. */
#define WRITE_SECONDS 60
#define DENIED_MAX 256 /* more than so many who are told to go get no time to read it */

static void count_output(struct evbuffer *b, const struct evbuffer_cb_info *info, void *ud)
{
	struct bd_conn *c = ud;

	(void)b;
	c->all->queued += info->n_added - info->n_deleted;
	if (info->n_deleted || !info->orig_size)
		c->read_at = ++c->all->clock;
}

void bd_conn_doom(struct bd_conn *c)
{
	if (c->doomed)
		return;
	c->doomed = true;
	(void)bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	c->all->doomed += evbuffer_get_length(bd_conn_output(c));
	bd_conns_turn_soon(c->all);
}

void bd_conn_free(struct bd_conn *c)
{
	struct bd_conns *all = c->all;
	struct bd_call *call, *next;

	bd_conn_doom(c);
	DL_DELETE(all->list, c);
	*(c->denied ? &all->n_denied : &all->n) -= 1;
	bd_events_unsubscribe(c->sub);
	DL_FOREACH_SAFE(c->calls, call, next) {
		if (!all->stopping)
			bd_manager_abandon(all->manager, call);
		bl_rpc_request_done(&call->req);
		free(call);
	}
	all->doomed -= evbuffer_get_length(bd_conn_output(c));
	all->queued -= evbuffer_get_length(bd_conn_output(c));
	(void)evbuffer_remove_cb(bd_conn_output(c), count_output, c);
	bufferevent_free(c->bev);
	free(c);
	if (all->freed)
		all->freed(all->ud);
}

void bd_conn_send(struct bd_conn *c, const char *line, size_t len)
{
	if (c->doomed || c->gone || c->all->stopping)
		return;
	if (bufferevent_write(c->bev, line, len) < 0)
		bd_conn_doom(c);
	bd_conns_keep_budget(c->all);
}

static bool has_line(struct bd_conn *c, size_t *ret_pos)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	struct evbuffer_ptr from, at;

	if (c->scanned >= len || evbuffer_ptr_set(in, &from, c->scanned, EVBUFFER_PTR_SET) < 0)
		return false;
	at = evbuffer_search_eol(in, &from, NULL, EVBUFFER_EOL_LF);
	if (at.pos < 0) {
		c->scanned = len;
		return false;
	}
	*ret_pos = (size_t)at.pos;
	return true;
}

void bd_conn_finish(struct bd_conn *c)
{
	size_t pos;
	bool sent = evbuffer_get_length(bd_conn_output(c)) == 0;

	bool idle = !c->calls && !c->sub && sent;

	if (c->closing ? sent : c->eof && !has_line(c, &pos) && (c->gone || idle))
		bd_conn_doom(c);
}

void bd_conn_close_with(struct bd_conn *c, int code, const char *message)
{
	const char *line;
	size_t len;

	if (bl_rpc_error_code(c->all->out, NULL, code, message, &line, &len) == 0)
		bd_conn_send(c, line, len);
	c->closing = true;
	bd_conn_finish(c);
}

void bd_conn_pump_events(void *ud)
{
	struct bd_conn *c = ud;
	const char *line;
	size_t len;

	while (!c->doomed && evbuffer_get_length(bd_conn_output(c)) < BD_CONN_OUT_PAUSE &&
	       (line = bd_events_next(c->sub, &len)))
		bd_conn_send(c, line, len);
}

void bd_conn_handle_lines(struct bd_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char line[BL_RPC_LINE_MAX];
	size_t pos;

	if (c->doomed || c->all->stopping)
		return;
	if (c->paused && !c->eof)
		(void)bufferevent_enable(c->bev, EV_READ);
	c->paused = false;
	if (c->denied || c->closing) {
		(void)evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	for (int n = 0; has_line(c, &pos); n++) {
		bool full = evbuffer_get_length(bd_conn_output(c)) > BD_CONN_OUT_PAUSE;

		if (full || n == BATCH || bd_conns_over_budget(c->all)) {
			/* Not read from before what is there is handled: a full
			 * input would call on_read without end. */
			(void)bufferevent_disable(c->bev, EV_READ);
			c->paused = true;
			c->hungry = !full; /* else on_write goes on */
			if (c->hungry)
				bd_conns_turn_soon(c->all);
			return;
		}
		c->scanned = 0;
		c->since = 0;
		(void)evbuffer_remove(in, line, pos + 1);
		line[pos] = '\0';
		bd_call_line(c, line, pos);
		if (c->doomed)
			return;
	}
	if (evbuffer_get_length(in) >= BL_RPC_LINE_MAX) {
		bd_conn_close_with(c, BL_RPC_INVALID_REQUEST, "a request has at most 64 KiB");
	} else if (evbuffer_get_length(in) && !c->since && !c->eof) {
		c->since = bd_conns_now();
		bd_conns_sweep_later(c->all);
	}
	bd_conn_finish(c);
}

static void on_read(struct bufferevent *bev, void *ud)
{
	(void)bev;
	bd_conn_handle_lines(ud);
}

/* Little enough is left unsent. */
static void on_write(struct bufferevent *bev, void *ud)
{
	struct bd_conn *c = ud;

	(void)bev;
	if (c->sub)
		bd_conn_pump_events(c);
	bd_conn_handle_lines(c);
	if (!c->doomed)
		bd_conn_finish(c);
}

bool bd_conn_hung_up(const struct bd_conn *c)
{
	struct pollfd p = { .fd = bufferevent_getfd(c->bev) };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

static void on_event(struct bufferevent *bev, short what, void *ud)
{
	static struct bd_log_limit limit;
	struct bd_conn *c = ud;

	if (what & BEV_EVENT_TIMEOUT && c->sub &&
	    evbuffer_get_length(bd_conn_output(c)) <= 2 * BD_CONN_OUT_PAUSE) {
		/* A monitor that was put aside; what it misses is in the ring. */
		(void)bufferevent_enable(bev, EV_WRITE);
		return;
	}
	if (what & BEV_EVENT_EOF) {
		c->eof = true;
		c->gone = bd_conn_hung_up(c);
		c->closing |= c->denied;
		bd_conn_handle_lines(c);
		bd_conn_finish(c);
		bd_conns_sweep_later(c->all);
		return;
	}
	if (what & BEV_EVENT_TIMEOUT)
		bd_log_limited(&limit, LOG_INFO, "a client did not read its answers for %d s: closed",
			       WRITE_SECONDS);
	bd_conn_doom(c);
}

/* One line and away with it, when many are to be told. */
static int deny_at_once(struct bd_conns *all, int fd, const struct bl_err *refusal)
{
	const char *line;
	size_t len;

	if (bl_rpc_error(all->out, NULL, refusal, &line, &len) == 0)
		(void)!send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)close(fd);
	return 0;
}

int bd_conn_new(struct bd_conns *all, int fd, enum bd_role role, const struct bl_err *refusal)
{
	static const struct timeval patience = { .tv_sec = WRITE_SECONDS };
	struct bd_conn *c;
	const char *line;
	size_t len;

	if (refusal && all->n_denied >= DENIED_MAX)
		return deny_at_once(all, fd, refusal);
	c = calloc(1, sizeof(*c));
	if (c)
		c->bev = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		(void)close(fd);
		return -ENOMEM;
	}
	c->all = all;
	c->role = role;
	c->denied = refusal != NULL;
	*(c->denied ? &all->n_denied : &all->n) += 1;
	DL_APPEND(all->list, c);
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, BL_RPC_LINE_MAX);
	bufferevent_setwatermark(c->bev, EV_WRITE, BD_CONN_OUT_RESUME, 0);
	(void)bufferevent_set_timeouts(c->bev, NULL, &patience);
	(void)evbuffer_add_cb(bd_conn_output(c), count_output, c);
	if (c->denied) {
		c->since = bd_conns_now();
		if (bl_rpc_error(all->out, NULL, refusal, &line, &len) == 0)
			bd_conn_send(c, line, len);
		bd_conns_sweep_later(all);
	}
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) < 0)
		bd_conn_doom(c);
	return 0;
}
