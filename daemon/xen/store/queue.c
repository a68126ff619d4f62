/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/store/queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/clock.h"

/* Wake the event loop in the midst of work once so many answers wait. */
#define ANSWERS_BATCH 128

struct bd_store_answer {
	STAILQ_ENTRY(bd_store_answer) link;
	struct bd_store_reply said;
	char value[];
};

static void signal_fd(int fd)
{
	/* This fails only if the count is full, and then the descriptor is readable anyway. */
	(void)eventfd_write(fd, 1);
}

int bd_store_queue_init(struct bd_store_queue *q)
{
	*q = (struct bd_store_queue){ .working = true };
	STAILQ_INIT(&q->soon);
	STAILQ_INIT(&q->later);
	STAILQ_INIT(&q->answers);
	(void)pthread_mutex_init(&q->lock, NULL);
	q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->reply_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return q->wake_fd < 0 || q->reply_fd < 0 ? -EMFILE : 0;
}

static struct bd_store_request *take_request(struct bd_store_queue *q)
{
	struct bd_store_requests *list = STAILQ_EMPTY(&q->soon) ? &q->later : &q->soon;
	struct bd_store_request *r = STAILQ_FIRST(list);

	if (r)
		STAILQ_REMOVE_HEAD(list, link);
	q->urgent = r && list == &q->soon;
	return r;
}

void bd_store_queue_free(struct bd_store_queue *q)
{
	struct bd_store_request *r;
	struct bd_store_answer *a;

	while ((r = take_request(q)))
		free(r);
	while ((a = STAILQ_FIRST(&q->answers))) {
		STAILQ_REMOVE_HEAD(&q->answers, link);
		free(a);
	}
	if (q->wake_fd >= 0)
		(void)close(q->wake_fd);
	if (q->reply_fd >= 0)
		(void)close(q->reply_fd);
	(void)pthread_mutex_destroy(&q->lock);
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Moves *text to *at, and *at behind the text. */
static void keep_text(const char **text, char **at)
{
	size_t size = size_of(*text);

	if (!size)
		return;
	*text = memcpy(*at, *text, size);
	*at += size;
}

int bd_store_queue_push(struct bd_store_queue *q, bool later, const struct bd_store_request *what,
			const char *path)
{
	size_t path_size = size_of(path);
	struct bd_store_request *r = calloc(1, sizeof(*r) + path_size + size_of(what->value) +
						       size_of(what->expect) + size_of(what->guard.path) +
						       size_of(what->guard.value));
	char *at;
	bool first;

	if (!r)
		return -ENOMEM;
	*r = *what;
	memcpy(r->path, path, path_size);
	at = r->path + path_size;
	keep_text(&r->value, &at);
	keep_text(&r->expect, &at);
	keep_text(&r->guard.path, &at);
	keep_text(&r->guard.value, &at);
	(void)pthread_mutex_lock(&q->lock);
	/* The worker looks at wake_fd before it waits, so only a request for an empty queue needs
	 * a wake-up. */
	first = STAILQ_EMPTY(&q->soon) && STAILQ_EMPTY(&q->later);
	STAILQ_INSERT_TAIL(later ? &q->later : &q->soon, r, link);
	(void)pthread_mutex_unlock(&q->lock);
	if (first)
		signal_fd(q->wake_fd);
	return 0;
}

void bd_store_queue_deliver(struct bd_store_queue *q, bd_store_sink sink, void *ud)
{
	struct bd_store_answers list = STAILQ_HEAD_INITIALIZER(list);
	struct bd_store_answer *a;
	eventfd_t ignored;

	(void)eventfd_read(q->reply_fd, &ignored);
	(void)pthread_mutex_lock(&q->lock);
	STAILQ_CONCAT(&list, &q->answers);
	q->n_answers = 0;
	q->woken = false;
	(void)pthread_mutex_unlock(&q->lock);
	while ((a = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, link);
		sink(ud, &a->said);
		free(a);
	}
}

bool bd_store_queue_idle(struct bd_store_queue *q)
{
	bool r;

	(void)pthread_mutex_lock(&q->lock);
	r = !q->working && STAILQ_EMPTY(&q->soon) && STAILQ_EMPTY(&q->later) && STAILQ_EMPTY(&q->answers) &&
	    atomic_load(&q->silent_since) == 0;
	(void)pthread_mutex_unlock(&q->lock);
	return r;
}

void bd_store_queue_stop(struct bd_store_queue *q)
{
	(void)pthread_mutex_lock(&q->lock);
	q->stop = true;
	(void)pthread_mutex_unlock(&q->lock);
	signal_fd(q->wake_fd);
}

bool bd_store_queue_next(struct bd_store_queue *q, struct bd_store_request **ret)
{
	bool stop;

	(void)pthread_mutex_lock(&q->lock);
	stop = q->stop;
	*ret = stop ? NULL : take_request(q);
	if (!*ret)
		q->working = false;
	(void)pthread_mutex_unlock(&q->lock);
	return !stop;
}

void bd_store_queue_post(struct bd_store_queue *q, const struct bd_store_reply *reply)
{
	struct bd_store_answer *a = calloc(1, sizeof(*a) + reply->len + 1);
	bool wake;

	/* Someone would wait for a lost answer for ever. */
	if (!a)
		abort();
	a->said = *reply;
	if (reply->value)
		a->said.value = memcpy(a->value, reply->value, reply->len);
	(void)pthread_mutex_lock(&q->lock);
	STAILQ_INSERT_TAIL(&q->answers, a, link);
	q->n_answers++;
	wake = !q->woken && (q->urgent || q->n_answers >= ANSWERS_BATCH);
	q->woken |= wake;
	(void)pthread_mutex_unlock(&q->lock);
	if (wake)
		signal_fd(q->reply_fd);
}

void bd_store_queue_wait(struct bd_store_queue *q, int fd, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = q->wake_fd, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	eventfd_t ignored;
	bool answers;

	(void)pthread_mutex_lock(&q->lock);
	answers = q->n_answers > 0 && !q->woken;
	q->woken |= answers;
	(void)pthread_mutex_unlock(&q->lock);
	if (answers)
		signal_fd(q->reply_fd);
	(void)poll(fds, 2, timeout_ms);
	(void)pthread_mutex_lock(&q->lock);
	q->working = true;
	(void)pthread_mutex_unlock(&q->lock);
	(void)eventfd_read(q->wake_fd, &ignored);
}

void bd_store_queue_silent(struct bd_store_queue *q, bool yes)
{
	uint64_t none = 0;

	if (!yes)
		atomic_store(&q->silent_since, 0);
	else
		(void)atomic_compare_exchange_strong(&q->silent_since, &none, bd_clock_now().n);
}
