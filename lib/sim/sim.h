/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A simulated Xen host in virtual time: an allocator with nodes, claims and
 * max_pages that answers as Xen 4.17 was measured to, guests with manners, and
 * other toolstacks that take memory. Deterministic: the same world and the
 * same calls at the same virtual times give the same host, however often it is
 * looked at in between.
 *
 * The host itself, the world, is one flat piece of memory without pointers, so
 * that it can live in a shared mapping of a file and outlive whoever simulates
 * it. What a call changes in it is undone by the next bl_sim_open() when the
 * call was cut short by a kill; sums are never stored. */
#ifndef BL_SIM_SIM_H
#define BL_SIM_SIM_H

#include "lib/core/plan.h"

#define BL_SIM_DOMS_MAX 16384 /* domains at one time, those yet to appear included */
#define BL_SIM_NODES_MAX 16
#define BL_SIM_QUANTUM_MS 10	/* the world moves in steps of that */
#define BL_SIM_EPOCH_MS 1000000 /* its clock when it begins: a host that was just booted */
#define BL_SIM_EMPTY_PAGES 14	/* the hypervisor's own, of a domain without memory */

/* ---- The world --------------------------------------------------------- */

/* Bytes of memory a world takes; most of them stay zero and untouched. */
size_t bl_sim_world_size(void);

/* The world used when nobody gives another: a 16 GiB host and six guests. */
extern const char bl_sim_default_world[];

/* Begins a world in mem: bl_sim_world_size() zero bytes, aligned for any
 * type. text is a world's file; `file` names it in messages, "FILE:LINE: what
 * is wrong". On error mem holds no world. */
int bl_sim_world_parse(void *mem, const char *file, const char *text, size_t len, struct bl_err *reterr);

/* Room in the world for whoever keeps it; the simulator does not look at it. */
struct bl_sim_keep {
	bl_uuid boot;
	uint64_t source;  /* which text it was made from */
	uint64_t real_ns; /* a clock outside of the world when this was written */
	double speed;
};

struct bl_sim;

/* Takes up a world, new or left by another: undoes what was cut short, adds up
 * what there is, and refuses (-EBADMSG) what cannot be. mem stays the
 * caller's and must outlive *ret. */
int bl_sim_open(void *mem, size_t size, struct bl_sim **ret, struct bl_err *reterr);
void bl_sim_free(struct bl_sim *s); /* NULL is fine; the world stays */
struct bl_sim_keep *bl_sim_keep(struct bl_sim *s);

/* Adds everything up anew and compares: -EBADMSG and what is wrong. */
int bl_sim_check(const struct bl_sim *s, struct bl_err *reterr);

/* ---- Time -------------------------------------------------------------- */

bl_ms bl_sim_now(const struct bl_sim *s);
void bl_sim_step(struct bl_sim *s, bl_ms dt);
/* When, if nobody interferes, domains next come, are built, or go;
 * BL_MS_NEVER: not as far as can be seen. Never later than it happens. */
bl_ms bl_sim_next_change(const struct bl_sim *s);
/* Grows whenever a domain came, was built or went, or somebody else wrote a
 * target. */
uint64_t bl_sim_changes(const struct bl_sim *s);

/* ---- The hypervisor ---------------------------------------------------- */

#define BL_SIM_DOMID_FIRST_RESERVED UINT32_C(0x7ff0)

struct bl_sim_physinfo {
	bl_pages total, free, outstanding;
};
void bl_sim_physinfo(const struct bl_sim *s, struct bl_sim_physinfo *ret);

/* An empty domain, max_pages 0. -ENOMEM: its structures do not fit into what
 * no claim covers; -ENOSPC: too many domains. */
int bl_sim_domain_create(struct bl_sim *s, const bl_uuid *handle, uint32_t *ret_domid);
/* It is dying from now on, its claim is gone, its pages go one after another.
 * -ESRCH, -EBUSY when it is dying already, -EINVAL for dom0. */
int bl_sim_domain_destroy(struct bl_sim *s, uint32_t domid);
int bl_sim_setmaxmem(struct bl_sim *s, uint32_t domid, bl_pages pages);

/* XENMEM_claim_pages. */
struct bl_sim_claim_op {
	uint32_t caller; /* who calls: 0 is the control domain */
	uint32_t domid;
	uint64_t pages; /* what tot_pages may reach; 0 cancels */
	unsigned order, flags;
};
int bl_sim_claim(struct bl_sim *s, const struct bl_sim_claim_op *op);

/* XENMEM_claim_ctl, of a world with `claim-method = pool`: the pool made that
 * large, or pages of it moved to a domain. -ENOMEM; -ESRCH; -ENOENT: the pool has
 * less; -ERANGE: above max_pages. */
bool bl_sim_has_pool(const struct bl_sim *s);
int bl_sim_pool_set(struct bl_sim *s, bl_pages pages);
int bl_sim_pool_move(struct bl_sim *s, uint32_t domid, bl_pages pages);

/* populate and decrease_reservation of single pages: how many were done. */
uint64_t bl_sim_populate(struct bl_sim *s, uint32_t domid, uint64_t pages);
uint64_t bl_sim_depopulate(struct bl_sim *s, uint32_t domid, uint64_t pages);
/* Takes free pages of a node out of use for good; how many there were. */
uint64_t bl_sim_offline(struct bl_sim *s, unsigned node, uint64_t pages);

/* ---- The toolstack ----------------------------------------------------- */

struct bl_sim_launch {
	const char *name;
	bl_pages size, max;    /* size <= max */
	const bl_uuid *holder; /* its claim goes to the new domain; NULL: none */
	bl_pages pooled;       /* so much of the pool does */
	const bl_uuid *uuid;   /* one that was there before, is started again; NULL: another */
};
/* As `xl create` with claim_mode=1: makes a guest, stakes its memory at once
 * (-ENOMEM: there is not that much), populates it while time passes. With a
 * holder its claim is moved; on any error it stays as it was. */
int bl_sim_launch(struct bl_sim *s, const struct bl_sim_launch *l, uint32_t *ret_domid,
		  struct bl_err *reterr);
/* KEY=VALUE of a running guest, as in a world's file, and `target` (somebody
 * else's `xl mem-set`). */
int bl_sim_set(struct bl_sim *s, uint32_t domid, const char *key, const char *value, struct bl_err *reterr);

/* ---- The host as balloond steers it: what daemon/base/host.h asks for -------- */

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
