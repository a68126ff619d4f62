/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xenstore says of each domain, kept fresh by watches (what a toolstack
 * writes) and by reading at ticks (what a guest writes), and what we write
 * there. One entry a domain that the hypervisor lists. */
#ifndef BD_XEN_GUEST_H
#define BD_XEN_GUEST_H

#include <uthash.h>

#include "daemon/base/clock.h"
#include "daemon/base/host.h"
#include "daemon/xen/call.h"
#include "daemon/xen/offset.h"
#include "daemon/xen/store/store.h"
#include "daemon/xen/telemetry.h"

/* Longest memory/target as text. */
#define BD_XEN_NUMBER_MAX 24
/* Longest path of a toolstack's notes of a domain that is compared. */
#define BD_XEN_VM_MAX 128

struct bd_xen_target {
	bool present;
	bool lost;		     /* it was there before, or for a number, and kib is what it was last */
	bool absent;		     /* it was not there when it was read first */
	uint64_t kib;		     /* what xenstore says, as far as we were told */
	char raw[BD_XEN_NUMBER_MAX]; /* the same, as it is written there */
	bool wanted;		     /* something else is to be there: */
	uint64_t want;
	bool writing;
	uint64_t sent;		       /* on its way */
	bool nudging;		       /* what is on its way is to be followed by `want` in a while */
	struct bd_clock_timer *second; /* that while */
	struct bl_action action;       /* asked for last */
};

struct bd_xen_guests;

struct bd_xen_guest {
	struct bd_xen_guests *gs;
	uint32_t domid;
	bl_uuid uuid;
	uint64_t serial; /* tells late answers for an earlier domain of this domid */
	bool holder;
	bool listed; /* by the last sync */
	bool loaded, introduced;
	bool seen_built;      /* it was built since we look */
	bool being_built;     /* as of the last look */
	unsigned build_looks; /* how often it was looked who builds it */
	bool restored;	      /* it was made of a saved image, or came from another host */
	bool external;	      /* somebody else wrote its target */
	bool named;	      /* a holder that we have given a name since we look */
	bool asked_down;      /* a holder whose control/shutdown was written */
	bool removed;	      /* no holder: its toolstack has removed it from xenstore */
	bool stubdom, announced;
	bool complained; /* one line in the log a domain */
	char name[BL_NAME_MAX + 1];
	char vm[BD_XEN_VM_MAX]; /* where its toolstack keeps notes of it and of no other; "" unknown */
	bool has_static_max, has_dyn_min;
	uint64_t static_max, videoram, dyn_min; /* KiB */
	struct bd_xen_target target;
	struct bd_xen_offset offset;
	struct bd_xen_tele tele;
	bl_ms slow_at; /* when what seldom changes is to be read again */
	/* the last look */
	bl_pages tot, max;
	bl_ms still_since;  /* tot and target have not changed since */
	bool pod_covered;   /* its balloon has made up for populate-on-demand */
	bl_pages asked_max; /* dom0: the limit it was asked to have; 0 none */
	UT_hash_handle hh;
};

/* Memory of the caller's; all zero but base, store and events at first. */
struct bd_xen_guests {
	struct event_base *base;
	struct bd_store *store;
	const struct bd_host_events *events; /* may be told of changes */
	struct bd_xen_guest *table;	     /* uthash by domid */
	uint64_t last_serial;
	unsigned reads_pending; /* telemetry reads not answered yet */
	bl_ms reads_at;
};

/* Everything read or watched. What a guest can write is from STAT on. */
enum bd_xen_key {
	BD_XEN_KEY_NAME,
	BD_XEN_KEY_VM,
	BD_XEN_KEY_TARGET,
	BD_XEN_KEY_SHUTDOWN, /* holders alone */
	BD_XEN_KEY_STATIC_MAX,
	BD_XEN_KEY_VIDEORAM,
	BD_XEN_KEY_DYN_MIN,
	BD_XEN_KEY_STUBDOM,
	BD_XEN_KEY_ANNOUNCED,
	BD_XEN_KEY_INTRODUCED, /* no path: a question of its own */
	BD_XEN_KEY_STAT,
	BD_XEN_KEY_MEMINFO_TOTAL,
	BD_XEN_KEY_MEMINFO_FREE,
	BD_XEN_KEY_MEMINFO,
	BD_XEN_N_KEYS,
};

/* key.c */
#define BD_XEN_PATH_MAX 64
const char *bd_xen_guest_path(const struct bd_xen_guest *g, enum bd_xen_key key, char buf[BD_XEN_PATH_MAX]);
/* Below the domain's folder. */
const char *bd_xen_key_name(enum bd_xen_key key);
uint64_t bd_xen_guest_cookie(const struct bd_xen_guest *g, enum bd_xen_key key);
/* In a cookie: the bits from here on are the serial, or the domid's 16; below are the key's. */
#define BD_XEN_COOKIE_SERIAL 24
#define BD_XEN_COOKIE_DOMID 8

/* For what is no domain's: a failed write is logged. */
#define BD_XEN_COOKIE_OTHER 255

/* The sink of the store; ud is the bd_xen_guests. */
void bd_xen_guests_reply(void *ud, const struct bd_store_reply *reply);
/* Entries for those listed, and no others. -ENOMEM. */
int bd_xen_guests_sync(struct bd_xen_guests *gs, const struct bd_xen_info *infos, size_t n);
struct bd_xen_guest *bd_xen_guests_find(const struct bd_xen_guests *gs, uint32_t domid);
/* Asks again for all that is read once; not `loaded` until that has come. */
void bd_xen_guests_reread(struct bd_xen_guest *g);
/* Asks for what is not watched, when it is time. */
void bd_xen_guests_poll(struct bd_xen_guests *gs, bl_ms now);
/* All entries; the store must be closed first. */
void bd_xen_guests_free(struct bd_xen_guests *gs);

static inline void bd_xen_guests_changed(const struct bd_xen_guests *gs)
{
	gs->events->changed(gs->events->ud);
}

/* guest-value.c */
void bd_xen_guest_take(struct bd_xen_guest *g, enum bd_xen_key key, const struct bd_store_reply *reply);

/* target.c: memory/target, ours and others'. */
void bd_xen_target_value(struct bd_xen_guest *g, const struct bd_store_reply *reply);
void bd_xen_target_written(struct bd_xen_guest *g, const struct bd_store_reply *reply);
/* What it is, or will be when all is written. */
uint64_t bd_xen_target_kib(const struct bd_xen_target *t);
/* That value; where it is there already, as a nudge. */
int bd_xen_target_set(struct bd_xen_guest *g, uint64_t kib, const struct bl_action *a);
/* The same value anew, such that the guest sees it change. */
int bd_xen_target_nudge(struct bd_xen_guest *g, const struct bl_action *a);
void bd_xen_target_free(struct bd_xen_target *t);

#endif
