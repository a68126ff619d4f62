/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's id can become another domain's between a snapshot and an action. */
#include <errno.h>

#include "daemon/xen/xen.h"

int bd_xen_still_there(struct bd_host_xen *x, uint32_t domid, struct bd_xen_info *ret)
{
	const struct bd_xen_guest *g = bd_xen_guests_find(&x->guests, domid);
	int r = g ? bd_xen_call_one(x->call, domid, ret) : -ESRCH;

	return r < 0 || bl_uuid_equal(&ret->handle, &g->uuid) ? r : -ESRCH;
}
