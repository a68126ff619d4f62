/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/atomic-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE "probe" BD_ATOMIC_FILE_TMP

static int make_parent(const char *path, mode_t mode)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(parent))
		return -ENOENT;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return mkdir(parent, mode) < 0 ? -errno : 0;
}

int bd_atomic_file_open_folder(const char *path, mode_t parent_mode)
{
	int r = mkdir(path, 0700) < 0 ? -errno : 0, fd;

	if (r == -ENOENT && make_parent(path, parent_mode) == 0)
		r = mkdir(path, 0700) < 0 ? -errno : 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* A failed mkdir() tells more than the ENOENT of open(). */
	return errno == ENOENT && r < 0 && r != -EEXIST ? r : -errno;
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

static int make(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	return fd < 0 ? -errno : fd;
}

int bd_atomic_file_write(int dir, const char *name, const char *text, size_t len, bool sync)
{
	char tmp[BD_ATOMIC_FILE_NAME_MAX + sizeof(BD_ATOMIC_FILE_TMP)];
	int fd, r;

	(void)snprintf(tmp, sizeof(tmp), "%s" BD_ATOMIC_FILE_TMP, name);
	fd = make(dir, tmp);
	if (fd < 0)
		return fd;
	r = write_all(fd, text, len);
	if (r == 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir, tmp, dir, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, tmp, 0);
	return r;
}

int bd_atomic_file_remove(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	return 0;
}

int bd_atomic_file_probe_folder(int dir)
{
	int fd = make(dir, PROBE);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return bd_atomic_file_remove(dir, PROBE);
}

int bd_file_open(const char *path, off_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = 0;
	struct stat st;

	if (fd < 0)
		return errno == ENXIO || errno == ENODEV ? -ENOTSUP : -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	else if (st.st_size > max)
		r = -EFBIG;
	if (r == 0)
		return fd;
	(void)close(fd);
	return r;
}

ssize_t bd_atomic_file_read(int dir, const char *name, char *ret, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	/* Not our file: a link, or a socket or device that nobody serves. */
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO || errno == ENODEV ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0)
		n = -errno;
	else if (!S_ISREG(st.st_mode))
		n = -EINVAL;
	while (n > 0 && len < size) {
		n = read(fd, ret + len, size - len);
		if (n < 0)
			n = errno == EINTR ? 1 : -errno;
		else
			len += (size_t)n;
	}
	(void)close(fd);
	/* read() reports EINVAL for what is no regular file; here the disk reports it. */
	if (n < 0)
		return n;
	return len == size ? -EINVAL : (ssize_t)len;
}
