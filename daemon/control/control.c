/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/control/conn.h"
#include "daemon/control/listen.h"

/* Descriptors besides those of clients: the event loop, the backend, the state, libraries. */
#define DESCRIPTORS_EXTRA (128 + BD_QUOTA_ROOT_EXTRA + BD_QUOTA_REFUSED_MAX)

struct bd_control {
	struct bd_conns conns;
	struct bd_listen listen;
	struct event *accepting[BD_LISTEN_MAX];
	struct event *resume; /* accepts again after descriptors ran out */
	unsigned accepted;    /* connections, in the last turn */
};

static void accept_on(struct bd_control *c, bool on)
{
	for (size_t i = 0; i < c->listen.n; i++)
		(void)(on ? event_add(c->accepting[i], NULL) : event_del(c->accepting[i]));
}

static void on_resume(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what;
	accept_on(ud, true);
}

static void on_freed(void *ud)
{
	struct bd_control *c = ud;

	if (event_pending(c->resume, EV_TIMEOUT, NULL)) {
		(void)event_del(c->resume);
		accept_on(c, true);
	}
}

/* While accepting fails, the peer stays in the queue and the descriptor stays ready: without a
 * pause the event loop would try for ever. */
static void pause_accepting(struct bd_control *c, int e)
{
	static struct bd_log_limit limit;
	static const struct timeval pause = { .tv_sec = 1 };

	bd_log_limited(&limit, LOG_WARNING, "control socket: cannot accept: %s", strerror(e));
	accept_on(c, false);
	(void)event_add(c->resume, &pause);
}

/* Accepts a bounded number of connections a turn, since a peer that connects and closes in a loop
 * keeps the queue full. All peers are in one queue, so strangers are refused as fast as possible:
 * root would wait behind them. */
static void on_acceptable(evutil_socket_t listening, short what, void *ud)
{
	struct bd_control *c = ud;
	enum bd_role role;
	uid_t uid;
	int fd;

	(void)what;
	c->conns.many_connect = false;
	for (c->accepted = 0; c->accepted < BD_CONTROL_ACCEPTS; c->accepted++) {
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0) {
			if (errno != EAGAIN)
				pause_accepting(c, errno);
			return;
		}
		role = bd_peer_role(fd, &c->conns.groups, &uid);
		bd_conns_admit(&c->conns, fd, role, uid);
	}
	c->conns.many_connect = true;
}

unsigned bd_control_accepted(const struct bd_control *c)
{
	return c->accepted;
}

int bd_control_listen(struct bd_control *c, const char *path, struct bl_err *reterr)
{
	int r = bd_listen_open(&c->listen, path, reterr);

	for (size_t i = 0; r == 0 && i < c->listen.n; i++) {
		c->accepting[i] = event_new(c->conns.base, c->listen.fds[i], EV_READ | EV_PERSIST,
					    on_acceptable, c);
		if (!c->accepting[i] || event_add(c->accepting[i], NULL) < 0)
			r = bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	}
	return r;
}

/* How many clients there are descriptors for. Raises the limit only where it is too low, since a
 * sandbox may forbid that. */
static unsigned clients_allowed(unsigned max)
{
	struct rlimit l;
	rlim_t want = (rlim_t)max + DESCRIPTORS_EXTRA;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur >= want)
		return max;
	l.rlim_cur = l.rlim_max < want ? l.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur >= want)
		return max;
	(void)getrlimit(RLIMIT_NOFILE, &l);
	max = l.rlim_cur > DESCRIPTORS_EXTRA ? (unsigned)(l.rlim_cur - DESCRIPTORS_EXTRA) : 1;
	bd_log(LOG_NOTICE, "only %llu descriptors are allowed: max-clients counts as %u",
	       (unsigned long long)l.rlim_cur, max);
	return max;
}

static void say_missing(const char *group, bool has)
{
	if (group[0] && !has)
		bd_log(LOG_WARNING, "there is no group %s: its members may not use the control socket",
		       group);
}

static void take_groups(struct bd_control *c, const struct bd_setup *setup)
{
	if (setup->groups_error) {
		bd_log(LOG_ERR,
		       "cannot look up the groups that may use the control socket, which stay "
		       "as they were: %s",
		       strerror(-setup->groups_error));
		return;
	}
	c->conns.groups = setup->groups;
	say_missing(setup->config.group, setup->groups.has_admin);
	say_missing(setup->config.viewers, setup->groups.has_viewer);
}

void bd_control_reload(struct bd_control *c, const struct bd_setup *setup)
{
	c->conns.quota.max_clients = clients_allowed(setup->config.max_clients);
	take_groups(c, setup);
	bd_conns_review(&c->conns);
}

struct bd_control *bd_control_new(struct event_base *base, struct bd_manager *m, struct bd_events *e,
				  const struct bd_setup *setup)
{
	struct bd_control *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->conns = (struct bd_conns){
		.serve = &bd_requests, .manager = m, .events = e, .freed = on_freed, .ud = c
	};
	c->resume = evtimer_new(base, on_resume, c);
	if (bd_conns_init(&c->conns, base, setup->config.max_clients) < 0 || !c->resume) {
		bd_control_free(c);
		return NULL;
	}
	bd_control_reload(c, setup);
	return c;
}

void bd_control_stop(struct bd_control *c)
{
	c->conns.stopping = true;
	(void)event_del(c->resume);
	for (size_t i = 0; i < c->listen.n; i++)
		if (c->accepting[i])
			event_free(c->accepting[i]);
	bd_listen_close(&c->listen);
}

void bd_control_free(struct bd_control *c)
{
	if (!c)
		return;
	if (c->resume) {
		bd_control_stop(c);
		event_free(c->resume);
	}
	bd_conns_free(&c->conns);
	free(c);
}
