/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control.h"

#include <errno.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/conn.h"
#include "daemon/log.h"

#define LISTENERS_MAX 4
/* Connections beyond max-clients that root may have: somebody must be able to
 * look at a daemon that others have filled. */
#define ROOT_EXTRA 16

struct bd_control {
	struct bd_conns conns;
	struct bd_peer_groups groups;
	unsigned max_clients;
	struct evconnlistener *listeners[LISTENERS_MAX];
	size_t n_listeners;
	struct event *resume; /* accepting, after descriptors ran out */
	char *path;	      /* of our own socket; NULL: it is systemd's */
	dev_t dev;
	ino_t ino;
};

static void accept_on(struct bd_control *c, bool on)
{
	for (size_t i = 0; i < c->n_listeners; i++)
		(void)(on ? evconnlistener_enable : evconnlistener_disable)(c->listeners[i]);
}

static void on_resume(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what;
	accept_on(ud, true);
}

/* Accepting that fails would be tried without end: the one who waits stays in
 * the queue, and the listener ready. */
static void on_accept_error(struct evconnlistener *l, void *ud)
{
	static struct bd_log_limit limit;
	static const struct timeval pause = { .tv_sec = 1 };
	struct bd_control *c = ud;
	int e = errno;

	(void)l;
	bd_log_limited(&limit, LOG_WARNING, "control socket: cannot accept: %s", strerror(e));
	accept_on(c, false);
	(void)event_add(c->resume, &pause);
}

static void on_freed(void *ud)
{
	struct bd_control *c = ud;

	if (event_pending(c->resume, EV_TIMEOUT, NULL)) {
		(void)event_del(c->resume);
		accept_on(c, true);
	}
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *addr,
		      int len, void *ud)
{
	static struct bd_log_limit limit;
	struct bd_control *c = ud;
	struct bl_err err;
	uid_t uid;
	enum bd_role role = bd_peer_role(fd, &c->groups, &uid);
	unsigned max = c->max_clients + (uid == 0 ? ROOT_EXTRA : 0);
	bool refused = true;

	(void)l, (void)addr, (void)len;
	if (role == BD_ROLE_NONE)
		(void)bl_err_set(&err, EPERM, BL_ERR_NOT_PERMITTED,
				 "uid %u is neither root nor in a group that may use this socket",
				 uid);
	else if (c->conns.n >= max)
		(void)bl_err_set(&err, EBUSY, BL_ERR_BAD_STATE,
				 "%u clients are connected already, which is max-clients",
				 c->conns.n);
	else
		refused = false;
	if (refused)
		bd_log_limited(&limit, LOG_INFO, "control socket: refused: %s", err.msg);
	(void)bd_conn_new(&c->conns, fd, role, refused ? &err : NULL);
}

static int add_listener(struct bd_control *c, int fd, int backlog, struct bl_err *reterr)
{
	struct evconnlistener *l = NULL;

	if (c->n_listeners < LISTENERS_MAX && evutil_make_socket_nonblocking(fd) == 0)
		l = evconnlistener_new(c->conns.base, on_accept, c,
				       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, backlog, fd);
	if (!l) {
		(void)close(fd);
		return bl_err_set(reterr, EIO, BL_ERR_BACKEND, "cannot listen: %s",
				  strerror(errno));
	}
	evconnlistener_set_error_cb(l, on_accept_error);
	c->listeners[c->n_listeners++] = l;
	return 0;
}

/* How many systemd gave; with several, those named for something else are not
 * ours. */
static int listen_handed(struct bd_control *c, struct bl_err *reterr)
{
	int n = sd_listen_fds(1), r = 0;

	for (int fd = SD_LISTEN_FDS_START; r == 0 && fd < SD_LISTEN_FDS_START + n; fd++) {
		if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
			return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND,
					  "descriptor %d handed over is no listening Unix stream socket",
					  fd);
		r = add_listener(c, fd, 0, reterr);
	}
	return r < 0 ? r : n;
}

/* Makes way for a socket at a->sun_path, unless somebody listens there. */
static int clear_path(const struct sockaddr_un *a)
{
	struct stat st;
	int fd, r;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ? errno : 0;
	(void)close(fd);
	if (r == ENOENT)
		return 0;
	if (r != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(a->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static void make_parent(const char *path)
{
	char *parent = strdup(path), *slash = parent ? strrchr(parent, '/') : NULL;

	if (slash && slash != parent) {
		*slash = '\0';
		(void)mkdir(parent, 0755);
	}
	free(parent);
}

static int bind_own(struct bd_control *c, const struct sockaddr_un *a, int *ret_fd)
{
	struct stat st;
	int fd, r = clear_path(a);

	if (r < 0)
		return r;
	make_parent(a->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Anybody may connect; the peer's credentials decide. */
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 ||
	    chmod(a->sun_path, 0666) < 0 || lstat(a->sun_path, &st) < 0 ||
	    !(c->path = strdup(a->sun_path))) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	*ret_fd = fd;
	return 0;
}

int bd_control_listen(struct bd_control *c, const char *path, struct bl_err *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = -1, r = listen_handed(c, reterr);

	if (r != 0)
		return r < 0 ? r : 0;
	if (strlen(path) >= sizeof(a.sun_path))
		return bl_err_set(reterr, ENAMETOOLONG, BL_ERR_BACKEND,
				  "control socket %s: the path is longer than %zu bytes", path,
				  sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	r = bind_own(c, &a, &fd);
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "control socket %s: %s", path,
				  r == -EADDRINUSE ? "another daemon listens there" :
				  r == -EEXIST ? "there is something else" : strerror(-r));
	return add_listener(c, fd, SOMAXCONN, reterr);
}

void bd_control_reload(struct bd_control *c, const struct bd_config *config)
{
	c->max_clients = config->max_clients;
	bd_peer_groups_resolve(&c->groups, config->group, config->viewers);
}

struct bd_control *bd_control_new(struct event_base *base, struct bd_manager *m,
				  struct bd_events *e, const struct bd_config *config)
{
	struct bd_control *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->conns = (struct bd_conns){ .manager = m, .events = e, .freed = on_freed, .ud = c };
	c->resume = evtimer_new(base, on_resume, c);
	if (bd_conns_init(&c->conns, base) < 0 || !c->resume) {
		bd_control_free(c);
		return NULL;
	}
	bd_control_reload(c, config);
	return c;
}

void bd_control_stop(struct bd_control *c)
{
	struct stat st;

	c->conns.stopping = true;
	for (size_t i = 0; i < c->n_listeners; i++)
		evconnlistener_free(c->listeners[i]);
	c->n_listeners = 0;
	/* Only while it still is ours: another daemon may have come. */
	if (c->path && lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		(void)unlink(c->path);
}

void bd_control_free(struct bd_control *c)
{
	if (!c)
		return;
	bd_control_stop(c);
	bd_conns_free(&c->conns);
	if (c->resume)
		event_free(c->resume);
	free(c->path);
	free(c);
}
