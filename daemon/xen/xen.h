/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the files of the Xen backend alone. */
#ifndef BD_XEN_H
#define BD_XEN_H

#include "daemon/xen/conflicts.h"
#include "daemon/xen/guest.h"
#include "daemon/xen/saving.h"

struct bd_host_xen {
	struct bd_host host; /* first */
	struct event_base *base;
	struct bd_xen_call *call;
	struct bd_store *store;
	struct bd_xen_guests guests;
	struct bd_xen_saving saving; /* as of the last scan */
	bool saving_checked;	     /* since the last snapshot */
	bl_ms saving_checked_at;
	struct bl_node nodes[BL_NODES_MAX];
	size_t n_nodes;
	bl_ms nodes_at;
	struct bd_xen_conflicts *conflicts;
	struct bd_clock_timer *offset_timer; /* ends when an offset may be known */
	struct bd_clock_timer *builds;	     /* ends when the builders are checked next */
	unsigned builds_pause_ms;	     /* the time of `builds` */
};

/* still-there.c */
/* Called right before an action on a domain of an earlier snapshot. -ESRCH if the id is nobody's
 * by now, or another domain's, as its handle tells. */
int bd_xen_still_there(struct bd_host_xen *x, uint32_t domid, struct bd_xen_info *ret);

/* holder.c: empty domains that hold claims; see bd_host_ops. */
int bd_xen_holder_stake(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages,
			int node, uint32_t *ret_domid, struct bl_err *reterr);
int bd_xen_holder_unstake(struct bd_host *h, uint32_t holder, const bl_uuid *handle);
int bd_xen_holder_transfer(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
			   bl_pages pages, struct bl_err *reterr);
void bd_xen_holder_name(struct bd_host *h, uint32_t holder, const bl_uuid *id);
int bd_xen_holder_cancel(struct bd_host *h, uint32_t domid);

/* pool.c: the hypervisor's claim pool; see bd_host_ops. */
/* True if the hypervisor has a pool that works; -errno: unknown now. */
int bd_xen_pool_probe(struct bd_xen_call *call, bool *ret);
int bd_xen_pool_set(struct bd_host *h, int node, bl_pages pages, struct bl_err *reterr);
int bd_xen_pool_move(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *reterr);
/* Gives back all of the pool; 0 also if there is no pool. */
int bd_xen_pool_empty(struct bd_xen_call *call);

/* build.c: tells restored domains from started ones. */
int bd_xen_build_init(struct bd_host_xen *x); /* -ENOMEM */
void bd_xen_build_free(struct bd_host_xen *x);
/* While a domain is being built, checks its builder again and again. */
void bd_xen_build_schedule(struct bd_host_xen *x);

/* lock.c: the folder of the lock's file; tests have their own. */
extern const char *bd_xen_lock_folder;

/* snapshot.c */
int bd_xen_snapshot(struct bd_host *h, struct bl_snapshot *s);
/* How much of memory/target and maxmem is not the domain's pages. */
bl_pages bd_xen_slack(const struct bd_xen_guest *g);

#endif
