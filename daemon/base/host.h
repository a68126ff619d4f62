/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host backend: what the manager needs of a Xen host, real or simulated. The event loop's
 * thread makes all calls, and none waits for anything but a hypercall. */
#ifndef BD_HOST_H
#define BD_HOST_H

#include <event2/event.h>

#include "lib/core/plan.h"

struct bd_host;

/* Callbacks of the backend, always from the event loop. */
struct bd_host_events {
	/* Something changed that a tick should see: a domain appeared or went, somebody wrote a
	 * target. May come often; the manager makes one tick of many. */
	void (*changed)(void *ud);
	/* An action that apply() accepted failed later: xenstore refused the write. error: a
	 * positive errno. */
	void (*failed)(void *ud, const struct bl_action *a, int error);
	void *ud;
};

struct bd_host_ops {
	const char *name; /* "xen", "sim" */
	/* For people: "Xen 4.17.7", "simulated 1.0". */
	const char *(*version)(struct bd_host *h);
	void (*close)(struct bd_host *h); /* the holders stay */
	/* The host's clock: CLOCK_BOOTTIME on Xen, the world's own clock in a simulated world. */
	bl_ms (*now)(struct bd_host *h);
	/* Milliseconds of the host's clock per real millisecond: 1.0 on Xen, --sim-speed in a
	 * simulated world. */
	double (*speed)(struct bd_host *h);
	/* Changes with every boot of the host, which ends all claims. */
	int (*boot_id)(struct bd_host *h, bl_uuid *ret);
	/* Resets and fills *s, with one physinfo and one getinfolist. */
	int (*snapshot)(struct bd_host *h, struct bl_snapshot *s);
	/* Does MAXMEM, TARGET and NUDGE. 0: done or queued; -errno: not done, with the reason in
	 * *reterr. The snapshot shows a queued target at once. A TARGET that is there already is
	 * written as a NUDGE, since its driver may have given up. */
	int (*apply)(struct bd_host *h, const struct bl_action *a, struct bl_err *reterr);
	/* Makes an empty domain with that handle and max_pages = pages, names it
	 * "balloond-claim-ID" and claims pages for it. -ENOMEM: the hypervisor refuses the claim.
	 * After an error no domain is left. */
	int (*stake)(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		     uint32_t *ret_domid, struct bl_err *reterr);
	/* Destroys the holder if it still has that handle; otherwise -ENOENT. */
	int (*unstake)(struct bd_host *h, uint32_t holder, const bl_uuid *handle);
	/* Sets the pool's part of a node, or with -1 the part of no node, to `pages`, whatever it
	 * was. -ENOMEM: the hypervisor refuses; a smaller pool is never refused. Only for a host
	 * with a pool, as the next. */
	int (*pool_set)(struct bd_host *h, int node, bl_pages pages, struct bl_err *reterr);
	/* Moves pages of that part to domid, which may have a claim already. The hypervisor moves
	 * all or, after an error, none, in one step. -ENOENT: the pool has less. */
	int (*pool_move)(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *reterr);
	/* Moves the holder's claim to domid: cancels it, claims pages, and destroys the holder.
	 * After an error the holder has its claim again, unless somebody took the pages in
	 * between (-ENOMEM). pages: the tot_pages that the claim allows for, no more than the
	 * holder's and the unclaimed pages together. Without a holder (BL_DOMID_NONE) claims the
	 * pages for domid. */
	int (*transfer)(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
			bl_pages pages, struct bl_err *reterr);
	/* Gives up the claim of a domain that is being built. */
	int (*cancel)(struct bd_host *h, uint32_t domid);
	/* May be NULL. Gives an adopted holder the name that stake() gives, in case a kill came
	 * between. */
	void (*name_holder)(struct bd_host *h, uint32_t holder, const bl_uuid *id);
	/* May be NULL. Reads the domain's name again; the domain is BL_DOM_UNREAD until the name
	 * is known, and then there is a change. */
	void (*reread)(struct bd_host *h, uint32_t domid);
	/* Forgets that somebody else wrote the target of a domain (`--mode auto`). */
	void (*adopt)(struct bd_host *h, uint32_t domid);
	/* Passes to add(), a line each, what an administrator should know, such as a xenstored
	 * that does not answer. */
	void (*problems)(struct bd_host *h, void (*add)(void *ud, const char *line), void *ud);
};

struct bd_host {
	const struct bd_host_ops *ops;
	bool pool; /* the hypervisor has a claim pool, which takes the place of holders */
	struct bd_host_events events;
};

/* Both set *ret only on success. The caller sets ev before the first event can come. */
int bd_host_xen_open(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		     struct bl_err *reterr);
/* Keeps every other balloond from managing this Xen host while the returned descriptor is open.
 * Call this before anything else. -EBUSY: another balloond has the lock; -errno. */
int bd_host_xen_lock(struct bl_err *reterr);
/* Destroys every holder, by the prefix of its handle, and empties the pool: for a host that shuts
 * down or a package that is removed. Takes the lock: -EBUSY. */
int bd_host_xen_drop_holders(struct bl_err *reterr);
int bd_host_sim_open(struct event_base *base, const struct bd_host_events *ev, const char *world_file,
		     const char *state_dir, double speed, struct bd_host **ret, struct bl_err *reterr);

/* The functions below want a bd_host of bd_host_sim_open(). The memory of the claim, if any, makes
 * room for the guest; holder and pooled of *launch are ignored. */
struct bl_sim_launch;
int bd_host_sim_create(struct bd_host *h, const struct bl_sim_launch *launch, const struct bl_claim *claim,
		       uint32_t *ret_domid, struct bl_err *reterr);
int bd_host_sim_destroy(struct bd_host *h, uint32_t domid, struct bl_err *reterr);
/* Sets KEY to VALUE as in a world's file. */
int bd_host_sim_set(struct bd_host *h, uint32_t domid, const char *key, const char *value,
		    struct bl_err *reterr);

#endif
