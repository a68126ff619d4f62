/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/aside.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/thread.h"

/* At the end, give up work that hangs for so long. */
#define END_MS 1000

enum stage { AT_REST, ASKED, AT_WORK, DONE };

struct bd_aside {
	struct bd_aside_work work;
	int done_fd; /* readable when the work is done */
	struct event *readable;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: */
	enum stage stage;
	bool again; /* asked for during the work */
	bool stop;
};

static void *run(void *arg)
{
	struct bd_aside *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	for (;;) {
		while (a->stage != ASKED && !a->stop)
			(void)pthread_cond_wait(&a->wake, &a->lock);
		if (a->stop)
			break;
		a->stage = AT_WORK;
		(void)pthread_mutex_unlock(&a->lock);
		a->work.work(a->work.ud);
		(void)pthread_mutex_lock(&a->lock);
		a->stage = DONE;
		/* This fails only if the count is full, and then the descriptor is readable
		 * anyway. */
		(void)eventfd_write(a->done_fd, 1);
	}
	(void)pthread_mutex_unlock(&a->lock);
	return NULL;
}

void bd_aside_ask(struct bd_aside *a)
{
	(void)pthread_mutex_lock(&a->lock);
	if (a->stage == AT_REST) {
		a->stage = ASKED;
		(void)pthread_cond_signal(&a->wake);
	} else {
		a->again = true;
	}
	(void)pthread_mutex_unlock(&a->lock);
}

static void on_done(evutil_socket_t fd, short what, void *ud)
{
	struct bd_aside *a = ud;
	eventfd_t count;
	bool again;

	(void)what;
	(void)eventfd_read(fd, &count);
	a->work.done(a->work.ud);
	(void)pthread_mutex_lock(&a->lock);
	a->stage = AT_REST;
	again = a->again;
	a->again = false;
	(void)pthread_mutex_unlock(&a->lock);
	if (again)
		bd_aside_ask(a);
}

static void free_parts(struct bd_aside *a)
{
	if (a->readable)
		event_free(a->readable);
	if (a->done_fd >= 0)
		(void)close(a->done_fd);
	(void)pthread_mutex_destroy(&a->lock);
	(void)pthread_cond_destroy(&a->wake);
	free(a);
}

struct bd_aside *bd_aside_new(struct event_base *base, const struct bd_aside_work *work)
{
	struct bd_aside *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->work = *work;
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->wake, NULL);
	a->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->done_fd >= 0)
		a->readable = event_new(base, a->done_fd, EV_READ | EV_PERSIST, on_done, a);
	if (!a->readable || event_add(a->readable, NULL) < 0 || bd_thread_start(&a->thread, run, a) < 0) {
		free_parts(a);
		return NULL;
	}
	return a;
}

bool bd_aside_free(struct bd_aside *a)
{
	if (!a)
		return true;
	(void)pthread_mutex_lock(&a->lock);
	a->stop = true;
	(void)pthread_cond_signal(&a->wake);
	(void)pthread_mutex_unlock(&a->lock);
	if (!bd_thread_join(a->thread, END_MS)) {
		(void)event_del(a->readable);
		return false; /* the thread still uses *a */
	}
	free_parts(a);
	return true;
}
