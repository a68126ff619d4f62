/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The peer of a socket, and its role. */
#ifndef BD_PEER_H
#define BD_PEER_H

#include <sys/types.h>

#include "daemon/config/groups.h"

enum bd_role {
	BD_ROLE_NONE,	/* nothing */
	BD_ROLE_VIEWER, /* what changes nothing */
	BD_ROLE_ADMIN,	/* all */
};

/* The role of the credentials that the kernel kept when the peer connected. *ret_uid is for the
 * log; -1 if it is unknown. */
enum bd_role bd_peer_role(int fd, const struct bd_peer_groups *g, uid_t *ret_uid);

#endif
