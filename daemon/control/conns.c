/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "daemon/base/log.h"
#include "daemon/control/internal.h"

/* A line that is not finished after so long never will be. */
#define LINE_SECONDS 60
/* Time for a denied peer to read why. */
#define DENIED_SECONDS 2
/* The allocator keeps freed memory that lies between pieces in use. Once this much is free, the
 * memory goes back to the system, this long after a connection ended or released memory: many
 * connections that end together cause one trim. */
#define TRIM_BYTES ((size_t)1 << 20)
#define TRIM_SECONDS 3

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

time_t bd_conns_now(void)
{
	return (time_t)(now_ms() / 1000 + 1);
}

void bd_conns_sweep_later(struct bd_conns *all)
{
	static const struct timeval second = { .tv_sec = 1 };

	if (!event_pending(all->sweep, EV_TIMEOUT, NULL))
		(void)event_add(all->sweep, &second);
}

/* ---- memory ---- */

/* Counting what is free is cheap; trimming is not. */
static void on_trim(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what, (void)ud;
	if (mallinfo2().fordblks >= TRIM_BYTES)
		(void)malloc_trim(0);
}

void bd_conns_trim_later(struct bd_conns *all)
{
	static const struct timeval delay = { .tv_sec = TRIM_SECONDS };

	if (!all->stopping && !event_pending(all->trim, EV_TIMEOUT, NULL))
		(void)event_add(all->trim, &delay);
}

/* Sends what the socket takes without blocking. */
static void tell_at_once(struct bd_conns *all, int fd, const struct bl_err *why)
{
	const char *line;
	size_t len;

	if (bl_rpc_error(all->out, NULL, why, &line, &len) == 0)
		(void)!send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The connection of u that holds most bytes of requests, or whose peer has not read for longest. */
static struct bd_conn *worst_of(struct bd_conns *all, const struct bd_user *u, bool unsent)
{
	struct bd_conn *c, *worst = NULL;

	DL_FOREACH(all->list, c) {
		if (c->closing || c->user != u || !(unsent ? c->charge.unsent : c->charge.held))
			continue;
		if (!worst || (unsent ? c->read_at < worst->read_at : c->charge.held > worst->charge.held))
			worst = c;
	}
	return worst;
}

static void evict(struct bd_conn *c, const char *what)
{
	static struct bd_log_limit limit;
	struct bl_err err;

	(void)bl_err_set(&err, ENOBUFS, BL_ERR_BAD_STATE, "uid %u has too many bytes of %s", c->uid, what);
	bd_log_limited(&limit, LOG_INFO, "control socket: closed: %s", err.msg);
	if (!evbuffer_get_length(bd_conn_output(c)))
		tell_at_once(c->all, bufferevent_getfd(c->bev), &err);
	bd_conn_close(c);
}

void bd_conns_keep_budget(struct bd_conn *c)
{
	struct bd_conns *all = c->all;
	const struct bd_user *u;
	struct bd_conn *worst;

	while ((u = bd_quota_over_held(&all->quota, c->user)) && (worst = worst_of(all, u, false)))
		evict(worst, "requests that are not finished or not answered");
	while ((u = bd_quota_over_unsent(&all->quota, c->user)) && (worst = worst_of(all, u, true)))
		evict(worst, "answers that are not read");
}

/* ---- slow peers ---- */

/* True while the sweep has to look at c again. */
static bool sweep_one(struct bd_conn *c, time_t t)
{
	if (c->denied) {
		if (t - c->since >= DENIED_SECONDS)
			bd_conn_close(c);
		return true;
	}
	if (c->eof && !c->hung_up) {
		c->hung_up = bd_conn_hung_up(c);
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
		if (!c->closing)
			more |= sweep_one(c, t);
	if (more)
		bd_conns_sweep_later(all);
}

/* ---- rights ---- */

static int not_permitted(struct bl_err *err, uid_t uid)
{
	return bl_err_set(err, EPERM, BL_ERR_NOT_PERMITTED,
			  "uid %u is neither root nor in a group that may use this socket", uid);
}

/* A bounded number of refused peers get time to read why; the others find the reason in their
 * socket after it was closed. */
static void refuse(struct bd_conns *all, int fd, uid_t uid, const struct bl_err *why)
{
	static struct bd_log_limit limit;
	struct bl_err ignored;
	struct bd_user *u = bd_quota_connect(&all->quota, uid, BD_RANK_REFUSED, now_ms(), &ignored);
	struct bd_conn *c;

	bd_log_limited(&limit, LOG_INFO, "control socket: refused: %s", why->msg);
	if (u && bd_conn_new(all, fd, u, BD_ROLE_NONE, uid, &c) == 0) {
		bd_conn_deny(c, why);
		return;
	}
	if (u)
		bd_quota_disconnect(&all->quota, u);
	tell_at_once(all, fd, why);
	(void)close(fd);
}

void bd_conns_admit(struct bd_conns *all, int fd, enum bd_role role, uid_t uid)
{
	enum bd_rank rank = bd_quota_rank(role, uid);
	struct bd_user *u = NULL;
	struct bd_conn *c;
	struct bl_err err;

	if (rank == BD_RANK_REFUSED)
		(void)not_permitted(&err, uid);
	else
		u = bd_quota_connect(&all->quota, uid, rank, now_ms(), &err);
	if (!u) {
		refuse(all, fd, uid, &err);
	} else if (bd_conn_new(all, fd, u, role, uid, &c) < 0) {
		bd_quota_disconnect(&all->quota, u);
		(void)close(fd);
	}
}

/* The kernel keeps the credentials that the peer had when it connected, so asks for its role
 * again. */
static void review_one(struct bd_conn *c)
{
	struct bl_err err;
	uid_t uid;
	enum bd_role role = bd_peer_role(bufferevent_getfd(c->bev), &c->all->groups, &uid), had = c->role;

	if (role == had)
		return;
	bd_log(LOG_NOTICE, "control socket: a connection of uid %u may %s now", c->uid,
	       role == BD_ROLE_ADMIN	? "do everything"
	       : role == BD_ROLE_VIEWER ? "look"
					: "do nothing");
	c->role = role;
	(void)not_permitted(&err, c->uid);
	/* A viewer's requests never wait: only requests that change something do. */
	if (role < had)
		c->all->serve->withdraw_all(c, &err);
	if (c->closing)
		return;
	if (role == BD_ROLE_NONE) {
		bd_conn_deny(c, &err);
		return;
	}
	bd_turn_remove(c);
	c->user = bd_quota_move(&c->all->quota, c->user, c->uid, bd_quota_rank(role, c->uid), &c->charge);
	bd_turn_add(c);
}

void bd_conns_review(struct bd_conns *all)
{
	struct bd_conn *c;

	DL_FOREACH(all->list, c)
		if (!c->closing && !c->denied)
			review_one(c);
}

/* ---- life ---- */

int bd_conns_init(struct bd_conns *all, struct event_base *base, unsigned max_clients)
{
	all->base = base;
	bd_quota_init(&all->quota, max_clients);
	all->out = bl_json_out_new();
	all->sweep = evtimer_new(base, on_sweep, all);
	all->trim = evtimer_new(base, on_trim, all);
	return bd_turn_init(all) == 0 && all->out && all->sweep && all->trim ? 0 : -ENOMEM;
}

void bd_conns_free(struct bd_conns *all)
{
	struct bd_conn *c, *next;
	struct event *events[] = { all->turns, all->sweep, all->trim };

	all->freed = NULL;
	DL_FOREACH_SAFE(all->list, c, next)
		bd_conn_free(c);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	bl_json_out_free(all->out);
}
