/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMM_SIZE 32
#define UIDS 4 /* real, effective, saved, file system */

const char *bd_xen_proc = "/proc";

/* A process may end while it is examined. */
static bool has_ended(int error)
{
	return error == ENOENT || error == ESRCH;
}

ssize_t bd_xen_proc_read(const struct bd_xen_process *p, const char *file, char *buf, size_t size)
{
	int fd = openat(p->dir, file, O_RDONLY | O_CLOEXEC), error;
	ssize_t n;

	if (fd < 0)
		return has_ended(errno) ? 0 : -errno;
	n = read(fd, buf, size);
	error = errno;
	(void)close(fd);
	if (n < 0)
		return has_ended(error) ? 0 : -error;
	return n;
}

/* True if all four uids are root's: a set-uid program of root keeps the real uid of its user. A
 * line feed in the process's name, which precedes the line, is escaped by the kernel. 1: root's;
 * 0: not, or ended; -errno. */
static int belongs_to_root(const struct bd_xen_process *p)
{
	static const char key[] = "\nUid:";
	char status[1024], *at;
	ssize_t n = bd_xen_proc_read(p, "status", status, sizeof(status) - 1);

	if (n <= 0)
		return (int)n;
	status[n] = '\0';
	at = strstr(status, key);
	if (!at)
		return 0;
	at += sizeof(key) - 1;
	for (int i = 0; i < UIDS; i++) {
		char *end;
		unsigned long uid = strtoul(at, &end, 10);

		if (end == at || uid != 0)
			return 0;
		at = end;
	}
	return 1;
}

static bool is_one_of(const char *comm, const char *const *names)
{
	while (*names && strcmp(*names, comm) != 0)
		names++;
	return *names != NULL;
}

/* 1: each() wants more; 0: each() is done; -errno. */
static int visit(int proc, const char *pid, const char *const *names,
		 bool (*each)(void *ud, const struct bd_xen_process *p), void *ud)
{
	char comm[COMM_SIZE];
	struct bd_xen_process p = { openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC), comm };
	ssize_t n;
	int r;

	if (p.dir < 0)
		return has_ended(errno) ? 1 : -errno;
	n = bd_xen_proc_read(&p, "comm", comm, sizeof(comm));
	r = n < 0 ? (int)n : 1;
	if (n > 0) {
		comm[n - 1] = '\0'; /* the line feed */
		if (is_one_of(comm, names))
			r = belongs_to_root(&p);
		else
			n = 0;
	}
	if (n > 0 && r == 1)
		r = each(ud, &p);
	else if (n > 0 && r == 0)
		r = 1;
	(void)close(p.dir);
	return r;
}

/* The folder of a process belongs to its effective uid, or to root if nobody may look into the
 * process. This check is cheap and excludes nearly all processes of other users. */
static bool may_belong_to_root(int proc, const char *pid, uid_t root)
{
	struct stat st;

	return fstatat(proc, pid, &st, AT_SYMLINK_NOFOLLOW) < 0 ? !has_ended(errno) : st.st_uid == root;
}

/* If the first process, which is root's, is hidden (hidepid), so are others of root. */
static int walk(DIR *dir, uid_t root, const char *const *names,
		bool (*each)(void *ud, const struct bd_xen_process *p), void *ud)
{
	bool saw_first = false;
	unsigned visited = 0;
	struct dirent *e;
	int r = 1;

	while (r > 0 && (errno = 0, e = readdir(dir))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (++visited > BD_XEN_PROCESSES_MAX)
			return -E2BIG;
		if (!may_belong_to_root(dirfd(dir), e->d_name, root))
			continue;
		saw_first |= !strcmp(e->d_name, "1");
		r = visit(dirfd(dir), e->d_name, names, each, ud);
	}
	if (r <= 0)
		return r;
	if (errno)
		return -errno;
	return saw_first ? 0 : -EACCES;
}

int bd_xen_proc_each(const char *proc, const char *const *names,
		     bool (*each)(void *ud, const struct bd_xen_process *p), void *ud)
{
	DIR *dir = opendir(proc);
	struct stat st;
	int r;

	if (!dir)
		return -errno;
	/* The folder of all processes belongs to root; in a test it belongs to the tester. */
	r = fstat(dirfd(dir), &st) < 0 ? -errno : walk(dir, st.st_uid, names, each, ud);
	(void)closedir(dir);
	return r;
}
