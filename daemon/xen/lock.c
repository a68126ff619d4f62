/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One daemon per host. A second one, with a state folder of its own, would not know the claims of
 * the first: it would destroy their holders, or empty their pool.
 *
 * The lock is on a file that only root can open, since everybody can bind an abstract socket and
 * so keep the daemon from starting. The kernel drops the lock when the process ends, however it
 * ends. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/xen/xen.h"

const char *bd_xen_lock_folder = BL_RUNSTATEDIR "/balloond";

static int failed(const char *path, int error, struct bl_err *reterr)
{
	if (error == EWOULDBLOCK)
		return bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE,
				  "another balloond manages this host: it has the lock %s", path);
	return bl_err_set(reterr, error, BL_ERR_BACKEND, "cannot lock this host (%s): %s", path,
			  strerror(error));
}

int bd_host_xen_lock(struct bl_err *reterr)
{
	char path[PATH_MAX];
	int fd, error;

	if (snprintf(path, sizeof(path), "%s/host.lock", bd_xen_lock_folder) >= (int)sizeof(path))
		return failed(bd_xen_lock_folder, ENAMETOOLONG, reterr);
	(void)mkdir(bd_xen_lock_folder, 0755); /* if this fails, open() fails */
	fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(path, errno, reterr);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	return failed(path, error, reterr);
}
