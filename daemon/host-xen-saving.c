/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host-xen-saving.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELPER "libxl-save-helper"
#define COMM_MAX 15 /* the kernel cuts a process's name there */
#define DOMID_MAX 0x7fef

/* Words of `libxl-save-helper --save-domain FD FD DOMID ...`. */
enum { WORD_PROGRAM, WORD_MODE, WORD_DOMID = 4 };

static const char *word(const char *cmdline, size_t len, unsigned i)
{
	const char *end = cmdline + len;

	while (i--) {
		cmdline = memchr(cmdline, '\0', (size_t)(end - cmdline));
		if (!cmdline || ++cmdline >= end)
			return NULL;
	}
	/* A last word without its end has been cut. */
	return memchr(cmdline, '\0', (size_t)(end - cmdline)) ? cmdline : NULL;
}

int64_t bd_xen_saving_parse(const char *cmdline, size_t len)
{
	const char *program = word(cmdline, len, WORD_PROGRAM);
	const char *mode = word(cmdline, len, WORD_MODE);
	const char *domid = word(cmdline, len, WORD_DOMID);
	const char *slash;
	char *end;
	long n;

	if (!program || !mode || !domid)
		return -1;
	slash = strrchr(program, '/');
	if (strcmp(slash ? slash + 1 : program, HELPER) != 0 ||
	    strcmp(mode, "--save-domain") != 0)
		return -1;
	n = strtol(domid, &end, 10);
	if (end == domid || *end || n < 0 || n > DOMID_MAX)
		return -1;
	return n;
}

/* -1 also for what has ended meanwhile. */
static ssize_t read_at(int proc, const char *pid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", pid, file) >= (int)sizeof(path))
		return -1;
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	(void)close(fd);
	return n;
}

/* By its name first, which is the cheaper to read. */
static int64_t saved_by(int proc, const char *pid)
{
	char buf[256];
	ssize_t n = read_at(proc, pid, "comm", buf, sizeof(buf));

	if (n < COMM_MAX || memcmp(buf, HELPER, COMM_MAX) != 0)
		return -1;
	n = read_at(proc, pid, "cmdline", buf, sizeof(buf));
	return n > 0 ? bd_xen_saving_parse(buf, (size_t)n) : -1;
}

int bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret)
{
	DIR *dir = opendir(proc);
	struct dirent *e;

	ret->n = 0;
	if (!dir)
		return -errno;
	while ((e = readdir(dir)) && ret->n < BD_XEN_SAVING_MAX) {
		int64_t domid;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		domid = saved_by(dirfd(dir), e->d_name);
		if (domid >= 0)
			ret->domids[ret->n++] = (uint32_t)domid;
	}
	(void)closedir(dir);
	return 0;
}

bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->domids[i] == domid)
			return true;
	return false;
}
