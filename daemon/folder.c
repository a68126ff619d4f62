/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int bd_folder_open(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int bd_folder_write(int dir, const char *name, const char *text, size_t len)
{
	char tmp[BD_FOLDER_NAME_MAX + sizeof(BD_FOLDER_TMP)];
	int fd, r;

	(void)snprintf(tmp, sizeof(tmp), "%s" BD_FOLDER_TMP, name);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, tmp, 0);
		return r;
	}
	return fsync(dir) < 0 ? -errno : 0;
}

int bd_folder_drop(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

ssize_t bd_folder_read(int dir, const char *name, char *ret, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		n = -EINVAL;
	while (n > 0 && len < size) {
		n = read(fd, ret + len, size - len);
		if (n < 0)
			n = errno == EINTR ? 1 : -errno;
		else
			len += (size_t)n;
	}
	(void)close(fd);
	if (n < 0)
		return n;
	return len == size ? -EINVAL : (ssize_t)len;
}
