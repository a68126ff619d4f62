/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups that the configuration names, whose members may use the control socket. */
#ifndef BD_GROUPS_H
#define BD_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

struct bd_peer_groups {
	bool has_admin, has_viewer;
	gid_t admin, viewer;
};

/* Looks up both names, which may take any time. "" is no group, and neither is an unknown name.
 * *ret is written only on success. -errno: the lookup failed. */
int bd_peer_groups_resolve(const char *admin, const char *viewer, struct bd_peer_groups *ret);

#endif
