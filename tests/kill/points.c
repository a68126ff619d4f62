/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/kill/points.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool counting;
static unsigned long kill_at, n_points;
static int log_fd = -1;
/* The threads that write files have places to be killed at, too: one at a time, so that
 * the last line of the log is the place of the kill. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void points_init(void)
{
	const char *at = getenv("KILL_AT"), *log = getenv("KILL_LOG");

	kill_at = at ? strtoul(at, NULL, 10) : 0;
	if (log)
		log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (log && log_fd < 0) {
		fprintf(stderr, "%s: %s\n", log, strerror(errno));
		exit(2);
	}
	counting = true; /* that was ours */
}

/* One line a point, so that whoever killed knows where, and how many there are. */
static void point(const char *when, const char *what, const char *name)
{
	if (!counting)
		return;
	(void)pthread_mutex_lock(&lock);
	n_points++;
	if (log_fd >= 0)
		dprintf(log_fd, "%s %s%s%s\n", when, what, name ? " " : "", name ? name : "");
	if (n_points == kill_at) {
		(void)raise(SIGKILL);
		(void)pause(); /* with the lock, until the process is gone */
	}
	(void)pthread_mutex_unlock(&lock);
}

void point_before(const char *what, const char *name)
{
	point("before", what, name);
}

void point_after(const char *what, const char *name)
{
	int saved = errno;

	point("after", what, name);
	errno = saved;
}
