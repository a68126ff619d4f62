/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a host backend saw at one moment. Plain values, no behaviour.
 *
 * Sizes of a domain are in the hypervisor's terms: tot_pages. A backend that
 * steers through xenstore adds the domain's own offset to memory/target and
 * memory/static-max before it puts them here, and subtracts it again when it
 * applies; nobody else knows that offsets exist. */
#ifndef BL_CORE_SNAPSHOT_H
#define BL_CORE_SNAPSHOT_H

#include <stddef.h>

#include "lib/core/text.h"
#include "lib/core/units.h"
#include "lib/core/uuid.h"

#define BL_NODES_MAX 64

enum bl_dom_type { BL_DOM_PV, BL_DOM_PVH, BL_DOM_HVM };

enum bl_dom_flags {
	BL_DOM_DYING = 1 << 0,	    /* dying or shut down: its pages go */
	BL_DOM_PAUSED = 1 << 1,	    /* by the toolstack */
	BL_DOM_MIGRATING = 1 << 2,  /* being saved or sent away */
	BL_DOM_BUILDING = 1 << 3,   /* not yet introduced by its toolstack */
	BL_DOM_CONTROL = 1 << 4,    /* dom0 */
	BL_DOM_HOLDER = 1 << 5,	    /* one of ours, holds a claim; uuid is its handle */
	BL_DOM_NO_BALLOON = 1 << 6, /* by nature: stub domain, xenstore domain */
	BL_DOM_ANNOUNCED = 1 << 7,  /* control/feature-balloon */
	BL_DOM_DRIVER = 1 << 8,	    /* balloond's own guest driver reports */
	BL_DOM_EXTERNAL = 1 << 9,   /* its target now is not what we wrote last */
	BL_DOM_POD = 1 << 10,	    /* populate-on-demand not covered by its cache yet */
	BL_DOM_UNREAD = 1 << 11,    /* what its toolstack says of it is not known yet */
	BL_DOM_REBOOTING = 1 << 12, /* ended to start anew; DYING as well */
	BL_DOM_CRASHED = 1 << 13,   /* ended by a crash; DYING as well */
	BL_DOM_RESTORED = 1 << 14,  /* made of a saved image, or came from another host */
};

/* Why a guest's driver stays above the target it was given. */
enum bl_refusal {
	BL_REFUSES_NOT,
	BL_REFUSES_MIN,	     /* the target is below its own min */
	BL_REFUSES_PRESSURE, /* memory pressure inside the guest */
	BL_REFUSES_NO_PAGES, /* its kernel finds no page to give */
};

struct bl_telemetry {
	bool present;
	bl_ms at;	    /* when it last came, host clock */
	bl_pages used;	    /* working set: what the guest cannot do without */
	bl_pages available; /* what it could give without reclaim */
	uint32_t pressure;  /* PSI some avg10 in hundredths of a percent, 0..10000 */
	/* What balloond's own driver says beside that, each where it is known. All
	 * of it may be a lie. */
	bool has_min, has_max, has_swap, has_pressure_full, has_oom_kills;
	bool starved;		 /* it would grow, and the host gives no more */
	enum bl_refusal refusal; /* as of the report */
	bl_pages min, max;	 /* its own limits, in pages of the domain */
	bl_pages swap;		 /* in use */
	uint32_t pressure_full;	 /* PSI full avg10, as above */
	uint64_t oom_kills;	 /* since it booted */
};

struct bl_dom {
	uint32_t domid;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1]; /* clean UTF-8; "" when it has none */
	enum bl_dom_type type;
	unsigned flags; /* enum bl_dom_flags */
	bl_pages tot;
	bl_pages max_pages;   /* what the hypervisor lets it have, less the toolstack's fixed slack */
	bl_pages outstanding; /* of its claim */
	bool has_target;      /* false: no memory/target, or its offset is not known yet */
	bl_pages target;
	bl_pages static_max; /* its allocation: no target ever above; 0 unknown */
	bool has_dyn_min;
	bl_pages dyn_min; /* dynamic-min of a toolstack, or a simulated world's min */
	struct bl_telemetry tele;
};

struct bl_node {
	unsigned node;
	bl_pages total, free;
	bl_pages claimed; /* on this node, by whomever; 0 where no claim can name one */
	bl_pages pool;	  /* of that the hypervisor's pool */
};

struct bl_snapshot {
	bl_ms now; /* host clock when it was taken */
	bl_pages total;
	bl_pages free;	      /* includes what claims keep */
	bl_pages outstanding; /* the hypervisor's sum of claims; may exceed free */
	bl_pages pool;	      /* of that its pool, on no node; 0 where there is none */
	struct bl_node nodes[BL_NODES_MAX];
	size_t n_nodes;
	struct bl_dom *doms; /* ascending by domid; owned by the snapshot */
	size_t n_doms, cap_doms;
	bool store_stale; /* xenstore does not answer: targets and names are the last known */
};

/* Makes room for one more domain and returns it zeroed, NULL when memory is
 * out. Domains are to be added in ascending order. */
struct bl_dom *bl_snapshot_add(struct bl_snapshot *s);
void bl_snapshot_reset(struct bl_snapshot *s); /* keeps the memory for the next */
void bl_snapshot_free(struct bl_snapshot *s);
/* A driver whose report is older than that does not report any more. */
void bl_snapshot_age(struct bl_snapshot *s, bl_ms stale_after);
/* The domain with that UUID that lives, which is not dying and no holder; NULL: there
 * is none. A domain that dies has the same UUID as its successor for a while. */
const struct bl_dom *bl_snapshot_living(const struct bl_snapshot *s, const bl_uuid *uuid);
/* By binary search; NULL if there is none. */
const struct bl_dom *bl_snapshot_find(const struct bl_snapshot *s, uint32_t domid);
/* NULL: the host has no such node. */
const struct bl_node *bl_snapshot_node(const struct bl_snapshot *s, int node);
/* What the pool keeps on that node, or with -1 on none. */
bl_pages bl_snapshot_pool(const struct bl_snapshot *s, int node);
/* The most that a claim on that node could be now; with -1 no bound. */
bl_pages bl_snapshot_node_room(const struct bl_snapshot *s, int node);
/* It should grow, and the hypervisor's limit keeps it where it is. */
bool bl_dom_at_limit(const struct bl_dom *d);
const char *bl_dom_type_name(enum bl_dom_type t);
/* "min", "pressure", "no-pages"; NULL: it does not refuse. */
const char *bl_refusal_name(enum bl_refusal r);

#endif
