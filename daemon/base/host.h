/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host backend: what the manager needs of a Xen host, real or simulated.
 * All calls come from the event loop's thread and return without waiting for
 * anything but a hypercall. */
#ifndef BD_HOST_H
#define BD_HOST_H

#include <event2/event.h>

#include "lib/core/plan.h"

struct bd_host;

/* How the backend calls back, always from the event loop. */
struct bd_host_events {
	/* Something changed that a tick should see (a domain came or went, a
	 * target was written by someone). May come often; the manager coalesces. */
	void (*changed)(void *ud);
	/* An action accepted by apply() failed later (xenstore refused the write); error is
	 * its errno, positive. */
	void (*failed)(void *ud, const struct bl_action *a, int error);
	void *ud;
};

struct bd_host_ops {
	const char *name; /* "xen", "sim" */
	/* For people: "Xen 4.17.7", "simulated 1.0". */
	const char *(*version)(struct bd_host *h);
	void (*close)(struct bd_host *h); /* holders stay */
	/* The host's clock. On Xen CLOCK_BOOTTIME, in a simulated world its own. */
	bl_ms (*now)(struct bd_host *h);
	/* Milliseconds of the host's clock in a real one: 1.0 on Xen, else --sim-speed. */
	double (*speed)(struct bd_host *h);
	/* Changes with every boot of the host: claims of another boot are gone. */
	int (*boot_id)(struct bd_host *h, bl_uuid *ret);
	/* Resets and fills *s. One physinfo, one getinfolist. */
	int (*snapshot)(struct bd_host *h, struct bl_snapshot *s);
	/* MAXMEM, TARGET, NUDGE. 0: done or queued; -errno: not done, *reterr says why.
	 * The snapshot shows a queued target at once. A TARGET that is there already is
	 * written as a NUDGE is: its driver may have given up on it. */
	int (*apply)(struct bd_host *h, const struct bl_action *a, struct bl_err *reterr);
	/* Makes an empty domain with that handle, max_pages = pages, names it
	 * "balloond-claim-ID" and claims pages for it. -ENOMEM: the hypervisor refuses the
	 * claim. On any error no domain is left. */
	int (*stake)(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		     uint32_t *ret_domid, struct bl_err *reterr);
	/* Destroys the holder if its handle still is that one; -ENOENT if not. */
	int (*unstake)(struct bd_host *h, uint32_t holder, const bl_uuid *handle);
	/* Makes the pool's part of that node, or with -1 of none, that large, whatever
	 * it was. -ENOMEM: the hypervisor refuses; making it smaller never fails. Only
	 * of a host with a pool, as the next. */
	int (*pool_set)(struct bd_host *h, int node, bl_pages pages, struct bl_err *reterr);
	/* Moves so many pages out of that part to domid, which may have claimed some
	 * already: all of them or, on an error, none, and nobody can come between.
	 * -ENOENT: the pool does not have that many. */
	int (*pool_move)(struct bd_host *h, int node, uint32_t domid, bl_pages pages, struct bl_err *reterr);
	/* Moves the holder's claim to domid: cancel, claim pages, and the holder
	 * goes on success. On an error the holder has it back, unless somebody took
	 * the pages in between (-ENOMEM). pages is what domid's tot_pages may reach,
	 * and no more than the holder keeps and what nobody claims. Without a holder
	 * (BL_DOMID_NONE) it claims them for domid. */
	int (*transfer)(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
			bl_pages pages, struct bl_err *reterr);
	/* Gives up a claim on a domain being built. */
	int (*cancel)(struct bd_host *h, uint32_t domid);
	/* NULL, or: gives an adopted holder the name that stake() gives, when whoever
	 * made it was killed before. */
	void (*name_holder)(struct bd_host *h, uint32_t holder, const bl_uuid *id);
	/* NULL, or: ask its toolstack's notes again for the domain's name; it is
	 * BL_DOM_UNREAD until that is known, and then there is a change. */
	void (*reread)(struct bd_host *h, uint32_t domid);
	/* Forget that somebody else wrote this domain's target (`--mode auto`). */
	void (*adopt)(struct bd_host *h, uint32_t domid);
	/* What an administrator should know: one line each into add(); e.g. a
	 * xenstored that does not answer. */
	void (*problems)(struct bd_host *h, void (*add)(void *ud, const char *line), void *ud);
};

struct bd_host {
	const struct bd_host_ops *ops;
	bool pool; /* its hypervisor has one: claims stand there, not in holders */
	struct bd_host_events events;
};

/* Each sets *ret only on success. ev must be set by the caller before the
 * first event can be dispatched. */
int bd_host_xen_open(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		     struct bl_err *reterr);
/* Keeps every other balloond from managing this Xen host while the descriptor that it
 * returns is open; before anything else is touched. -EBUSY: another one has it; -errno. */
int bd_host_xen_lock(struct bl_err *reterr);
/* Destroys every domain whose handle has the prefix of a holder, and empties the
 * pool, for a host that shuts down or a package that goes. Takes the lock: -EBUSY. */
int bd_host_xen_drop_holders(struct bl_err *reterr);
int bd_host_sim_open(struct event_base *base, const struct bd_host_events *ev, const char *world_file,
		     const char *state_dir, double speed, struct bd_host **ret, struct bl_err *reterr);

/* Only of a bd_host made by bd_host_sim_open. What makes room for it is the claim's,
 * where there is one; holder and pooled of *launch are not looked at. */
struct bl_sim_launch;
int bd_host_sim_create(struct bd_host *h, const struct bl_sim_launch *launch, const struct bl_claim *claim,
		       uint32_t *ret_domid, struct bl_err *reterr);
int bd_host_sim_destroy(struct bd_host *h, uint32_t domid, struct bl_err *reterr);
/* KEY=VALUE as in the world's file. */
int bd_host_sim_set(struct bd_host *h, uint32_t domid, const char *key, const char *value,
		    struct bl_err *reterr);

#endif
