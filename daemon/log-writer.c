/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log-writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bd_log_writer {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: a ring */
	size_t begin, used;
	bool stop;
	char text[BD_LOG_WRITER_BYTES];
};

/* Whoever shares the descriptor may have made it non-blocking. */
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
		done = ok ? done : len; /* nobody will ever read it */
		w->begin = (w->begin + done) % sizeof(w->text);
		w->used -= done;
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct bd_log_writer *bd_log_writer_new(int fd)
{
	struct bd_log_writer *w = calloc(1, sizeof(*w));
	sigset_t all, old;
	int r;

	if (!w)
		return NULL;
	w->fd = fd;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	/* A thread that takes no signal: they are the loop's. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, NULL, work, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
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
	struct timespec end;

	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += (time_t)(ms / 1000);
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	if (pthread_timedjoin_np(w->thread, NULL, &end) != 0) {
		(void)pthread_detach(w->thread);
		return; /* it still uses *w */
	}
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->wake);
	free(w);
}
