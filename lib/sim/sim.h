/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated Xen host in virtual time: an allocator with nodes, claims and max_pages that
 * answers as Xen 4.17 was measured to answer, guests with manners, and other toolstacks that take
 * memory. The host is deterministic: the same world and the same calls at the same virtual times
 * give the same host, however often a caller looks in between.
 *
 * The host itself, the world, is one flat piece of memory without pointers, so that it can live
 * in a shared mapping of a file and outlive the process that simulates it. If a kill cuts a call
 * short, the next bl_sim_open() undoes what the call changed; sums are never stored. */
#ifndef BL_SIM_SIM_H
#define BL_SIM_SIM_H

#include "lib/core/plan.h"

#define BL_SIM_DOMS_MAX 16384 /* domains at one time, including those that are yet to appear */
#define BL_SIM_NODES_MAX 16
#define BL_SIM_QUANTUM_MS 10	/* the world moves in steps of this */
#define BL_SIM_EPOCH_MS 1000000 /* the clock of a new world: a host that was just booted */
#define BL_SIM_EMPTY_PAGES 14	/* the hypervisor's own pages for a domain without memory */

/* ---- The world --------------------------------------------------------- */

/* Bytes of memory that a world takes; most of them stay zero and untouched. */
size_t bl_sim_world_size(void);

/* The world used when no other is given: a 16 GiB host and six guests. */
extern const char bl_sim_default_world[];

/* Begins a world in mem: bl_sim_world_size() zero bytes, aligned for any type. text is a world's
 * file; `file` names it in messages, "FILE:LINE: what is wrong". After an error mem holds no
 * world. */
int bl_sim_world_parse(void *mem, const char *file, const char *text, size_t len, struct bl_err *reterr);

/* Room in the world for its keeper; the simulator does not look at it. */
struct bl_sim_keep {
	bl_uuid boot;
	uint64_t source;  /* fingerprint of the text that the world was made from */
	uint64_t real_ns; /* time outside of the world when this was written */
	double speed;
};

struct bl_sim;

/* Opens a world, new or left by another process: undoes a change that was cut short, adds up the
 * sums, and refuses a damaged world (-EBADMSG). mem stays the caller's and must outlive *ret. */
int bl_sim_open(void *mem, size_t size, struct bl_sim **ret, struct bl_err *reterr);
void bl_sim_free(struct bl_sim *s); /* the world stays; NULL is fine */
struct bl_sim_keep *bl_sim_keep(struct bl_sim *s);

/* Adds up the sums again and compares them with those of *s: -EBADMSG with what is wrong. */
int bl_sim_check(const struct bl_sim *s, struct bl_err *reterr);

/* ---- Time -------------------------------------------------------------- */

bl_ms bl_sim_now(const struct bl_sim *s);
void bl_sim_step(struct bl_sim *s, bl_ms dt);
/* The earliest time at which a domain may appear, be built or go, if no caller interferes;
 * BL_MS_NEVER: none is in sight. */
bl_ms bl_sim_next_change(const struct bl_sim *s);
/* Grows whenever a domain appeared, was built or went, or somebody else wrote a target. */
uint64_t bl_sim_changes(const struct bl_sim *s);

/* ---- The hypervisor ---------------------------------------------------- */

#define BL_SIM_DOMID_FIRST_RESERVED UINT32_C(0x7ff0)
#define BL_SIM_DOMID_SELF UINT32_C(0x7ff0)

struct bl_sim_physinfo {
	bl_pages total, free, outstanding;
};
void bl_sim_physinfo(const struct bl_sim *s, struct bl_sim_physinfo *ret);

/* Makes an empty domain with max_pages 0. -ENOMEM: its structures do not fit into the unclaimed
 * memory; -ENOSPC: too many domains. */
int bl_sim_domain_create(struct bl_sim *s, const bl_uuid *handle, uint32_t *ret_domid);
/* The domain is dying from now on: its claim ends, and its pages go one after another. -ESRCH;
 * -EBUSY if the domain is dying already; -EINVAL for dom0. */
int bl_sim_domain_destroy(struct bl_sim *s, uint32_t domid);
int bl_sim_setmaxmem(struct bl_sim *s, uint32_t domid, bl_pages pages);

/* XENMEM_claim_pages. */
struct bl_sim_claim_op {
	uint32_t caller; /* the calling domain; 0 is the control domain */
	uint32_t domid;
	uint64_t pages; /* the tot_pages that the claim allows for; 0 cancels the claim */
	unsigned order, flags;
};
int bl_sim_claim(struct bl_sim *s, const struct bl_sim_claim_op *op);

/* XENMEM_claim_ctl, in a world with `claim-method = pool`: sets the size of the pool, or moves
 * pages of the pool to a domain. -ENOMEM; -ESRCH; -ENOENT: the pool has less; -ERANGE: above
 * max_pages. */
bool bl_sim_has_pool(const struct bl_sim *s);
int bl_sim_pool_set(struct bl_sim *s, bl_pages pages);
int bl_sim_pool_move(struct bl_sim *s, uint32_t domid, bl_pages pages);

/* populate and decrease_reservation of single pages; return how many pages moved. */
uint64_t bl_sim_populate(struct bl_sim *s, uint32_t domid, uint64_t pages);
uint64_t bl_sim_depopulate(struct bl_sim *s, uint32_t domid, uint64_t pages);
/* Takes free pages of a node out of use for good; returns how many. */
uint64_t bl_sim_offline(struct bl_sim *s, unsigned node, uint64_t pages);

/* ---- The toolstack ----------------------------------------------------- */

struct bl_sim_launch {
	const char *name;
	bl_pages size, max;    /* size <= max */
	const bl_uuid *holder; /* whose claim goes to the new domain; NULL: none */
	bl_pages pooled;       /* pages of the pool that go to the new domain */
	const bl_uuid *uuid;   /* of a domain that is started again; NULL: a new UUID */
};
/* As `xl create` with claim_mode=1: makes a guest, stakes its memory at once (-ENOMEM: there is
 * too little), and populates the guest while time passes. The claim of a holder moves to the
 * guest; after an error the claim is as it was. */
int bl_sim_launch(struct bl_sim *s, const struct bl_sim_launch *l, uint32_t *ret_domid,
		  struct bl_err *reterr);
/* Sets a key of a running guest, as in a world's file, or `target`, as somebody else's `xl
 * mem-set`. */
int bl_sim_set(struct bl_sim *s, uint32_t domid, const char *key, const char *value, struct bl_err *reterr);

/* ---- The backend: the operations of daemon/base/host.h ------------------------ */

int bl_sim_snapshot(struct bl_sim *s, struct bl_snapshot *snap);
int bl_sim_apply(struct bl_sim *s, const struct bl_action *a, struct bl_err *reterr);
int bl_sim_stake(struct bl_sim *s, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		 uint32_t *ret_domid, struct bl_err *reterr);
int bl_sim_unstake(struct bl_sim *s, uint32_t holder, const bl_uuid *handle);
int bl_sim_transfer(struct bl_sim *s, uint32_t holder, const bl_uuid *handle, uint32_t domid, bl_pages pages,
		    struct bl_err *reterr);
int bl_sim_cancel(struct bl_sim *s, uint32_t domid);
void bl_sim_adopt(struct bl_sim *s, uint32_t domid);

#endif
