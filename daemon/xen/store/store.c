/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop's side of xenstore, which never waits. */
#include "daemon/xen/store/store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/thread.h"
#include "daemon/xen/store/xenstored.h"

#define CLOSE_MS 1000

struct bd_store {
	struct bd_store_worker worker;
	bd_store_sink sink;
	void *ud;
	struct event *readable;
	pthread_t thread;
};

static void on_readable(evutil_socket_t fd, short what, void *ud)
{
	struct bd_store *s = ud;

	(void)fd;
	(void)what;
	bd_store_queue_deliver(&s->worker.queue, s->sink, s->ud);
}

static int ask(struct bd_store *s, bool later, const struct bd_store_request *what, const char *path)
{
	return bd_store_queue_push(&s->worker.queue, later, what, path);
}

int bd_store_read(struct bd_store *s, uint64_t cookie, const char *path)
{
	return ask(s, false, &(struct bd_store_request){ .op = BD_STORE_READ, .cookie = cookie }, path);
}

int bd_store_read_later(struct bd_store *s, uint64_t cookie, const char *path)
{
	return ask(s, true, &(struct bd_store_request){ .op = BD_STORE_READ, .cookie = cookie }, path);
}

static int ask_guarded(struct bd_store *s, struct bd_store_request *what, const struct bd_store_guard *guard,
		       const char *path)
{
	if (guard)
		what->guard = *guard;
	return ask(s, false, what, path);
}

int bd_store_write(struct bd_store *s, uint64_t cookie, const char *path, const char *value,
		   const char *expect, const struct bd_store_guard *guard)
{
	return ask_guarded(s,
			   &(struct bd_store_request){ .op = BD_STORE_WRITE,
						       .cookie = cookie,
						       .value = value,
						       .expect = expect },
			   guard, path);
}

int bd_store_remove(struct bd_store *s, const char *path, const struct bd_store_guard *guard)
{
	return ask_guarded(s, &(struct bd_store_request){ .op = BD_STORE_REMOVE }, guard, path);
}

static int ask_watch(struct bd_store *s, enum bd_store_op op, uint64_t cookie, const char *path, bool read)
{
	char token[256];
	int n = snprintf(token, sizeof(token), "%c%" PRIx64 ":%s", read ? 'r' : 'f', cookie, path);

	assert(n > 0 && (size_t)n < sizeof(token));
	return ask(s, false, &(struct bd_store_request){ .op = op, .cookie = cookie, .value = token }, path);
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
	return ask(s, false,
		   &(struct bd_store_request){
			   .op = BD_STORE_ASK_INTRODUCED, .cookie = cookie, .domid = domid },
		   "");
}

bl_ms bd_store_silent(const struct bd_store *s)
{
	return BL_MS(atomic_load(&s->worker.queue.silent_since));
}

/* This limits real time, while a test may hold the host's clock. */
static uint64_t waited_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int bd_store_settle(struct bd_store *s, bl_ms limit)
{
	uint64_t end = waited_ms() + limit.n;

	while (!bd_store_queue_idle(&s->worker.queue)) {
		struct pollfd fd = { .fd = s->worker.queue.reply_fd, .events = POLLIN };
		uint64_t now = waited_ms();

		if (now >= end)
			return -ETIMEDOUT;
		/* A request without an answer, such as a removal, wakes nobody: poll in short
		 * steps. */
		(void)poll(&fd, 1, (int)(end - now > 20 ? 20 : end - now));
		bd_store_queue_deliver(&s->worker.queue, s->sink, s->ud);
	}
	return 0;
}

static void free_store(struct bd_store *s)
{
	if (s->readable)
		event_free(s->readable);
	bd_store_queue_free(&s->worker.queue);
	free(s);
}

int bd_store_open(struct event_base *base, bd_store_sink sink, void *ud, struct bd_store **ret,
		  struct bl_err *reterr)
{
	struct bd_store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	s->sink = sink;
	s->ud = ud;
	r = bd_store_queue_init(&s->worker.queue);
	if (!r) {
		s->readable = event_new(base, s->worker.queue.reply_fd, EV_READ | EV_PERSIST, on_readable,
					s);
		if (!s->readable || event_add(s->readable, NULL) < 0)
			r = -ENOMEM;
	}
	if (!r)
		r = bd_thread_start(&s->thread, bd_store_worker, &s->worker);
	if (r < 0) {
		free_store(s);
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot start the xenstore thread: %s",
				  strerror(-r));
	}
	*ret = s;
	return 0;
}

void bd_store_close(struct bd_store *s)
{
	if (!s)
		return;
	bd_store_queue_stop(&s->worker.queue);
	if (!bd_thread_join(s->thread, CLOSE_MS)) {
		/* The worker hangs in xenstored, and still uses *s. */
		(void)event_del(s->readable);
		return;
	}
	free_store(s);
}
