/* SPDX-License-Identifier: GPL-2.0-or-later */
/* balloond with a disk, a journal and a keeper of groups that a test holds. With HELD=CALL
 * in the environment fsync or renameat, and once the event loop runs scandir or getgrnam_r,
 * waits until somebody opens the FIFO that HELD_UNTIL names; JOURNAL is where the
 * journal's socket is. No such call, no other that can wait for a disk, and no message that
 * could wait, may come from the event loop's thread: that ends the process. */
#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/app.h"

static void not_from_the_loop(const char *what)
{
	if (gettid() != getpid())
		return;
	fprintf(stderr, "the event loop's thread calls %s\n", what);
	abort();
}

static void hold(const char *call)
{
	const char *held = getenv("HELD"), *until = getenv("HELD_UNTIL");
	int fd;

	not_from_the_loop(call);
	if (!held || !until || strcmp(held, call) != 0)
		return;
	fd = open(until, O_RDONLY | O_CLOEXEC); /* waits for a writer */
	if (fd >= 0)
		close(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	hold("fsync");
	return __real_fsync(fd);
}

int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	hold("renameat");
	return __real_renameat(a, from, b, to);
}

static bool looping;

int __real_event_base_dispatch(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base);
int __wrap_event_base_dispatch(struct event_base *base)
{
	int r;

	looping = true;
	r = __real_event_base_dispatch(base);
	looping = false;
	return r;
}

/* Whatever else can wait for a disk. /proc has none. */
static void not_while_it_loops(const char *call, const char *path)
{
	if (looping && strncmp(path, "/proc/", 6) != 0)
		not_from_the_loop(call);
}

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, mode_t mode)
{
	not_while_it_loops("open", path);
	return __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, mode_t mode)
{
	not_while_it_loops("openat", path);
	return __real_openat(dir, path, flags, mode);
}

int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags)
{
	not_while_it_loops("unlinkat", path);
	return __real_unlinkat(dir, path, flags);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	not_while_it_loops("unlink", path);
	return __real_unlink(path);
}

int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
	not_while_it_loops("mkdirat", path);
	return __real_mkdirat(dir, path, mode);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
	not_while_it_loops("mkdir", path);
	return __real_mkdir(path, mode);
}

int __real_faccessat(int dir, const char *path, int mode, int flags);
int __wrap_faccessat(int dir, const char *path, int mode, int flags);
int __wrap_faccessat(int dir, const char *path, int mode, int flags)
{
	not_while_it_loops("faccessat", path);
	return __real_faccessat(dir, path, mode, flags);
}

typedef int filter(const struct dirent *);
typedef int order(const struct dirent **, const struct dirent **);
int __real_scandir(const char *folder, struct dirent ***ret, filter *f, order *o);
int __wrap_scandir(const char *folder, struct dirent ***ret, filter *f, order *o);
int __wrap_scandir(const char *folder, struct dirent ***ret, filter *f, order *o)
{
	if (looping)
		hold("scandir");
	return __real_scandir(folder, ret, f, o);
}

int __real_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, struct group **ret);
int __wrap_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, struct group **ret);
int __wrap_getgrnam_r(const char *name, struct group *g, char *buf, size_t n, struct group **ret)
{
	if (looping)
		hold("getgrnam_r");
	return __real_getgrnam_r(name, g, buf, n, ret);
}

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	static bool silent; /* what is told here is no line of the log */

	if (fd == STDERR_FILENO && !silent && getenv("HELD_UNTIL")) {
		silent = true;
		not_from_the_loop("write to stderr");
		silent = false;
	}
	return __real_write(fd, buf, n);
}

ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr mine = *msg;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *journal = getenv("JOURNAL");

	if (!(flags & MSG_DONTWAIT))
		not_from_the_loop("sendmsg and may wait");
	if (!journal || !msg->msg_name)
		return __real_sendmsg(fd, msg, flags);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", journal);
	mine.msg_name = &to;
	mine.msg_namelen = sizeof(to);
	return __real_sendmsg(fd, &mine, flags);
}

int main(int argc, char **argv)
{
	return bd_app_main(argc, argv);
}
