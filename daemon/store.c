/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that includes xenstore.h. */
#include "daemon/store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#include "daemon/store-queue.h"

#define RECONNECT_MS 1000
#define CLOSE_SECONDS 1

struct bd_store {
	struct bd_store_queue queue;
	/* the loop's */
	bd_store_sink sink;
	void *ud;
	struct event *readable;
	pthread_t thread;
	/* the worker's */
	struct xs_handle *xs;
	bool seen_socket;
};

/* ---- worker ------------------------------------------------------------------ */

static void post(struct bd_store *s, enum bd_store_what what, uint64_t cookie, int r,
		 const char *value, size_t len)
{
	bd_store_queue_post(&s->queue, &(struct bd_store_reply){
		.what = what, .cookie = cookie, .r = r, .value = value, .len = value ? len : 0 });
}

static void silent(struct bd_store *s, bool yes)
{
	bd_store_queue_silent(&s->queue, yes);
}

/* A dead socket makes xs_open() fall back to the kernel's own channel, which
 * waits for the same dead xenstored and cannot be interrupted. */
static bool socket_refuses(struct bd_store *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = BL_RUNSTATEDIR "/xenstored/socket" };
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

static bool connect_store(struct bd_store *s)
{
	if (s->xs)
		return true;
	silent(s, true);
	if (socket_refuses(s))
		return false;
	s->xs = xs_open(0);
	if (!s->xs || xs_fileno(s->xs) < 0) {
		xs_close(s->xs);
		s->xs = NULL;
		return false;
	}
	silent(s, false);
	post(s, BD_STORE_CONNECTED, 0, 0, NULL, 0);
	return true;
}

static void lose(struct bd_store *s)
{
	xs_close(s->xs);
	s->xs = NULL;
	silent(s, true);
	post(s, BD_STORE_LOST, 0, 0, NULL, 0);
}

/* After a call that failed with errno: does the connection still stand?
 * libxenstore says EINVAL when it broke, and when xenstored said EINVAL. */
static bool broken(struct bd_store *s, int error)
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

/* errno of a failed call as -errno; -ENOTCONN, and the connection given up,
 * when it broke. */
static int failure(struct bd_store *s)
{
	int error = errno ? errno : EIO;

	if (!broken(s, error))
		return -error;
	lose(s);
	return -ENOTCONN;
}

static void post_value(struct bd_store *s, enum bd_store_what what, uint64_t cookie,
		       const char *path)
{
	unsigned len = 0;
	char *value = xs_read(s->xs, XBT_NULL, path, &len);

	if (value)
		post(s, what, cookie, 0, value, len);
	else
		post(s, what, cookie, failure(s), NULL, 0);
	free(value);
}

static void do_write(struct bd_store *s, const struct bd_store_request *q)
{
	if (q->expect) {
		unsigned len = 0;
		char *found = xs_read(s->xs, XBT_NULL, q->path, &len);
		bool same = found && len == strlen(q->expect) &&
			    memcmp(found, q->expect, len) == 0;

		if (!same) {
			int r = found ? -ESTALE : failure(s);

			post(s, BD_STORE_WRITTEN, q->cookie, r, found, len);
			free(found);
			return;
		}
		free(found);
	}
	if (xs_write(s->xs, XBT_NULL, q->path, q->value, (unsigned)strlen(q->value)))
		post(s, BD_STORE_WRITTEN, q->cookie, 0, NULL, 0);
	else
		post(s, BD_STORE_WRITTEN, q->cookie, failure(s), NULL, 0);
}

static void answer_unconnected(struct bd_store *s, const struct bd_store_request *q)
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

static void run_request(struct bd_store *s, const struct bd_store_request *q)
{
	if (!s->xs) {
		answer_unconnected(s, q);
		return;
	}
	silent(s, true);
	switch (q->op) {
	case BD_STORE_READ:
		post_value(s, BD_STORE_VALUE, q->cookie, q->path);
		break;
	case BD_STORE_WRITE:
		do_write(s, q);
		break;
	case BD_STORE_REMOVE:
		if (!xs_rm(s->xs, XBT_NULL, q->path))
			(void)failure(s);
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
		/* Cannot tell "no" from an error; the next call will. */
		post(s, BD_STORE_INTRODUCED, q->cookie,
		     xs_is_domain_introduced(s->xs, q->domid), NULL, 0);
		break;
	}
	if (s->xs)
		silent(s, false);
}

/* A token is r or f, the cookie, a colon, and the path that was asked for:
 * the path of an event can be another, above or below it. */
static void take_watch(struct bd_store *s, const char *token)
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

static void drain_watches(struct bd_store *s)
{
	while (s->xs) {
		char **event = xs_check_watch(s->xs);

		if (!event) {
			if (errno != EAGAIN)
				lose(s);
			return;
		}
		silent(s, true);
		take_watch(s, event[XS_WATCH_TOKEN]);
		if (s->xs)
			silent(s, false);
		free(event);
	}
}

