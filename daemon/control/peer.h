/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is at the other end of a socket, and what that allows. */
#ifndef BD_PEER_H
#define BD_PEER_H

#include <sys/types.h>

#include "daemon/config/groups.h"

enum bd_role {
	BD_ROLE_NONE,	/* nothing */
	BD_ROLE_VIEWER, /* what changes nothing */
	BD_ROLE_ADMIN,	/* all */
};

/* By the credentials the kernel kept when the peer connected. *ret_uid is for
 * the log, -1 when it is not known. */
enum bd_role bd_peer_role(int fd, const struct bd_peer_groups *g, uid_t *ret_uid);

#endif
