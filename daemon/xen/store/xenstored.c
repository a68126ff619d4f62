/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that talks to xenstored, which may let it wait for ever. The only file that includes
 * xenstore.h. */
#include "daemon/xen/store/xenstored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenstore.h>

#define RECONNECT_MS 1000
#define WRITE_TRIES 8 /* each fails because somebody else wrote the same node */

static void post(struct bd_store_worker *s, enum bd_store_what what, uint64_t cookie, int r,
		 const char *value, size_t len)
{
	bd_store_queue_post(&s->queue, &(struct bd_store_reply){ .what = what,
								 .cookie = cookie,
								 .r = r,
								 .value = value,
								 .len = value ? len : 0 });
}

static void set_silent(struct bd_store_worker *s, bool yes)
{
	bd_store_queue_silent(&s->queue, yes);
}

/* With a dead socket xs_open() falls back to the kernel's own channel, which waits for the same
 * dead xenstored and cannot be interrupted. */
static bool socket_refuses(struct bd_store_worker *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = BL_RUNSTATEDIR "/xenstored/socket" };
	struct stat st;
	bool refused;
	int fd;

	if (stat(addr.sun_path, &st) < 0)
		return s->seen_socket;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	refused = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0;
	s->seen_socket |= !refused;
	(void)close(fd);
	return refused;
}

static bool connect_store(struct bd_store_worker *s)
{
	if (s->xs)
		return true;
	set_silent(s, true);
	if (socket_refuses(s))
		return false;
	s->xs = xs_open(0);
	if (!s->xs || xs_fileno(s->xs) < 0) {
		xs_close(s->xs);
		s->xs = NULL;
		return false;
	}
	set_silent(s, false);
	post(s, BD_STORE_CONNECTED, 0, 0, NULL, 0);
	return true;
}

static void lose(struct bd_store_worker *s)
{
	xs_close(s->xs);
	s->xs = NULL;
	set_silent(s, true);
	post(s, BD_STORE_LOST, 0, 0, NULL, 0);
}

/* True if the connection broke in a call that failed with errno. libxenstore reports EINVAL for a
 * broken connection, and passes on an EINVAL of xenstored. */
static bool is_broken(struct bd_store_worker *s, int error)
{
	char *path;

	switch (error) {
	case ENOENT:
	case EACCES:
	case EPERM:
	case EEXIST:
	case EISDIR:
	case ENOSPC:
	case EAGAIN:
	case EBUSY:
	case E2BIG:
	case ENOSYS:
	case ENOMEM:
		return false;
	default:
		path = xs_get_domain_path(s->xs, 0);
		free(path);
		return !path;
	}
}

/* -errno of a failed call; -ENOTCONN, with the connection closed, if the connection broke. */
static int failure(struct bd_store_worker *s)
{
	int error = errno ? errno : EIO;

	if (!is_broken(s, error))
		return -error;
	lose(s);
	return -ENOTCONN;
}

static void post_value(struct bd_store_worker *s, enum bd_store_what what, uint64_t cookie, const char *path)
{
	unsigned len = 0;
	char *value = xs_read(s->xs, XBT_NULL, path, &len);

	if (value)
		post(s, what, cookie, 0, value, len);
	else
		post(s, what, cookie, failure(s), NULL, 0);
	free(value);
}

/* False, with errno ESRCH, if the guard does not hold. */
static bool guard_holds(struct bd_store_worker *s, xs_transaction_t t, const struct bd_store_guard *guard)
{
	unsigned len = 0;
	char *value;
	bool ok;

	if (!guard->path)
		return true;
	value = xs_read(s->xs, t, guard->path, &len);
	if (!value && errno != ENOENT)
		return false;
	if (value && guard->value)
		ok = len == strlen(guard->value) && !memcmp(value, guard->value, len);
	else
		ok = !value && !guard->value;
	free(value);
	if (!ok)
		errno = ESRCH;
	return ok;
}

/* False, with errno ESTALE, if *ret_found is there instead. */
static bool is_expected(struct bd_store_worker *s, xs_transaction_t t, const struct bd_store_request *q,
			char **ret_found, unsigned *ret_len)
{
	if (!q->expect)
		return true;
	*ret_found = xs_read(s->xs, t, q->path, ret_len);
	if (!*ret_found)
		return false;
	if (*ret_len == strlen(q->expect) && !memcmp(*ret_found, q->expect, *ret_len))
		return true;
	errno = ESTALE;
	return false;
}

static bool change(struct bd_store_worker *s, xs_transaction_t t, const struct bd_store_request *q)
{
	if (q->op == BD_STORE_REMOVE)
		return xs_rm(s->xs, t, q->path);
	return xs_write(s->xs, t, q->path, q->value, (unsigned)strlen(q->value));
}

/* Does the change in one transaction. False, with errno as above; EAGAIN: somebody else wrote
 * meanwhile. */
