/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads take turns. A turn ends where a thread would wait: in poll(), for a condition,
 * or at its end. */
#include "tests/stateful/played.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS_MAX 64

struct thread {
	void *(*run)(void *);
	void *arg;
	pthread_t id;
	bool ended, joined, dying, detached;
	bool progressed;       /* since its turn began it did not only wait */
	uint64_t wakes;	       /* its wait is over then, in ms; UINT64_MAX: never */
	pthread_cond_t *waits; /* for this condition */
	bool signalled;
};

static struct thread *threads[THREADS_MAX];
static size_t n_threads;
static __thread struct thread *self; /* NULL: the loop's */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static struct thread *turn; /* whose it is; NULL: the loop's */
static bool process_died;

int __real_poll(struct pollfd *fds, nfds_t n, int ms);
int __real_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __real_pthread_join(pthread_t id, void **ret);
int __real_pthread_detach(pthread_t id);
int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __real_pthread_cond_broadcast(pthread_cond_t *c);

bool played_in_thread(void)
{
	return self != NULL;
}

static void give_turn(struct thread *to)
{
	pthread_mutex_lock(&lock);
	turn = to;
	__real_pthread_cond_broadcast(&turned);
	pthread_mutex_unlock(&lock);
}

static void await_turn(void)
{
	pthread_mutex_lock(&lock);
	while (turn != self)
		__real_pthread_cond_wait(&turned, &lock);
	pthread_mutex_unlock(&lock);
	if (self && self->dying)
		pthread_exit(NULL);
}

/* The thread has nothing to do; returns at its next turn. */
static void pause_until(uint64_t wakes)
{
	self->wakes = wakes;
	give_turn(NULL);
	await_turn();
}

static void at_end(void *arg)
{
	struct thread *t = arg;

	t->ended = true;
	t->progressed = true;
	give_turn(NULL);
}

static void *start(void *arg)
{
	void *ret;

	self = arg;
	pthread_cleanup_push(at_end, self);
	await_turn();
	ret = self->run(self->arg);
	pthread_cleanup_pop(1);
	return ret;
}

/* Those that are over and whose end was taken notice of. */
static void forget_ended(void)
{
	for (size_t i = 0; i < n_threads;) {
		struct thread *t = threads[i];

		if (!t->ended || !(t->joined || t->detached)) {
			i++;
			continue;
		}
		if (t->detached && !t->joined)
			__real_pthread_join(t->id, NULL);
		free(t);
		threads[i] = threads[--n_threads];
	}
}

static bool run_one(struct thread *t)
{
	if (t->ended)
		return false;
	t->progressed = false;
	give_turn(t);
	await_turn();
	return t->progressed;
}

bool played_threads_run(void)
{
	bool any = false, more;

	do {
		more = false;
		for (size_t i = 0; i < n_threads && !process_died; i++)
			more |= run_one(threads[i]);
		any |= more;
	} while (more && !process_died);
	if (process_died)
		played_thread_died();
	forget_ended();
	return any;
}

uint64_t played_threads_next(void)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < n_threads; i++)
		if (!threads[i]->ended && threads[i]->wakes < next)
			next = threads[i]->wakes;
	return next;
}

void played_threads_end(void)
{
	process_died = false;
	for (size_t i = 0; i < n_threads; i++) {
		threads[i]->dying = threads[i]->detached = true;
		while (!threads[i]->ended)
			(void)run_one(threads[i]);
	}
	forget_ended();
}

void played_thread_dies(void)
{
	process_died = true;
	for (;;)
		pause_until(UINT64_MAX);
}

unsigned played_threads_left(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < n_threads; i++)
		n += !threads[i]->ended;
	return n;
}

/* ---- what the daemon calls ---- */

int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	struct thread *t = calloc(1, sizeof(*t));
	int r;

	if (!t || n_threads == THREADS_MAX)
		abort();
	t->run = run;
	t->arg = arg;
	t->wakes = UINT64_MAX;
	r = __real_pthread_create(&t->id, attr, start, t);
	if (r) {
		free(t);
		return r;
	}
	threads[n_threads++] = t;
	*ret = t->id;
	return 0;
}

static struct thread *thread_of(pthread_t id)
{
	for (size_t i = 0; i < n_threads; i++)
		if (pthread_equal(threads[i]->id, id) && !threads[i]->joined)
			return threads[i];
	abort();
}

static int join(struct thread *t, void **ret)
{
	int r = __real_pthread_join(t->id, ret);

	t->joined = true;
	forget_ended();
	return r;
}

int __wrap_pthread_join(pthread_t id, void **ret);
int __wrap_pthread_join(pthread_t id, void **ret)
{
	struct thread *t = thread_of(id);

	while (!t->ended)
		if (!played_threads_run() && !t->ended) {
			uint64_t next = played_threads_next();

			if (next == UINT64_MAX) {
				fprintf(stderr, "the loop waits for ever for the end of a thread\n");
				abort();
			}
			played_pass(next - played_now());
		}
	return join(t, ret);
}

int __wrap_pthread_timedjoin_np(pthread_t id, void **ret, const struct timespec *until);
int __wrap_pthread_timedjoin_np(pthread_t id, void **ret, const struct timespec *until)
{
	struct thread *t = thread_of(id);
	struct timespec now;

	while (played_threads_run() && !t->ended)
		;
	if (t->ended)
		return join(t, ret);
	clock_gettime(CLOCK_REALTIME, &now);
	if (until->tv_sec > now.tv_sec)
		played_pass((uint64_t)(until->tv_sec - now.tv_sec) * 1000);
	return ETIMEDOUT;
}

/* It is joined here when it ends, so that nothing of it is left. */
int __wrap_pthread_detach(pthread_t id);
int __wrap_pthread_detach(pthread_t id)
{
	thread_of(id)->detached = true;
	return 0;
}

/* The loop's thread waits: time passes where no thread has anything to do. */
static int loop_polls(struct pollfd *fds, nfds_t n, int ms)
{
	int r = __real_poll(fds, n, 0);

	if (r || !ms)
		return r;
	(void)played_threads_run();
	r = __real_poll(fds, n, 0);
	if (r)
		return r;
	if (ms < 0) {
		fprintf(stderr, "the loop waits for ever in poll()\n");
		abort();
	}
	played_pass((uint64_t)ms);
	(void)played_threads_run();
	return __real_poll(fds, n, 0);
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	uint64_t end = ms < 0 ? UINT64_MAX : played_now() + (uint64_t)ms;
	int r;

	if (!self)
		return loop_polls(fds, n, ms);
	for (;;) {
		r = __real_poll(fds, n, 0);
		if (r || played_now() >= end)
			break;
		pause_until(end);
	}
	self->wakes = UINT64_MAX;
	self->progressed = true;
	return r;
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	if (!self) {
		/* Spurious returns are allowed: whoever waits looks again. */
		pthread_mutex_unlock(m);
		if (!played_threads_run()) {
			fprintf(stderr, "the loop waits for ever for a thread\n");
			abort();
		}
		pthread_mutex_lock(m);
		return 0;
	}
	self->waits = c;
	self->signalled = false;
	pthread_mutex_unlock(m);
	while (!self->signalled)
		pause_until(UINT64_MAX);
	self->waits = NULL;
	self->progressed = true;
	pthread_mutex_lock(m);
	return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c);
int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
	for (size_t i = 0; i < n_threads; i++)
		if (threads[i]->waits == c)
			threads[i]->signalled = true;
	return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *c);
int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
	return __wrap_pthread_cond_broadcast(c);
}
