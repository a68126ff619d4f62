/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The most groups that Linux gives a process. */
#define GROUPS_MAX 65536

static enum bd_role role_of(gid_t gid, const struct bd_peer_groups *g)
{
	if (g->has_admin && gid == g->admin)
		return BD_ROLE_ADMIN;
	return g->has_viewer && gid == g->viewer ? BD_ROLE_VIEWER : BD_ROLE_NONE;
}

/* The supplementary groups of the peer; NULL if they cannot be read. */
static gid_t *groups_of(int fd, size_t *ret_n)
{
	socklen_t size = 64 * sizeof(gid_t);
	gid_t *groups = NULL, *more;
	int r = -1;

	do {
		more = realloc(groups, size);
		if (!more)
			break;
		groups = more;
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size);
	} while (r < 0 && errno == ERANGE && size <= GROUPS_MAX * sizeof(gid_t));
	if (r < 0) {
		free(groups);
		return NULL;
	}
	*ret_n = size / sizeof(gid_t);
	return groups;
}

enum bd_role bd_peer_role(int fd, const struct bd_peer_groups *g, uid_t *ret_uid)
{
	struct ucred cred;
	socklen_t size = sizeof(cred);
	enum bd_role role, one;
	gid_t *groups;
	size_t n = 0;

	*ret_uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return BD_ROLE_NONE;
	*ret_uid = cred.uid;
	if (cred.uid == 0)
		return BD_ROLE_ADMIN;
	role = role_of(cred.gid, g);
	groups = groups_of(fd, &n);
	for (size_t i = 0; i < n; i++) {
		one = role_of(groups[i], g);
		if (one > role)
			role = one;
	}
	free(groups);
	return role;
}
