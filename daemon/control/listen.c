/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/base/log.h"

/* As in balloond.socket. In a longer queue root would wait behind more strangers. */
#define BACKLOG 512

static int add(struct bd_listen *l, int fd, struct bl_err *reterr)
{
	int flags = fcntl(fd, F_GETFL);

	if (l->n == BD_LISTEN_MAX) {
		(void)close(fd);
		return bl_err_set(reterr, E2BIG, BL_ERR_BACKEND,
				  "more than %d control sockets were handed over", BD_LISTEN_MAX);
	}
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int e = errno;

		(void)close(fd);
		return bl_err_set(reterr, e, BL_ERR_BACKEND, "cannot listen: %s", strerror(e));
	}
	l->fds[l->n++] = fd;
	return 0;
}

/* The name in balloond.socket, or the name that systemd gives where a unit names none. */
static bool is_control(const char *name)
{
	return !strcmp(name, "control") || !strcmp(name, "balloond.socket");
}

/* Takes no socket of another name: peers that may use such a socket were not meant to control the
 * host. */
static int take(struct bd_listen *l, int fd, const char *name, struct bl_err *reterr)
{
	if (name && !is_control(name)) {
		bd_log(LOG_WARNING,
		       "descriptor %d handed over is named %s, neither control nor balloond.socket: closed",
		       fd, name);
		(void)close(fd);
		return 0;
	}
	if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
		return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND,
				  "descriptor %d handed over is no listening Unix stream socket", fd);
	return add(l, fd, reterr);
}

/* Returns how many descriptors were handed over. */
static int take_handed(struct bd_listen *l, struct bl_err *reterr)
{
	/* systemd names all descriptors that it hands over; a shell names none. */
	bool named = getenv("LISTEN_FDNAMES") != NULL;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r = 0;

	if (n < 0)
		return bl_err_set(reterr, -n, BL_ERR_BACKEND,
				  "cannot read which descriptors were handed over: %s", strerror(-n));
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = take(l, SD_LISTEN_FDS_START + i, named ? names[i] : NULL, reterr);
		free(names[i]);
	}
	free(names);
	if (r < 0)
		return r;
	if (n && !l->n)
		return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND,
				  "none of the %d descriptors handed over is named control or "
				  "balloond.socket",
				  n);
	return n;
}

/* Removes a socket at a->sun_path unless a process listens there. */
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

static int bind_own(struct bd_listen *l, const struct sockaddr_un *a, int *ret_fd)
{
	struct stat st;
	int fd, r = clear_path(a);

	if (r < 0)
		return r;
	make_parent(a->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Anybody may connect: the peer's credentials decide what the peer may do. */
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 || chmod(a->sun_path, 0666) < 0 ||
	    lstat(a->sun_path, &st) < 0 || listen(fd, BACKLOG) < 0 || !(l->path = strdup(a->sun_path))) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	*ret_fd = fd;
	return 0;
}

int bd_listen_open(struct bd_listen *l, const char *path, struct bl_err *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = -1, r = take_handed(l, reterr);

	if (r != 0)
		return r < 0 ? r : 0;
	if (strlen(path) >= sizeof(a.sun_path))
		return bl_err_set(reterr, ENAMETOOLONG, BL_ERR_BACKEND,
				  "control socket %s: the path is longer than %zu bytes", path,
				  sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	r = bind_own(l, &a, &fd);
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "control socket %s: %s", path,
				  r == -EADDRINUSE ? "another daemon listens there"
				  : r == -EEXIST   ? "the path is not a socket"
						   : strerror(-r));
	return add(l, fd, reterr);
}

void bd_listen_close(struct bd_listen *l)
{
	struct stat st;

	for (size_t i = 0; i < l->n; i++)
		(void)close(l->fds[i]);
	l->n = 0;
	/* Another daemon may have put its own socket there. */
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		(void)unlink(l->path);
	free(l->path);
	l->path = NULL;
}
