/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups that the configuration names: whose members may do what. */
#ifndef BD_GROUPS_H
#define BD_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

struct bd_peer_groups {
	bool has_admin, has_viewer;
	gid_t admin, viewer;
};

/* Looks the names up, however long whoever keeps the groups takes; "" is none, and so is a
 * name that no group has. *ret is written only on success. -errno: they could not be
 * looked up. */
int bd_peer_groups_resolve(const char *admin, const char *viewer, struct bd_peer_groups *ret);

#endif
