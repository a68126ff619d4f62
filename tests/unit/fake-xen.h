/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-ins for libxenstore and libxenctrl, within the process: a store with
 * watches that can be made to hang, break or refuse, and a hypervisor that
 * only keeps the books. */
#ifndef TESTS_UNIT_FAKE_XEN_H
#define TESTS_UNIT_FAKE_XEN_H

#include <stdbool.h>
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
void fake_store_stall(bool on);	  /* requests wait */
void fake_store_break(void);	  /* every connection is lost */
void fake_store_refuse(bool on);  /* new ones are refused */
void fake_store_deny_writes(bool on); /* EACCES */
unsigned fake_store_watches(void);
/* All values ever written to the path through the library, one a line. */
bool fake_store_wrote(const char *path, const char *values);
/* Right before the library next reads the path, somebody else writes this. */
void fake_store_overtake(const char *path, const char *value);

/* ---- the hypervisor ---- */
struct fake_domain {
	bool used;
	uint32_t domid;
	bl_uuid handle;
	uint32_t flags, emulation;
	uint64_t tot, max, outstanding, cpu_time, pod_entries, pod_cache;
};
extern struct fake_hypervisor {
	uint64_t total, free;
	unsigned nodes;
	unsigned calls; /* hypercalls made */
	int fail_create, fail_claim, fail_open; /* errno, 0: work */
	struct fake_domain doms[3000];
	uint32_t next_domid;
} fake_xen;
void fake_xen_reset(void);
/* A running one: PV, or (hvm) PVH, or (hvm and emulated) HVM; max is tot and a MiB. */
struct fake_domain *fake_xen_add(uint32_t domid, bool hvm, bool emulated, uint64_t tot);
struct fake_domain *fake_xen_find(uint32_t domid);
uint64_t fake_xen_outstanding(void);

#endif
