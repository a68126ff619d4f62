/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-ins for libxenstore and libxenctrl, within the process: a store with
 * watches that can be made to hang, break or refuse, and a hypervisor that
 * only keeps the books. */
#ifndef TESTS_UNIT_FAKE_XEN_H
#define TESTS_UNIT_FAKE_XEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/uuid.h"

/* ---- the store; every call as by somebody else than balloond ---- */
void fake_store_reset(void);
void fake_store_set(const char *path, const char *value); /* NULL: removes it */
void fake_store_setf(uint32_t domid, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Copies at most size - 1 bytes; false: there is none. */
bool fake_store_get(const char *path, char *buf, unsigned size);
void fake_store_introduce(uint32_t domid);
void fake_store_leave(uint32_t domid); /* it has ended; 0: some domain has */
void fake_store_stall(bool on);	       /* requests wait */
void fake_store_break(void);	       /* every connection is lost */
void fake_store_refuse(bool on);       /* new ones are refused */
void fake_store_deny_writes(bool on);  /* EACCES */
unsigned fake_store_watches(void);
/* All values ever written to the path through the library, one a line. */
bool fake_store_wrote(const char *path, const char *values);
/* The process that used the library is gone, with all that it had under way. */
void fake_store_hang_up(void);
/* NULL, or called before each call of the library that changes something; with the value
 * that a path is to have. */
extern void (*fake_store_on_write)(const char *path, const char *value);
/* Right after the library next reads the path, somebody else writes this (NULL: removes it). */
void fake_store_overtake(const char *path, const char *value);

/* ---- the hypervisor ---- */
struct fake_domain {
	bool used;
	uint32_t domid;
	bl_uuid handle;
	uint32_t flags, emulation;
	uint64_t tot, max, outstanding, cpu_time, pod_entries, pod_cache;
	unsigned claim_node; /* of outstanding; FAKE_NO_NODE: none */
};
#define FAKE_NODES 3
#define FAKE_NO_NODE FAKE_NODES
extern struct fake_hypervisor {
	uint64_t total, free;
	unsigned nodes;
	uint64_t node_total[FAKE_NODES], node_free[FAKE_NODES]; /* the second is not there */
	bool patched;						/* has the project's claim_ctl */
	uint32_t claim_version;
	uint64_t pool[FAKE_NODES + 1]; /* the last: of no node */
	unsigned sets, moves;	       /* of the pool */
	void (*on_less)(void);	       /* the pool is about to be made smaller */
	void (*on_destroy)(void);      /* a domain was destroyed */
	void (*on_claim)(void);	       /* a claim was made */
	unsigned calls;		       /* hypercalls made */
	/* NULL, or called before each of them, with the domain it is about; returns 0, or the
	 * errno with which the call fails. */
	int (*on_call)(const char *name, uint32_t domid);
	uint32_t flask_label;				    /* that a domain must have, 0: no FLASK */
	int fail_create, fail_claim, fail_open, fail_query; /* errno, 0: work */
	struct fake_domain doms[3000];
	size_t n_doms; /* none is used behind these */
	uint32_t next_domid;
} fake_xen;
void fake_xen_reset(void);
/* A running one: PV, or (hvm) PVH, or (hvm and emulated) HVM; max is tot and a MiB. */
struct fake_domain *fake_xen_add(uint32_t domid, bool hvm, bool emulated, uint64_t tot);
struct fake_domain *fake_xen_find(uint32_t domid);
/* It is gone, and another one that looks the same has its id. */
void fake_xen_reuse(uint32_t domid);
uint64_t fake_xen_outstanding(void);
/* fake-claim-ctl.c */
long fake_claim_ctl(void *arg, size_t len);

#endif
