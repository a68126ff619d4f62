/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xenstore has for each domain that the hypervisor lists, and what we write there. Watches
 * keep fresh what a toolstack writes; reads at ticks keep fresh what a guest writes. */
#ifndef BD_XEN_GUEST_H
#define BD_XEN_GUEST_H

#include <uthash.h>

#include "daemon/base/clock.h"
#include "daemon/base/host.h"
#include "daemon/xen/call.h"
#include "daemon/xen/offset.h"
#include "daemon/xen/store/store.h"
#include "daemon/xen/telemetry.h"

/* Longest text of memory/target. */
#define BD_XEN_NUMBER_MAX 24
/* Longest path of a toolstack's notes that is compared. */
#define BD_XEN_VM_MAX 128

struct bd_xen_target {
	bool present;
	bool lost;		     /* not there now, or no number; kib is the last value */
	bool absent;		     /* was not there at the first read */
	uint64_t kib;		     /* the last value that xenstore is known to have */
	char raw[BD_XEN_NUMBER_MAX]; /* the same value, as text */
	bool wanted;		     /* `want` is to be written */
	uint64_t want;
	bool writing;
	uint64_t sent;		       /* the value of the write under way */
	bool nudging;		       /* a nudge: `want` follows the write under way after a pause */
	struct bd_clock_timer *second; /* that pause */
	struct bl_action action;       /* that asked for `want` */
};

struct bd_xen_guests;

struct bd_xen_guest {
	struct bd_xen_guests *gs;
	uint32_t domid;
	bl_uuid uuid;
	uint64_t serial; /* tells late answers for an earlier domain with the same domid */
	bool holder;
	bool listed; /* in the list of the current sync */
	bool loaded, introduced;
	bool seen_built;       /* we saw it being built */
	bool being_built;      /* as of the last snapshot */
	unsigned build_checks; /* how often the processes were checked for its builder */
	bool restored;	       /* from a saved image, or from another host */
	bool external;	       /* somebody else wrote its target */
	bool named;	       /* holder: we have written its name */
	bool asked_down;       /* holder: its control/shutdown was written */
	bool removed;	       /* guest: its toolstack has removed it from xenstore */
	bool stubdom, announced;
	bool complained; /* the log has its one line */
	char name[BL_NAME_MAX + 1];
	char vm[BD_XEN_VM_MAX]; /* path of its toolstack's notes, which no other domain has; "" */
	bool has_static_max, has_dyn_min;
	uint64_t static_max, videoram, dyn_min; /* KiB */
	struct bd_xen_target target;
	struct bd_xen_offset offset;
	struct bd_xen_tele tele;
	bl_ms slow_at; /* when to read again what seldom changes */
	/* as of the last snapshot */
	bl_pages tot, max;
	bl_ms still_since;  /* time since tot and target did not change */
	bool pod_covered;   /* its balloon has made up for populate-on-demand */
	bl_pages asked_max; /* dom0: the limit that was asked for; 0 none */
	UT_hash_handle hh;
};

/* The caller's memory, zeroed except base, store and events. */
struct bd_xen_guests {
	struct event_base *base;
	struct bd_store *store;
	const struct bd_host_events *events; /* whom to tell of changes */
	struct bd_xen_guest *table;	     /* uthash by domid */
	uint64_t last_serial;
	unsigned reads_pending; /* telemetry reads under way */
	bl_ms reads_at;
};

/* Everything that is read or watched. Guests can write the keys from STAT on. */
enum bd_xen_key {
	BD_XEN_KEY_NAME,
	BD_XEN_KEY_VM,
	BD_XEN_KEY_TARGET,
	BD_XEN_KEY_SHUTDOWN, /* of holders alone */
	BD_XEN_KEY_STATIC_MAX,
	BD_XEN_KEY_VIDEORAM,
	BD_XEN_KEY_DYN_MIN,
	BD_XEN_KEY_STUBDOM,
	BD_XEN_KEY_ANNOUNCED,
	BD_XEN_KEY_INTRODUCED, /* has no path: xenstored is asked instead */
	BD_XEN_KEY_STAT,
	BD_XEN_KEY_MEMINFO_TOTAL,
	BD_XEN_KEY_MEMINFO_FREE,
	BD_XEN_KEY_MEMINFO,
	BD_XEN_N_KEYS,
};

/* key.c */
#define BD_XEN_PATH_MAX 64
const char *bd_xen_guest_path(const struct bd_xen_guest *g, enum bd_xen_key key, char buf[BD_XEN_PATH_MAX]);
/* The path below the domain's folder. */
const char *bd_xen_key_name(enum bd_xen_key key);
uint64_t bd_xen_guest_cookie(const struct bd_xen_guest *g, enum bd_xen_key key);
/* Where the serial starts in a cookie, and the 16 bits of the domid; the key is below them. */
#define BD_XEN_COOKIE_SERIAL 24
#define BD_XEN_COOKIE_DOMID 8

/* Cookie of what belongs to no domain: a failed write is only logged. */
#define BD_XEN_COOKIE_OTHER 255

/* The sink of the store; ud is the bd_xen_guests. */
void bd_xen_guests_reply(void *ud, const struct bd_store_reply *reply);
/* Makes the table have an entry for each listed domain, and no other. -ENOMEM. */
int bd_xen_guests_sync(struct bd_xen_guests *gs, const struct bd_xen_info *infos, size_t n);
struct bd_xen_guest *bd_xen_guests_find(const struct bd_xen_guests *gs, uint32_t domid);
/* Reads again what is read once; `loaded` is false until that is done. */
void bd_xen_guests_reread(struct bd_xen_guest *g);
/* Reads what is not watched, if it is time to. */
void bd_xen_guests_poll(struct bd_xen_guests *gs, bl_ms now);
/* Frees all entries; close the store first. */
void bd_xen_guests_free(struct bd_xen_guests *gs);

static inline void bd_xen_guests_changed(const struct bd_xen_guests *gs)
{
	gs->events->changed(gs->events->ud);
}

/* guest-value.c */
void bd_xen_guest_take(struct bd_xen_guest *g, enum bd_xen_key key, const struct bd_store_reply *reply);

/* target.c: memory/target, written by us or by others. */
void bd_xen_target_value(struct bd_xen_guest *g, const struct bd_store_reply *reply);
void bd_xen_target_written(struct bd_xen_guest *g, const struct bd_store_reply *reply);
/* The value now, or the one that is to be written. */
uint64_t bd_xen_target_kib(const struct bd_xen_target *t);
/* Writes the value; nudges if xenstore has it already. */
int bd_xen_target_set(struct bd_xen_guest *g, uint64_t kib, const struct bl_action *a);
/* Writes the same value again in a way that the guest notices. */
int bd_xen_target_nudge(struct bd_xen_guest *g, const struct bl_action *a);
void bd_xen_target_free(struct bd_xen_target *t);

#endif
