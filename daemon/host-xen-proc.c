/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host-xen-proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

ssize_t bd_xen_proc_read(const struct bd_xen_process *p, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", p->pid, file) >= (int)sizeof(path))
		return -1;
	fd = openat(p->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	(void)close(fd);
	return n;
}

int bd_xen_proc_each(const char *proc, bool (*each)(void *ud, const struct bd_xen_process *p),
		     void *ud)
{
	DIR *dir = opendir(proc);
	struct dirent *e;
	bool more = true;

	if (!dir)
		return -errno;
	while (more && (e = readdir(dir))) {
		char comm[32];
		struct bd_xen_process p = { dirfd(dir), e->d_name, comm };
		ssize_t n;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		n = bd_xen_proc_read(&p, "comm", comm, sizeof(comm));
		if (n <= 0)
			continue;
		comm[n - 1] = '\0'; /* its end of line */
		more = each(ud, &p);
	}
	(void)closedir(dir);
	return 0;
}
