/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/config/groups.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>

/* getgrnam_r(3) returns 0 or one of these for a group that does not exist. */
static bool means_none(int error)
{
	return error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static int resolve(const char *name, bool *ret_has, gid_t *ret)
{
	size_t size = 4096;
	struct group g, *found = NULL;
	char *buf = NULL;
	int error = name[0] ? ERANGE : 0;

	for (; error == ERANGE && size <= (1U << 22); size *= 4) {
		char *more = realloc(buf, size);

		if (!more) {
			error = ENOMEM;
			break;
		}
		buf = more;
		error = getgrnam_r(name, &g, buf, size, &found);
	}
	if (found)
		*ret = found->gr_gid;
	*ret_has = found != NULL;
	free(buf);
	return means_none(error) ? 0 : -error;
}

int bd_peer_groups_resolve(const char *admin, const char *viewer, struct bd_peer_groups *ret)
{
	struct bd_peer_groups g = { 0 };
	int r = resolve(admin, &g.has_admin, &g.admin);

	if (r == 0)
		r = resolve(viewer, &g.has_viewer, &g.viewer);
	if (r == 0)
		*ret = g;
	return r;
}
