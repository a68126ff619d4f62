/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/log-writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/thread.h"

struct bd_log_writer {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* a ring, under the lock */
	size_t begin, used;
	bool stop;
	char text[BD_LOG_WRITER_BYTES];
};

/* A process that shares the descriptor may have made it non-blocking. */
static bool write_some(int fd, const char *text, size_t len, size_t *ret)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n = write(fd, text, len);

	if (n < 0 && errno == EAGAIN)
		(void)poll(&p, 1, -1);
	*ret = n > 0 ? (size_t)n : 0;
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

static void *work(void *arg)
{
	struct bd_log_writer *w = arg;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		size_t len, done;
		bool ok;

		while (!w->used && !w->stop)
			(void)pthread_cond_wait(&w->wake, &w->lock);
		if (!w->used)
			break;
		len = sizeof(w->text) - w->begin;
		len = len < w->used ? len : w->used;
		(void)pthread_mutex_unlock(&w->lock);
		ok = write_some(w->fd, w->text + w->begin, len, &done);
		(void)pthread_mutex_lock(&w->lock);
		done = ok ? done : len; /* nobody will ever read the rest */
		w->begin = (w->begin + done) % sizeof(w->text);
		w->used -= done;
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct bd_log_writer *bd_log_writer_new(int fd)
{
	struct bd_log_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	if (bd_thread_start(&w->thread, work, w) == 0)
		return w;
	free(w);
	return NULL;
}

bool bd_log_writer_put(struct bd_log_writer *w, const char *text, size_t len)
{
	size_t end, first;
	bool fits;

	(void)pthread_mutex_lock(&w->lock);
	fits = len <= sizeof(w->text) - w->used;
	if (fits) {
		end = (w->begin + w->used) % sizeof(w->text);
		first = sizeof(w->text) - end;
		first = first < len ? first : len;
		memcpy(w->text + end, text, first);
		memcpy(w->text, text + first, len - first);
		w->used += len;
		(void)pthread_cond_signal(&w->wake);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return fits;
}

void bd_log_writer_free(struct bd_log_writer *w, unsigned ms)
{
	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	if (!bd_thread_join(w->thread, ms))
		return; /* the thread still uses *w */
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->wake);
	free(w);
}
