/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a socket, and what that allows. */
#ifndef BD_PEER_H
#define BD_PEER_H

#include <stdbool.h>
#include <sys/types.h>

enum bd_role {
	BD_ROLE_NONE,	/* nothing */
	BD_ROLE_VIEWER, /* what changes nothing */
	BD_ROLE_ADMIN,	/* all */
};

struct bd_peer_groups {
	bool has_admin, has_viewer;
	gid_t admin, viewer;
};

/* Looks the names up, however long whoever keeps the groups takes; "" is none, and so is a
 * name that no group has. *ret is written only on success. -errno: they could not be
 * looked up. */
int bd_peer_groups_resolve(const char *admin, const char *viewer, struct bd_peer_groups *ret);

/* By the credentials the kernel kept when the peer connected. *ret_uid is for
 * the log, -1 when it is not known. */
enum bd_role bd_peer_role(int fd, const struct bd_peer_groups *g, uid_t *ret_uid);

#endif
