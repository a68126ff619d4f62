/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host at one moment, as a backend saw it. Plain values.
 *
 * A domain's size is the hypervisor's tot_pages. The Xen backend adds the domain's own offset to
 * memory/target and memory/static-max before it writes them here, and subtracts the offset in its
 * actions; only the backend knows that offsets exist. */
#ifndef BL_CORE_SNAPSHOT_H
#define BL_CORE_SNAPSHOT_H

#include <stddef.h>

#include "lib/core/text.h"
#include "lib/core/units.h"
#include "lib/core/uuid.h"

#define BL_NODES_MAX 64

enum bl_dom_type { BL_DOM_PV, BL_DOM_PVH, BL_DOM_HVM };

enum bl_dom_flags {
	BL_DOM_DYING = 1 << 0,	    /* dying or shut down: its pages are going */
	BL_DOM_PAUSED = 1 << 1,	    /* by the toolstack */
	BL_DOM_MIGRATING = 1 << 2,  /* being saved or sent away */
	BL_DOM_BUILDING = 1 << 3,   /* not yet introduced by its toolstack */
	BL_DOM_CONTROL = 1 << 4,    /* dom0 */
	BL_DOM_HOLDER = 1 << 5,	    /* one of our holders; uuid is its handle */
	BL_DOM_NO_BALLOON = 1 << 6, /* it can have none: a stub domain, the xenstore domain */
	BL_DOM_ANNOUNCED = 1 << 7,  /* control/feature-balloon */
	BL_DOM_DRIVER = 1 << 8,	    /* balloond's own guest driver reports */
	BL_DOM_EXTERNAL = 1 << 9,   /* its target is not what we wrote last */
	BL_DOM_POD = 1 << 10,	    /* populate-on-demand that its cache does not cover yet */
	BL_DOM_UNREAD = 1 << 11,    /* its toolstack's notes have not been read yet */
	BL_DOM_REBOOTING = 1 << 12, /* ended to start again; DYING as well */
	BL_DOM_CRASHED = 1 << 13,   /* ended by a crash; DYING as well */
	BL_DOM_RESTORED = 1 << 14,  /* from a saved image, or from another host */
};

/* Why a guest's driver stays above its target. */
enum bl_refusal {
	BL_REFUSES_NOT,
	BL_REFUSES_MIN,	     /* the target is below its own min */
	BL_REFUSES_PRESSURE, /* memory pressure inside the guest */
	BL_REFUSES_NO_PAGES, /* its kernel finds no free page */
};

struct bl_telemetry {
	bool present;
	bl_ms at;	    /* time of the last report, host clock */
	bl_pages used;	    /* working set: what the guest cannot do without */
	bl_pages available; /* what it could give without reclaim */
	uint32_t pressure;  /* PSI some avg10 in hundredths of a percent, 0..10000 */
	/* What only balloond's own driver reports, if the has_* is set. All of it may be a lie. */
	bool has_min, has_max, has_swap, has_pressure_full, has_oom_kills;
	bool starved;		 /* it should grow, and the host has no more memory */
	enum bl_refusal refusal; /* as of the report */
	bl_pages min, max;	 /* its own limits, in pages of the domain */
	bl_pages swap;		 /* in use */
	uint32_t pressure_full;	 /* PSI full avg10, as above */
	uint64_t oom_kills;	 /* since it booted */
};

struct bl_dom {
	uint32_t domid;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1]; /* clean UTF-8; "": none */
	enum bl_dom_type type;
	unsigned flags; /* enum bl_dom_flags */
	bl_pages tot;
	bl_pages max_pages;   /* the hypervisor's limit, less the toolstack's fixed slack */
	bl_pages outstanding; /* of its claim */
	bool has_target;      /* false: no memory/target, or an unknown offset */
	bl_pages target;
	bl_pages static_max; /* its allocation, which no target exceeds; 0 unknown */
	bool has_dyn_min;
	bl_pages dyn_min; /* dynamic-min of a toolstack, or a simulated world's min */
	struct bl_telemetry tele;
};

struct bl_node {
	unsigned node;
	bl_pages total, free;
	bl_pages claimed; /* by all claims on this node; 0 if claims have no nodes */
	bl_pages pool;	  /* the part of claimed that the pool has */
};

struct bl_snapshot {
	bl_ms now; /* time of the snapshot, host clock */
	bl_pages total;
	bl_pages free;	      /* includes claimed pages */
	bl_pages outstanding; /* the hypervisor's sum of claims; may exceed free */
	bl_pages pool;	      /* the part of outstanding that the pool has on no node; 0 without a pool */
	struct bl_node nodes[BL_NODES_MAX];
	size_t n_nodes;
	struct bl_dom *doms; /* ascending by domid; owned by the snapshot */
	size_t n_doms, cap_doms;
	bool store_stale; /* xenstore does not answer: targets and names are the last known */
};

/* Adds a zeroed domain; NULL: out of memory. Domains must be added in ascending order. */
struct bl_dom *bl_snapshot_add(struct bl_snapshot *s);
void bl_snapshot_reset(struct bl_snapshot *s); /* keeps the memory for reuse */
void bl_snapshot_free(struct bl_snapshot *s);
/* A driver with a report older than stale_after counts as a driver that does not report. */
void bl_snapshot_age(struct bl_snapshot *s, bl_ms stale_after);
/* The living domain with that UUID, neither dying nor a holder; NULL: none. For a while a dying
 * domain and its successor have the same UUID. */
const struct bl_dom *bl_snapshot_living(const struct bl_snapshot *s, const bl_uuid *uuid);
/* By binary search; NULL if there is none. */
const struct bl_dom *bl_snapshot_find(const struct bl_snapshot *s, uint32_t domid);
/* NULL: the host has no such node. */
const struct bl_node *bl_snapshot_node(const struct bl_snapshot *s, int node);
/* What the pool has on that node; with -1, on no node. */
bl_pages bl_snapshot_pool(const struct bl_snapshot *s, int node);
/* The most that a claim on that node can be now; with -1 there is no bound. */
bl_pages bl_snapshot_node_room(const struct bl_snapshot *s, int node);
/* True if the domain should grow, but the hypervisor's limit forbids it. */
bool bl_dom_at_limit(const struct bl_dom *d);
const char *bl_dom_type_name(enum bl_dom_type t);
/* "min", "pressure", "no-pages"; NULL: it does not refuse. */
const char *bl_refusal_name(enum bl_refusal r);

#endif
