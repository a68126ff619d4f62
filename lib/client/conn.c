/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/client/conn.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Far above the status of ten thousand domains: what sends more is not balloond. */
#define LINE_MAX_BYTES ((size_t)64 << 20)
/* Far more than a running daemon needs to accept. */
#define CONNECT_SECONDS 10

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t bl_conn_deadline(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

int bl_conn_error(struct balloon_error *err, int errnum, enum bl_err_id id, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -errnum;
	*err = (struct balloon_error){ .errnum = errnum };
	snprintf(err->id, sizeof(err->id), "%s", bl_err_id_name(id));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return -errnum;
}

void bl_conn_init(struct bl_conn *c)
{
	*c = (struct bl_conn){ .fd = -1 };
}

void bl_conn_close(struct bl_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	bl_conn_init(c);
}

static int connect_error(int errnum, const char *path, struct balloon_error *reterr)
{
	const char *hint = errnum == ENOENT || errnum == ECONNREFUSED ? "; is balloond running?" : "";

	if (errnum == EAGAIN)
		return bl_conn_error(reterr, ETIMEDOUT, BL_ERR_NO_DAEMON, "%s: balloond does not answer",
				     path);
	return bl_conn_error(reterr, errnum,
			     errnum == EACCES || errnum == EPERM ? BL_ERR_NOT_PERMITTED : BL_ERR_NO_DAEMON,
			     "%s: %s%s", path, strerrordesc_np(errnum), hint);
}

int bl_conn_open(struct bl_conn *c, const char *path, struct balloon_error *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	int fd, r;

	if (!*path || strlen(path) >= sizeof(a.sun_path))
		return bl_conn_error(reterr, EINVAL, BL_ERR_NO_DAEMON,
				     "the socket's path must be 1 to %zu bytes long",
				     sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return bl_conn_error(reterr, errno, BL_ERR_BACKEND, "socket: %m");
	/* Otherwise the full queue of a stopped daemon would block for ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	do
		r = connect(fd, (struct sockaddr *)&a, sizeof(a));
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = connect_error(errno, path, reterr);
		close(fd);
		return r;
	}
	bl_conn_close(c);
	c->fd = fd;
	return 0;
}

/* 1 if one of the events may be handled; 0 if the time is over; -errno. */
static int wait_for(struct bl_conn *c, short events, int64_t deadline)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int r;

	do {
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();

		if (deadline >= 0 && left < 0)
			left = 0;
		r = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int bl_conn_send(struct bl_conn *c, const char *data, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -EPIPE;
		r = wait_for(c, POLLOUT, deadline);
		if (r < 0)
			return -EPIPE;
		if (r == 0)
			return -ETIMEDOUT;
	}
	return 0;
}

static int make_room(struct bl_conn *c)
{
	char *more;
	size_t cap;

	if (c->start) {
		memmove(c->buf, c->buf + c->start, c->len - c->start);
		c->len -= c->start;
		c->seen -= c->start;
		c->start = 0;
	}
	if (c->cap - c->len > 4096)
		return 0;
	if (c->cap >= LINE_MAX_BYTES)
		return -EMSGSIZE;
	cap = c->cap ? c->cap * 2 : 16384;
	more = realloc(c->buf, cap);
	if (!more)
		return -ENOMEM;
	c->buf = more;
	c->cap = cap;
	return 0;
}

int bl_conn_line(struct bl_conn *c, int64_t deadline, char **ret_line, size_t *ret_len)
{
	for (;;) {
		char *end = c->len > c->seen ? memchr(c->buf + c->seen, '\n', c->len - c->seen) : NULL;
		ssize_t n;
		int r;

		if (end) {
			*end = '\0';
			*ret_line = c->buf + c->start;
			*ret_len = (size_t)(end - *ret_line);
			c->start = c->seen = (size_t)(end + 1 - c->buf);
			return 1;
		}
		c->seen = c->len;
		r = make_room(c);
		if (r < 0)
			return r;
		r = wait_for(c, POLLIN, deadline);
		if (r <= 0)
			return r;
		n = recv(c->fd, c->buf + c->len, c->cap - c->len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return -ECONNRESET;
		if (n > 0)
			c->len += (size_t)n;
	}
}
