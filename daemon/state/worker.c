/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/state/worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/base/atomic-file.h"
#include "daemon/base/thread.h"

/* ---- folders ---- */

/* The lock is on a file in the folder, where an older balloond looks for it. A folder that cannot
 * be written needs no lock, since nobody writes there. */
static int lock_place(struct bd_place *p)
{
	int fd = openat(p->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		fd = openat(p->fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		p->lock = fd;
		return 0;
	}
	(void)close(fd);
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

/* -ESTALE if a folder that appeared after the start has records: writing there could replace what
 * people set. */
static int check_unread(const struct bd_place *p)
{
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d)
		return -errno;
	errno = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && e->d_type != DT_DIR && strcmp(e->d_name, "lock") != 0)
			r = -ESTALE;
	if (!r && errno)
		r = -errno;
	(void)closedir(d);
	return r;
}

int bd_place_open(struct bd_place *p)
{
	int r = 0;

	if (p->fd >= 0)
		return 0;
	p->fd = bd_atomic_file_open_folder(p->path, p->parent_mode);
	if (p->fd < 0)
		return p->fd;
	if (p->locks && p->lock < 0)
		r = lock_place(p);
	if (r == 0 && !p->read)
		r = check_unread(p);
	if (r == 0) {
		p->read = true;
		return 0;
	}
	(void)close(p->fd);
	p->fd = -1;
	return r;
}

void bd_place_close(struct bd_place *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->lock >= 0)
		(void)close(p->lock);
	p->fd = p->lock = -1;
}

/* ---- jobs ---- */

static int try_job(struct bd_place *p, const struct bd_job *j)
{
	char name[BD_ATOMIC_FILE_NAME_MAX] = "paused";
	int r = bd_place_open(p);

	if (r < 0)
		return r;
	if (j->kind != BD_STATE_PAUSED)
		bl_uuid_format(&j->id, name);
	switch (j->what) {
	case BD_JOB_WRITE:
		return bd_atomic_file_write(p->fd, name, j->text, j->len, p->sync);
	case BD_JOB_DROP:
		return bd_atomic_file_remove(p->fd, name);
	case BD_JOB_PROBE:
		return bd_atomic_file_probe_folder(p->fd);
	}
	return -EINVAL;
}

static int run_job(struct bd_place *p, const struct bd_job *j)
{
	int r = try_job(p, j);

	/* The folder itself was removed. */
	if (r == -ENOENT && p->fd >= 0) {
		(void)close(p->fd);
		p->fd = -1;
		r = try_job(p, j);
	}
	return r;
}

void bd_jobs_run(struct bd_place *places, struct bd_jobs *jobs)
{
	int synced[BD_STATE_KINDS] = { 0 };
	bool changed[BD_STATE_KINDS] = { false };
	struct bd_job *j;

	STAILQ_FOREACH(j, jobs, link) {
		j->r = run_job(&places[j->kind], j);
		changed[j->kind] |= j->r == 0 && j->what != BD_JOB_PROBE;
	}
	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		if (changed[k] && places[k].sync && fsync(places[k].fd) < 0)
			synced[k] = -errno;
	STAILQ_FOREACH(j, jobs, link)
		if (j->r == 0 && j->what != BD_JOB_PROBE)
			j->r = synced[j->kind];
}

/* ---- the thread ---- */

static void *work(void *arg)
{
	struct bd_worker *w = arg;
	struct bd_jobs mine = STAILQ_HEAD_INITIALIZER(mine);

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (STAILQ_EMPTY(&w->jobs) && !w->stop)
			(void)pthread_cond_wait(&w->wake, &w->lock);
		if (STAILQ_EMPTY(&w->jobs))
			break;
		STAILQ_CONCAT(&mine, &w->jobs);
		(void)pthread_mutex_unlock(&w->lock);
		bd_jobs_run(w->places, &mine);
		(void)pthread_mutex_lock(&w->lock);
		STAILQ_CONCAT(&w->done, &mine);
		/* This fails only if the count is full, and then the descriptor is readable
		 * anyway. */
		(void)eventfd_write(w->reply_fd, 1);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

void bd_worker_init(struct bd_worker *w, struct bd_place *places, int reply_fd)
{
	*w = (struct bd_worker){ .places = places, .reply_fd = reply_fd };
	STAILQ_INIT(&w->jobs);
	STAILQ_INIT(&w->done);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
}

int bd_worker_start(struct bd_worker *w)
{
	int r = bd_thread_start(&w->thread, work, w);

	w->started = r == 0;
	return r;
}

bool bd_worker_stop(struct bd_worker *w, unsigned seconds)
{
	if (!w->started)
		return true;
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	if (!bd_thread_join(w->thread, seconds * 1000))
		return false;
	w->started = false;
	return true;
}

void bd_worker_push(struct bd_worker *w, struct bd_job *job)
{
	(void)pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->jobs, job, link);
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
}

void bd_worker_take_done(struct bd_worker *w, struct bd_jobs *ret)
{
	(void)pthread_mutex_lock(&w->lock);
	STAILQ_CONCAT(ret, &w->done);
	(void)pthread_mutex_unlock(&w->lock);
}
