/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a domain: the path of each in xenstore, and the cookie of its answers. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/xen/guest.h"

static const char *const paths[BD_XEN_N_KEYS] = {
	[BD_XEN_KEY_NAME] = "name",
	[BD_XEN_KEY_VM] = "vm",
	[BD_XEN_KEY_TARGET] = "memory/target",
	[BD_XEN_KEY_SHUTDOWN] = "control/shutdown",
	[BD_XEN_KEY_STATIC_MAX] = "memory/static-max",
	[BD_XEN_KEY_VIDEORAM] = "memory/videoram",
	[BD_XEN_KEY_DYN_MIN] = "memory/dynamic-min",
	[BD_XEN_KEY_STUBDOM] = "target",
	[BD_XEN_KEY_ANNOUNCED] = "control/feature-balloon",
	[BD_XEN_KEY_STAT] = "data/balloond/stat",
	[BD_XEN_KEY_MEMINFO_TOTAL] = "data/meminfo_total",
	[BD_XEN_KEY_MEMINFO_FREE] = "data/meminfo_free",
	[BD_XEN_KEY_MEMINFO] = "memory/meminfo",
};

const char *bd_xen_key_name(enum bd_xen_key key)
{
	return paths[key];
}

const char *bd_xen_guest_path(const struct bd_xen_guest *g, enum bd_xen_key key, char buf[BD_XEN_PATH_MAX])
{
	(void)snprintf(buf, BD_XEN_PATH_MAX, "/local/domain/%" PRIu32 "/%s", g->domid, paths[key]);
	return buf;
}

uint64_t bd_xen_guest_cookie(const struct bd_xen_guest *g, enum bd_xen_key key)
{
	return g->serial << BD_XEN_COOKIE_SERIAL | (uint64_t)(g->domid & 0xffff) << BD_XEN_COOKIE_DOMID |
	       (uint64_t)key;
}