static void *worker(void *arg)
{
	struct bd_store *s = arg;
	struct bd_store_request *q;

	(void)connect_store(s);
	while (bd_store_queue_next(&s->queue, &q)) {
		if (q) {
			run_request(s, q);
			free(q);
			continue;
		}
		bd_store_queue_wait(&s->queue, s->xs ? xs_fileno(s->xs) : -1,
				    s->xs ? -1 : RECONNECT_MS);
		(void)connect_store(s);
		drain_watches(s);
	}
	xs_close(s->xs);
	return NULL;
}

/* ---- the loop's side --------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *ud)
{
	struct bd_store *s = ud;

	(void)fd;
	(void)what;
	bd_store_queue_deliver(&s->queue, s->sink, s->ud);
}

static int ask(struct bd_store *s, bool later, const struct bd_store_request *what,
	       const char *path)
{
	return bd_store_queue_push(&s->queue, later, what, path);
}

int bd_store_read(struct bd_store *s, uint64_t cookie, const char *path)
{
	return ask(s, false, &(struct bd_store_request){ .op = BD_STORE_READ, .cookie = cookie },
		   path);
}

int bd_store_read_later(struct bd_store *s, uint64_t cookie, const char *path)
{
	return ask(s, true, &(struct bd_store_request){ .op = BD_STORE_READ, .cookie = cookie },
		   path);
}

int bd_store_write(struct bd_store *s, uint64_t cookie, const char *path,
		   const char *value, const char *expect)
{
	return ask(s, false, &(struct bd_store_request){
		.op = BD_STORE_WRITE, .cookie = cookie,
		/* only ever copied from */
		.value = (char *)(uintptr_t)value, .expect = (char *)(uintptr_t)expect }, path);
}

int bd_store_remove(struct bd_store *s, const char *path)
{
	return ask(s, false, &(struct bd_store_request){ .op = BD_STORE_REMOVE }, path);
}

static int ask_watch(struct bd_store *s, enum bd_store_op op, uint64_t cookie,
		     const char *path, bool read)
{
	char token[256];
	int n = snprintf(token, sizeof(token), "%c%" PRIx64 ":%s", read ? 'r' : 'f',
			 cookie, path);

	assert(n > 0 && (size_t)n < sizeof(token));
	return ask(s, false, &(struct bd_store_request){
		.op = op, .cookie = cookie, .value = token }, path);
}

int bd_store_watch(struct bd_store *s, uint64_t cookie, const char *path, bool read)
{
	return ask_watch(s, BD_STORE_WATCH, cookie, path, read);
}

int bd_store_unwatch(struct bd_store *s, uint64_t cookie, const char *path, bool read)
{
	return ask_watch(s, BD_STORE_UNWATCH, cookie, path, read);
}

int bd_store_introduced(struct bd_store *s, uint64_t cookie, uint32_t domid)
{
	return ask(s, false, &(struct bd_store_request){
		.op = BD_STORE_ASK_INTRODUCED, .cookie = cookie, .domid = domid }, "");
}

bl_ms bd_store_now(void)
{
	return BL_MS(bd_store_queue_now());
}

bl_ms bd_store_silent(const struct bd_store *s)
{
	return BL_MS(atomic_load(&s->queue.silent_since));
}

int bd_store_settle(struct bd_store *s, bl_ms limit)
{
	uint64_t end = bd_store_queue_now() + limit.n;

	while (!bd_store_queue_idle(&s->queue)) {
		struct pollfd fd = { .fd = s->queue.reply_fd, .events = POLLIN };
		uint64_t now = bd_store_queue_now();

		if (now >= end)
			return -ETIMEDOUT;
		/* Work without an answer ends unheard. */
		(void)poll(&fd, 1, (int)(end - now > 20 ? 20 : end - now));
		bd_store_queue_deliver(&s->queue, s->sink, s->ud);
	}
	return 0;
}

static void free_store(struct bd_store *s)
{
	if (s->readable)
		event_free(s->readable);
	bd_store_queue_free(&s->queue);
	free(s);
}

/* A thread that takes no signal: they are the loop's. */
static int start_worker(struct bd_store *s)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&s->thread, NULL, worker, s);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int bd_store_open(struct event_base *base, bd_store_sink sink, void *ud,
		  struct bd_store **ret, struct bl_err *reterr)
{
	struct bd_store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	s->sink = sink;
	s->ud = ud;
	r = bd_store_queue_init(&s->queue);
	if (!r) {
		s->readable = event_new(base, s->queue.reply_fd, EV_READ | EV_PERSIST,
					on_readable, s);
		if (!s->readable || event_add(s->readable, NULL) < 0)
			r = -ENOMEM;
	}
	if (!r)
		r = start_worker(s);
	if (r < 0) {
		free_store(s);
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "cannot start the xenstore thread: %s", strerror(-r));
	}
	*ret = s;
	return 0;
}

void bd_store_close(struct bd_store *s)
{
	struct timespec end;

	if (!s)
		return;
	bd_store_queue_stop(&s->queue);
	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += CLOSE_SECONDS;
	if (pthread_timedjoin_np(s->thread, NULL, &end) != 0) {
		/* It hangs in xenstored, and still uses *s. */
		(void)event_del(s->readable);
		(void)pthread_detach(s->thread);
		return;
	}
	free_store(s);
}
