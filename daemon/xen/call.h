/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls, with the project's own types. libxenctrl has no stable interface, so only call.c
 * includes its header. Errors are -errno. */
#ifndef BD_XEN_CALL_H
#define BD_XEN_CALL_H

#include "lib/core/err.h"
#include "lib/core/snapshot.h"

struct bd_xen_call;

struct bd_xen_host {
	bl_pages total, free, outstanding;
	unsigned n_nodes;
};

/* Claims by node, and the pool's part of them. */
struct bd_xen_pool {
	bl_pages any; /* the pool's pages of no node */
	struct {
		bl_pages claimed, pool;
	} nodes[BL_NODES_MAX];
};

struct bd_xen_info {
	uint32_t domid;
	bl_uuid handle;
	enum bl_dom_type type;
	bool dying, shutdown, suspended /* shut down to be saved */, rebooting, crashed, paused;
	bool ran;      /* has used a processor, so somebody has unpaused it */
	bool xenstore; /* the domain that xenstored runs in */
	bl_pages tot, max, outstanding;
};

int bd_xen_call_open(struct bd_xen_call **ret, struct bl_err *reterr);
void bd_xen_call_close(struct bd_xen_call *c);

int bd_xen_call_host(struct bd_xen_call *c, struct bd_xen_host *ret);
/* Fills at most BL_NODES_MAX. */
int bd_xen_call_nodes(struct bd_xen_call *c, struct bl_node *ret, size_t *ret_n);
/* All domains, in ascending order; *ret is valid until the next call. */
int bd_xen_call_list(struct bd_xen_call *c, const struct bd_xen_info **ret, size_t *ret_n);
/* -ESRCH: no such domain. */
int bd_xen_call_one(struct bd_xen_call *c, uint32_t domid, struct bd_xen_info *ret);
/* "Xen 4.17.5", or "Xen" if the hypervisor does not tell; valid until the close. */
const char *bd_xen_call_version(struct bd_xen_call *c);
/* The command line of the hypervisor, "" if the hypervisor does not tell; valid until the close. */
const char *bd_xen_call_cmdline(struct bd_xen_call *c);
/* Populate-on-demand: entries without memory yet, and pages cached for them. */
int bd_xen_call_pod(struct bd_xen_call *c, uint32_t domid, bl_pages *ret_entries, bl_pages *ret_cache);

int bd_xen_call_setmaxmem(struct bd_xen_call *c, uint32_t domid, bl_pages pages);
/* pages: the tot_pages that the claim allows for; 0 cancels the claim. -ENOMEM: no room; -EINVAL:
 * the domain has a claim, or pages is not above its tot_pages, or is above its max_pages;
 * -ENOSYS: the hypervisor has no claims. */
int bd_xen_call_claim(struct bd_xen_call *c, uint32_t domid, bl_pages pages);
/* -ENOSYS: the hypervisor lacks the project's patch; -EOPNOTSUPP: it has another version of the
 * patch. */
int bd_xen_call_pool(struct bd_xen_call *c, struct bd_xen_pool *ret);
/* node -1: the part of no node. -ENOMEM: no room; -ERANGE: no such node. */
int bd_xen_call_pool_set(struct bd_xen_call *c, int node, bl_pages pages);
/* -ENOENT: the pool has less; -ESRCH: no such domain, or it is dying; -ERANGE: above its
 * max_pages; -EINVAL: its present claim is of another node. */
int bd_xen_call_pool_move(struct bd_xen_call *c, int node, uint32_t domid, bl_pages pages);
/* Makes an empty domain: one vcpu, paused, no memory. */
int bd_xen_call_create(struct bd_xen_call *c, const bl_uuid *handle, uint32_t *ret_domid);
int bd_xen_call_destroy(struct bd_xen_call *c, uint32_t domid);

#endif