static bool change_once(struct bd_store_worker *s, const struct bd_store_request *q, char **ret_found,
			unsigned *ret_len)
{
	xs_transaction_t t = xs_transaction_start(s->xs);
	bool ok;
	int error;

	if (t == XBT_NULL)
		return false;
	ok = guard_holds(s, t, &q->guard) && is_expected(s, t, q, ret_found, ret_len) && change(s, t, q);
	error = errno;
	if (!xs_transaction_end(s->xs, t, !ok) && ok)
		return false;
	errno = error;
	return ok;
}

/* 0; -ESTALE with what was found, which the caller frees; -ESRCH; or as failure(). */
static int do_change(struct bd_store_worker *s, const struct bd_store_request *q, char **ret_found,
		     unsigned *ret_len)
{
	int tries = 0;
	bool ok;

	if (!q->expect && !q->guard.path)
		ok = change(s, XBT_NULL, q);
	else
		do {
			free(*ret_found);
			*ret_found = NULL;
			ok = change_once(s, q, ret_found, ret_len);
		} while (!ok && errno == EAGAIN && ++tries < WRITE_TRIES);
	if (ok)
		return 0;
	return errno == ESTALE || errno == ESRCH ? -errno : failure(s);
}

static void do_write(struct bd_store_worker *s, const struct bd_store_request *q)
{
	char *found = NULL;
	unsigned len = 0;
	int r = do_change(s, q, &found, &len);

	post(s, BD_STORE_WRITTEN, q->cookie, r, r == -ESTALE ? found : NULL, len);
	free(found);
}

static void do_remove(struct bd_store_worker *s, const struct bd_store_request *q)
{
	char *found = NULL;
	unsigned len = 0;

	(void)do_change(s, q, &found, &len);
}

static void answer_unconnected(struct bd_store_worker *s, const struct bd_store_request *q)
{
	switch (q->op) {
	case BD_STORE_READ:
	case BD_STORE_WATCH:
		post(s, BD_STORE_VALUE, q->cookie, -ENOTCONN, NULL, 0);
		break;
	case BD_STORE_WRITE:
		post(s, BD_STORE_WRITTEN, q->cookie, -ENOTCONN, NULL, 0);
		break;
	case BD_STORE_ASK_INTRODUCED:
		post(s, BD_STORE_INTRODUCED, q->cookie, -ENOTCONN, NULL, 0);
		break;
	case BD_STORE_REMOVE:
	case BD_STORE_UNWATCH:
		break;
	}
}

static void run_request(struct bd_store_worker *s, const struct bd_store_request *q)
{
	if (!s->xs) {
		answer_unconnected(s, q);
		return;
	}
	set_silent(s, true);
	switch (q->op) {
	case BD_STORE_READ:
		post_value(s, BD_STORE_VALUE, q->cookie, q->path);
		break;
	case BD_STORE_WRITE:
		do_write(s, q);
		break;
	case BD_STORE_REMOVE:
		do_remove(s, q);
		break;
	case BD_STORE_WATCH:
		if (!xs_watch(s->xs, q->path, q->value))
			post(s, BD_STORE_VALUE, q->cookie, failure(s), NULL, 0);
		break;
	case BD_STORE_UNWATCH:
		if (!xs_unwatch(s->xs, q->path, q->value))
			(void)failure(s);
		break;
	case BD_STORE_ASK_INTRODUCED:
		/* libxenstore reports an error as "no"; the next call will find the error. */
		post(s, BD_STORE_INTRODUCED, q->cookie, xs_is_domain_introduced(s->xs, q->domid), NULL, 0);
		break;
	}
	if (s->xs)
		set_silent(s, false);
}

/* A token is r or f, the cookie, a colon, and the watched path: the path of an event can be above
 * or below the watched path. */
static void take_watch(struct bd_store_worker *s, const char *token)
{
	char *colon;
	uint64_t cookie = strtoull(token + 1, &colon, 16);

	if (*colon != ':')
		return;
	if (token[0] == 'r')
		post_value(s, BD_STORE_VALUE, cookie, colon + 1);
	else
		post(s, BD_STORE_FIRED, cookie, 0, NULL, 0);
}

static void drain_watches(struct bd_store_worker *s)
{
	while (s->xs) {
		char **event = xs_check_watch(s->xs);

		if (!event) {
			if (errno != EAGAIN)
				lose(s);
			return;
		}
		set_silent(s, true);
		take_watch(s, event[XS_WATCH_TOKEN]);
		if (s->xs)
			set_silent(s, false);
		free(event);
	}
}

void *bd_store_worker(void *arg)
{
	struct bd_store_worker *s = arg;
	struct bd_store_request *q;

	(void)connect_store(s);
	while (bd_store_queue_next(&s->queue, &q)) {
		if (q) {
			run_request(s, q);
			free(q);
			continue;
		}
		bd_store_queue_wait(&s->queue, s->xs ? xs_fileno(s->xs) : -1, s->xs ? -1 : RECONNECT_MS);
		(void)connect_store(s);
		drain_watches(s);
	}
	xs_close(s->xs);
	return NULL;
}
