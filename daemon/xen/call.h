/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls, in the project's own types. libxenctrl has no stable interface,
 * so its header is included by call.c alone. Errors are -errno. */
#ifndef BD_XEN_CALL_H
#define BD_XEN_CALL_H

#include "lib/core/err.h"
#include "lib/core/snapshot.h"

struct bd_xen_call;

struct bd_xen_host {
	bl_pages total, free, outstanding;
	unsigned n_nodes;
};

/* Claims by node, and what of them the pool has. */
struct bd_xen_pool {
	bl_pages any; /* the pool's part that names no node */
	struct {
		bl_pages claimed, pool;
	} nodes[BL_NODES_MAX];
};

struct bd_xen_info {
	uint32_t domid;
	bl_uuid handle;
	enum bl_dom_type type;
	bool dying, shutdown, suspended /* shut down in order to be saved */, rebooting, crashed, paused;
	bool ran;      /* it has used the processor: somebody has unpaused it */
	bool xenstore; /* the domain xenstored lives in */
	bl_pages tot, max, outstanding;
};

int bd_xen_call_open(struct bd_xen_call **ret, struct bl_err *reterr);
void bd_xen_call_close(struct bd_xen_call *c);

int bd_xen_call_host(struct bd_xen_call *c, struct bd_xen_host *ret);
/* At most BL_NODES_MAX. */
int bd_xen_call_nodes(struct bd_xen_call *c, struct bl_node *ret, size_t *ret_n);
/* All domains, ascending; they stay c's, and as they are until the next call of this. */
int bd_xen_call_list(struct bd_xen_call *c, const struct bd_xen_info **ret, size_t *ret_n);
/* -ESRCH: no such domain. */
int bd_xen_call_one(struct bd_xen_call *c, uint32_t domid, struct bd_xen_info *ret);
/* "Xen 4.17.5", "Xen" when it does not tell; valid until the close. */
const char *bd_xen_call_version(struct bd_xen_call *c);
/* The hypervisor's, "" when it does not tell; valid until the close. */
const char *bd_xen_call_cmdline(struct bd_xen_call *c);
/* Populate-on-demand: entries without memory yet, and what is cached for them. */
int bd_xen_call_pod(struct bd_xen_call *c, uint32_t domid, bl_pages *ret_entries, bl_pages *ret_cache);

int bd_xen_call_setmaxmem(struct bd_xen_call *c, uint32_t domid, bl_pages pages);
/* pages is what tot_pages may reach; 0 gives a claim up. -ENOMEM: no room;
 * -EINVAL: has one already, or not above its tot_pages, or above its
 * max_pages; -ENOSYS: a hypervisor without claims. */
int bd_xen_call_claim(struct bd_xen_call *c, uint32_t domid, bl_pages pages);
/* -ENOSYS: a hypervisor without the project's patch; -EOPNOTSUPP: with another
 * version of it. */
int bd_xen_call_pool(struct bd_xen_call *c, struct bd_xen_pool *ret);
/* node -1: the part that names none. -ENOMEM: no room; -ERANGE: no such node. */
int bd_xen_call_pool_set(struct bd_xen_call *c, int node, bl_pages pages);
/* -ENOENT: the pool has less; -ESRCH: no such domain, or it is dying; -ERANGE: its
 * max_pages; -EINVAL: what it has claimed already is of another node. */
int bd_xen_call_pool_move(struct bd_xen_call *c, int node, uint32_t domid, bl_pages pages);
/* An empty domain of one vcpu, paused and without memory. */
int bd_xen_call_create(struct bd_xen_call *c, const bl_uuid *handle, uint32_t *ret_domid);
int bd_xen_call_destroy(struct bd_xen_call *c, uint32_t domid);

#endif
