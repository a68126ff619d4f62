/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/property/random.h"
#include "tests/stateful/played.h"

struct failing {
	char name[32];
	int error;
	unsigned one_in;
};

static struct {
	char state[128], proc[160];
	struct rnd rnd;
	struct failing hypercalls, disk;
	unsigned kill_after;
	bool running;
	jmp_buf death;
} f;

void faults_begin(const char *state, uint64_t seed)
{
	memset(&f, 0, sizeof(f));
	snprintf(f.state, sizeof(f.state), "%s", state);
	snprintf(f.proc, sizeof(f.proc), "%s/../proc", state);
	f.rnd.s = seed;
}

const char *faults_proc(void)
{
	return f.proc;
}

void faults_hypercalls(const char *name, int error, unsigned one_in)
{
	f.hypercalls = (struct failing){ .error = error, .one_in = one_in };
	snprintf(f.hypercalls.name, sizeof(f.hypercalls.name), "%s", name);
}

void faults_disk(int error, unsigned one_in)
{
	f.disk = (struct failing){ .error = error, .one_in = one_in };
}

void faults_none(void)
{
	f.hypercalls.one_in = f.disk.one_in = 0;
}

bool faults_any(void)
{
	return f.hypercalls.one_in || f.disk.one_in;
}

/* ---- kills ---- */

void faults_kill_after(unsigned steps)
{
	f.kill_after = steps;
}

bool faults_run(void (*what)(void *ud), void *ud)
{
	if (setjmp(f.death)) {
		f.running = false;
		f.kill_after = 0;
		return false;
	}
	f.running = true;
	what(ud);
	f.running = false;
	return true;
}

void played_thread_died(void)
{
	longjmp(f.death, 1);
}

void faults_step(void)
{
	if (!f.running || !f.kill_after || --f.kill_after)
		return;
	if (played_in_thread())
		played_thread_dies();
	longjmp(f.death, 1);
}

static int fails(struct failing *what)
{
	return f.running && what->one_in && rnd_one_in(&f.rnd, what->one_in) ? what->error : 0;
}

int faults_hypercall(const char *name)
{
	faults_step();
	return strncmp(name, f.hypercalls.name, strlen(f.hypercalls.name)) ? 0 : fails(&f.hypercalls);
}

/* ---- the disk ---- */

static bool of_state(int fd)
{
	char link[64], path[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	return n > 0 && !strncmp(path, f.state, strlen(f.state));
}

/* Whether the call is to fail; errno is set then. */
static bool disk_fails(void)
{
	int error;

	faults_step();
	error = fails(&f.disk);
	if (!error)
		return false;
	errno = error;
	return true;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & O_CREAT ? (mode_t)va_arg(ap, int) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (!strcmp(path, "/proc"))
		path = f.proc;
	if (flags & O_CREAT && !strncmp(path, f.state, strlen(f.state)) && disk_fails())
		return -1;
	return __real_open(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (of_state(dir) && disk_fails())
		return -1;
	return __real_openat(dir, path, flags, mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
	return __real_opendir(strcmp(path, "/proc") ? path : f.proc);
}

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	if (of_state(fd) && disk_fails()) {
		/* A full disk takes a part of it. */
		if (n > 1)
			(void)!__real_write(fd, buf, n / 2);
		errno = f.disk.error;
		return -1;
	}
	return __real_write(fd, buf, n);
}

/* A kill leaves what the kernel has. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	return of_state(fd) && disk_fails() ? -1 : 0;
}

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	return __wrap_fsync(fd);
}

int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	return of_state(b) && disk_fails() ? -1 : __real_renameat(a, from, b, to);
}

int __real_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags);
int __wrap_unlinkat(int dir, const char *path, int flags)
{
	return of_state(dir) && disk_fails() ? -1 : __real_unlinkat(dir, path, flags);
}
