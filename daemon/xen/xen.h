/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Xen backend's own parts see each other here. */
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
	struct bd_xen_saving saving; /* as of the last look */
	bool looked;		     /* at it since the last snapshot */
	bl_ms looked_at;
	struct bl_node nodes[BL_NODES_MAX];
	size_t n_nodes;
	bl_ms nodes_at;
	struct bd_xen_defeats *defeats;
	struct bd_clock_timer *hurry;  /* look again soon: an offset is about to be known */
	struct bd_clock_timer *builds; /* look who builds what is being built */
	unsigned builds_ms;	       /* the time that was set to */
};

/* still-there.c */
/* Right before anything is done to a domain that an earlier look found: -ESRCH when its id
 * is another domain's by now, as its handle tells, or nobody's. */
int bd_xen_still_there(struct bd_host_xen *x, uint32_t domid, struct bd_xen_info *ret);

/* holder.c: empty domains that hold claims. As in bd_host_ops. */
int bd_xen_holder_stake(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages,
			int node, uint32_t *ret_domid, struct bl_err *reterr);
int bd_xen_holder_unstake(struct bd_host *h, uint32_t holder, const bl_uuid *handle);
int bd_xen_holder_transfer(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
			   bl_pages pages, struct bl_err *reterr);
void bd_xen_holder_name(struct bd_host *h, uint32_t holder, const bl_uuid *id);
int bd_xen_holder_cancel(struct bd_host *h, uint32_t domid);

/* pool.c: the pool of a hypervisor that has one. As in bd_host_ops. */
/* Whether there is one that may be used; -errno: nobody can tell now. */
int bd_xen_pool_probe(struct bd_xen_call *call, bool *ret);
int bd_xen_pool_set(struct bd_host *h, int node, bl_pages pages, struct bl_err *reterr);
int bd_xen_pool_move(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *reterr);
/* Gives back all of it; 0 as well where there is none. */
int bd_xen_pool_empty(struct bd_xen_call *call);

/* build.c: domains that are being restored are told from those that are started. */
int bd_xen_build_init(struct bd_host_xen *x); /* -ENOMEM */
void bd_xen_build_free(struct bd_host_xen *x);
/* Where a domain is being built, looks again and again until it is. */
void bd_xen_build_look(struct bd_host_xen *x);

/* lock.c: where the lock's file is; tests have a folder of their own. */
extern const char *bd_xen_lock_folder;

/* snapshot.c */
int bd_xen_snapshot(struct bd_host *h, struct bl_snapshot *s);
/* What memory/target and maxmem leave out of a domain's pages. */
bl_pages bd_xen_slack(const struct bd_xen_guest *g);

#endif
