/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "daemon/base/log.h"

/* Once a whole line and this much more is read, the rest stays in the socket until the line is
 * handled. */
#define READ_AHEAD (4U << 10)
/* Bytes that the kernel keeps for a peer that does not read; the kernel doubles the number. The
 * kernel counts them as memory of the daemon: with the default 4096 clients could take 1 GiB. */
#define SEND_BUFFER (32 << 10)
/* A peer that has read nothing for so long never will. */
#define WRITE_SECONDS 60

static void count_input(struct evbuffer *b, const struct evbuffer_cb_info *info, void *ud)
{
	struct bd_conn *c = ud;

	(void)b;
	if (c->closing)
		return;
	c->charge.held += info->n_added - info->n_deleted;
	bd_quota_add_held(&c->all->quota, c->user, info->n_added, info->n_deleted);
}

static void count_output(struct evbuffer *b, const struct evbuffer_cb_info *info, void *ud)
{
	struct bd_conn *c = ud;

	(void)b;
	if (c->closing)
		return;
	c->charge.unsent += info->n_added - info->n_deleted;
	bd_quota_add_unsent(&c->all->quota, c->user, info->n_added, info->n_deleted);
	if (info->n_deleted || !info->orig_size)
		c->read_at = ++c->all->clock;
}

/* From now on no user is charged for the requests and bytes of c. */
void bd_conn_close(struct bd_conn *c)
{
	struct bd_conns *all = c->all;

	if (c->closing)
		return;
	(void)bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	bd_turn_remove(c);
	c->closing = true;
	c->user->calls -= c->charge.calls;
	bd_quota_add_held(&all->quota, c->user, 0, c->charge.held);
	bd_quota_add_unsent(&all->quota, c->user, 0, c->charge.unsent);
	DL_APPEND2(all->closing, c, ready_prev, ready_next);
	bd_turn_soon(all);
}

void bd_conn_free(struct bd_conn *c)
{
	struct bd_conns *all = c->all;
	struct bd_call *call, *next;

	bd_conn_close(c);
	DL_DELETE2(all->closing, c, ready_prev, ready_next);
	DL_DELETE(all->list, c);
	bd_quota_disconnect(&all->quota, c->user);
	bd_events_unsubscribe(c->sub);
	DL_FOREACH_SAFE(c->calls, call, next) {
		if (!all->stopping)
			bd_manager_abandon(all->manager, call);
		bl_rpc_request_done(&call->req);
		free(call);
	}
	(void)evbuffer_remove_cb(bufferevent_get_input(c->bev), count_input, c);
	(void)evbuffer_remove_cb(bd_conn_output(c), count_output, c);
	bufferevent_free(c->bev);
	free(c);
	bd_conns_trim_later(all);
	if (all->freed)
		all->freed(all->ud);
}

void bd_conn_send(struct bd_conn *c, const char *line, size_t len)
{
	/* The turn has spent time on the answer even if nobody reads the answer. */
	c->all->turn.bytes += len;
	if (c->closing || c->hung_up || c->all->stopping)
		return;
	if (bufferevent_write(c->bev, line, len) < 0)
		bd_conn_close(c);
	bd_conns_keep_budget(c);
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

	if (c->close_when_sent ? sent : c->eof && !has_line(c, &pos) && (c->hung_up || idle))
		bd_conn_close(c);
}

void bd_conn_close_with(struct bd_conn *c, int code, const char *message)
{
	const char *line;
	size_t len;

	if (bl_rpc_error_code(c->all->out, NULL, code, message, &line, &len) == 0)
		bd_conn_send(c, line, len);
	c->close_when_sent = true;
	bd_conn_finish(c);
}

void bd_conn_deny(struct bd_conn *c, const struct bl_err *why)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	const char *line;
	size_t len;

	bd_turn_remove(c);
	bd_events_unsubscribe(c->sub);
	c->sub = NULL;
	(void)evbuffer_drain(in, evbuffer_get_length(in));
	if (bl_rpc_error(c->all->out, NULL, why, &line, &len) == 0)
		bd_conn_send(c, line, len);
	c->denied = true;
	c->close_when_sent |= c->eof;
	c->since = bd_conns_now();
	bd_conns_sweep_later(c->all);
	if (c->paused && !c->closing)
		(void)bufferevent_enable(c->bev, EV_READ);
	bd_conn_finish(c);
}

void bd_conn_pump_events(struct bd_conn *c)
{
	const char *line;
	size_t len;

	while (c->sub && !c->closing && evbuffer_get_length(bd_conn_output(c)) < BD_CONN_EVENTS_PAUSE &&
	       (line = bd_events_next(c->sub, &len)))
		bd_conn_send(c, line, len);
}

