/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 160
#define WAITING_MAX 8
#define RETRY_MS 200

/* Sends the messages itself: sd_notify() of libsystemd waits while the service manager does not
 * read. */
struct bd_notify {
	int fd; /* -1: there is no service manager */
	struct sockaddr_un to;
	socklen_t to_len;
	struct event *watchdog; /* NULL: no watchdog */
	struct event *retry;
	char waiting[WAITING_MAX][MESSAGE_MAX]; /* in order */
	unsigned n;
};

/* False: the service manager does not read now. */
static bool send_message(const struct bd_notify *n, const char *text)
{
	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr msg = {
		.msg_name = (void *)&n->to, .msg_namelen = n->to_len, .msg_iov = &iov, .msg_iovlen = 1
	};

	return sendmsg(n->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

static void retry_later(struct bd_notify *n)
{
	const struct timeval after = { .tv_usec = RETRY_MS * 1000 };

	(void)evtimer_add(n->retry, &after);
}

static void on_retry(evutil_socket_t fd, short what, void *ud)
{
	struct bd_notify *n = ud;
	unsigned sent = 0;

	(void)fd, (void)what;
	while (sent < n->n && send_message(n, n->waiting[sent]))
		sent++;
	n->n -= sent;
	memmove(n->waiting, n->waiting + sent, n->n * sizeof(n->waiting[0]));
	if (n->n)
		retry_later(n);
}

static bool is_reloading(const char *text)
{
	return strncmp(text, "RELOADING=", 10) == 0;
}

/* Keeps the last of several messages of a kind. The last place is for the end of a reload, so
 * that a reload that was reported as begun is reported as done. */
static void keep_message(struct bd_notify *n, const char *text)
{
	if (n->n && is_reloading(n->waiting[n->n - 1]) == is_reloading(text))
		n->n--;
	if (n->n == WAITING_MAX - 1 && is_reloading(text))
		return;
	(void)snprintf(n->waiting[n->n++], MESSAGE_MAX, "%s", text);
	retry_later(n);
}

static void send_or_keep(struct bd_notify *n, const char *text)
{
	if (n->fd < 0)
		return;
	if (n->n || !send_message(n, text))
		keep_message(n, text);
}

static void on_watchdog(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what;
	(void)send_message(ud, "WATCHDOG=1"); /* if this fails, the next one comes soon */
}

/* name: a path, or "@NAME" for an abstract socket. */
static int open_socket(struct bd_notify *n, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || len >= sizeof(n->to.sun_path) || (name[0] != '/' && name[0] != '@'))
		return -1;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	if (name[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int start_watchdog(struct bd_notify *n, struct event_base *base)
{
	struct timeval every;
	uint64_t usec;

	if (n->fd < 0 || sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	usec /= 2;
	every = (struct timeval){ .tv_sec = (time_t)(usec / 1000000),
				  .tv_usec = (suseconds_t)(usec % 1000000) };
	n->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, n);
	return n->watchdog && event_add(n->watchdog, &every) == 0 ? 0 : -ENOMEM;
}

struct bd_notify *bd_notify_new(struct event_base *base)
{
	struct bd_notify *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->fd = open_socket(n, getenv("NOTIFY_SOCKET"));
	n->retry = evtimer_new(base, on_retry, n);
	if (!n->retry || start_watchdog(n, base) < 0) {
		bd_notify_free(n);
		return NULL;
	}
	return n;
}

void bd_notify_free(struct bd_notify *n)
{
	if (!n)
		return;
	if (n->watchdog)
		event_free(n->watchdog);
	if (n->retry)
		event_free(n->retry);
	if (n->fd >= 0)
		(void)close(n->fd);
	free(n);
}

void bd_notify_ready(struct bd_notify *n, const char *status)
{
	char text[MESSAGE_MAX];

	(void)snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	send_or_keep(n, text);
}

void bd_notify_reloading(struct bd_notify *n)
{
	char text[MESSAGE_MAX];
	struct timespec now;

	/* systemd matches the reload with its signal by this time */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		       (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	send_or_keep(n, text);
}

void bd_notify_stopping(struct bd_notify *n)
{
	send_or_keep(n, "STOPPING=1\nSTATUS=Stopping; claims stay held");
}
