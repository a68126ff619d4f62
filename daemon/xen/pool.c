/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The claim pool of a hypervisor with the project's patch: claimed pages that no domain owns yet. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/xen/xen.h"

static struct bd_host_xen *xen_of(struct bd_host *h)
{
	return (struct bd_host_xen *)h;
}

int bd_xen_pool_probe(struct bd_xen_call *call, bool *ret)
{
	struct bd_xen_pool pool;
	int r = bd_xen_call_pool(call, &pool);

	switch (r) {
	case -EOPNOTSUPP:
	case -EPERM:
	case -EACCES:
		bd_log(LOG_NOTICE,
		       "the hypervisor's claim pool cannot be used: %s; claims are held by "
		       "empty domains",
		       r == -EOPNOTSUPP ? "it is of another version" : strerror(-r));
		*ret = false;
		return 0;
	case -ENOSYS: /* stock Xen does not know the hypercall */
		*ret = false;
		return 0;
	case 0:
		*ret = true;
		return 0;
	default: /* a passing error: going on without the pool would lose its claims */
		return r;
	}
}

/* " on node 1", or nothing. */
static const char *on_node(int node, char buf[32])
{
	buf[0] = '\0';
	if (node >= 0)
		(void)snprintf(buf, 32, " on node %d", node);
	return buf;
}

int bd_xen_pool_set(struct bd_host *h, int node, bl_pages pages, struct bl_err *reterr)
{
	struct bd_host_xen *x = xen_of(h);
	char size[BL_SIZE_STR], where[32];
	int r = bd_xen_call_pool_set(x->call, node, pages);

	bl_pages_format(pages, size);
	on_node(node, where);
	switch (r) {
	case 0:
		return 0;
	case -ENOMEM:
		x->n_nodes = 0; /* the known numbers are outdated */
		return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
				  "the hypervisor has no room for a pool of %s%s", size, where);
	case -ERANGE:
		return bl_err_set(reterr, ERANGE, BL_ERR_UNSUPPORTED, "this host has no node %d", node);
	default:
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "the hypervisor refuses a pool of %s%s: %s",
				  size, where, strerror(-r));
	}
}

int bd_xen_pool_move(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *reterr)
{
	struct bd_host_xen *x = xen_of(h);
	char size[BL_SIZE_STR], where[32];
	struct bd_xen_info info;
	int r = bd_xen_still_there(x, domid, &info);

	if (r == 0)
		r = bd_xen_call_pool_move(x->call, node, domid, pages);
	bl_pages_format(pages, size);
	on_node(node, where);
	switch (r) {
	case 0:
		return 0;
	case -ENOENT:
		return bl_err_set(reterr, ENOENT, BL_ERR_BACKEND, "the pool has less than %s%s", size,
				  where);
	case -ESRCH:
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN,
				  "domain %" PRIu32 " is gone or dying", domid);
	case -ERANGE:
		return bl_err_set(reterr, ERANGE, BL_ERR_BACKEND,
				  "with a claim of %s domain %" PRIu32 " would have more than its limit",
				  size, domid);
	case -EINVAL:
		return bl_err_set(reterr, EINVAL, BL_ERR_BAD_STATE,
				  "domain %" PRIu32 " has a claim already that is not%s", domid,
				  node < 0 ? " without a node" : where);
	default:
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "the hypervisor does not move a claim of %s to domain %" PRIu32 ": %s",
				  size, domid, strerror(-r));
	}
}

int bd_xen_pool_empty(struct bd_xen_call *call)
{
	struct bd_xen_pool pool;
	int r = bd_xen_call_pool(call, &pool), first = 0;

	if (r < 0)
		return r == -ENOSYS || r == -EOPNOTSUPP ? 0 : r; /* there is no pool */
	for (int node = -1; node < BL_NODES_MAX; node++) {
		if (node < 0 ? !pool.any.n : !pool.nodes[node].pool.n)
			continue;
		r = bd_xen_call_pool_set(call, node, BL_PAGES(0));
		if (r < 0 && !first)
			first = r;
	}
	return first;
}