/* Stops reading until the lines already read are handled. */
static void pause_reading(struct bd_conn *c)
{
	if (!c->paused)
		(void)bufferevent_disable(c->bev, EV_READ);
	c->paused = true;
}

/* Reads on, since no whole line waits. */
static void await_line(struct bd_conn *c)
{
	size_t len = evbuffer_get_length(bufferevent_get_input(c->bev));

	if (c->paused && !c->eof)
		(void)bufferevent_enable(c->bev, EV_READ);
	c->paused = false;
	if (len >= BL_RPC_LINE_MAX) {
		bd_conn_close_with(c, BL_RPC_INVALID_REQUEST, "a request has at most 64 KiB");
	} else if (len && !c->since && !c->eof) {
		c->since = bd_conns_now();
		bd_conns_sweep_later(c->all);
	}
	bd_conn_finish(c);
}

bool bd_conn_handle_line(struct bd_conn *c)
{
	char line[BL_RPC_LINE_MAX];
	size_t pos;

	if (c->closing || c->denied || c->close_when_sent || !has_line(c, &pos)) {
		if (!c->closing && !c->denied && !c->close_when_sent)
			await_line(c);
		return false;
	}
	if (evbuffer_get_length(bd_conn_output(c)) > BD_CONN_OUT_PAUSE) {
		pause_reading(c); /* on_write() resumes */
		return false;
	}
	c->scanned = 0;
	c->since = 0;
	c->all->turn.requests++;
	c->all->turn.bytes += pos;
	(void)evbuffer_remove(bufferevent_get_input(c->bev), line, pos + 1);
	line[pos] = '\0';
	c->all->serve->line(c, line, pos);
	if (c->closing)
		return false;
	if (has_line(c, &pos))
		return true;
	await_line(c);
	return false;
}

/* Input came, or the peer has closed its side. */
static void take_input(struct bd_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t pos;

	if (c->closing || c->all->stopping)
		return;
	if (c->denied || c->close_when_sent) {
		(void)evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	if (!c->ready && !has_line(c, &pos)) {
		await_line(c);
		return;
	}
	if (evbuffer_get_length(in) > READ_AHEAD && !c->eof)
		pause_reading(c);
	bd_turn_add(c);
}

static void on_read(struct bufferevent *bev, void *ud)
{
	(void)bev;
	bd_conns_keep_budget(ud);
	take_input(ud);
}

/* Called when little enough is left unsent. */
static void on_write(struct bufferevent *bev, void *ud)
{
	struct bd_conn *c = ud;

	(void)bev;
	if (c->sub || c->paused)
		bd_turn_add(c);
	if (!c->closing)
		bd_conn_finish(c);
	bd_conns_trim_later(c->all);
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
		/* The user of a stopped monitor may go on later; missed events are in the ring. */
		(void)bufferevent_enable(bev, EV_WRITE);
		return;
	}
	if (what & BEV_EVENT_EOF) {
		c->eof = true;
		c->hung_up = bd_conn_hung_up(c);
		c->close_when_sent |= c->denied;
		take_input(c);
		bd_conn_finish(c);
		bd_conns_sweep_later(c->all);
		return;
	}
	if (what & BEV_EVENT_TIMEOUT)
		bd_log_limited(&limit, LOG_INFO, "a client did not read its answers for %d s: closed",
			       WRITE_SECONDS);
	bd_conn_close(c);
}

int bd_conn_new(struct bd_conns *all, int fd, struct bd_user *user, enum bd_role role, uid_t uid,
		struct bd_conn **ret)
{
	static const struct timeval patience = { .tv_sec = WRITE_SECONDS };
	static const int send_buffer = SEND_BUFFER;
	struct bd_conn *c = calloc(1, sizeof(*c));

	if (c)
		c->bev = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		return -ENOMEM;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
	c->all = all;
	c->user = user;
	c->role = role;
	c->uid = uid;
	DL_APPEND(all->list, c);
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, BL_RPC_LINE_MAX);
	bufferevent_setwatermark(c->bev, EV_WRITE, BD_CONN_OUT_RESUME, 0);
	(void)bufferevent_set_max_single_write(c->bev, 2 * SEND_BUFFER);
	(void)bufferevent_set_timeouts(c->bev, NULL, &patience);
	(void)evbuffer_add_cb(bufferevent_get_input(c->bev), count_input, c);
	(void)evbuffer_add_cb(bd_conn_output(c), count_output, c);
	if (bufferevent_enable(c->bev, EV_READ | EV_WRITE) < 0)
		bd_conn_close(c);
	*ret = c;
	return 0;
}
