/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people decided: the configuration, and limits that were set at run time.
 * bl_settings_limits() tells which count for a domain. */
#ifndef BL_CORE_SETTINGS_H
#define BL_CORE_SETTINGS_H

#include <uthash.h>

#include "lib/core/size.h"
#include "lib/core/snapshot.h"

enum bl_mode { BL_MODE_AUTO, BL_MODE_MANUAL, BL_MODE_IGNORE };
enum bl_policy_kind { BL_POLICY_DEMAND, BL_POLICY_PROPORTIONAL, BL_POLICY_STATIC };

#define BL_WEIGHT_DEFAULT 100U
#define BL_WEIGHT_MAX 65535U

/* A percentage of the domain's base, or a size. */
struct bl_bound {
	bool is_percent;
	uint32_t percent;
	bl_pages pages;
};

/* Limits of a domain, each only if its has_* is set: from a [domain] section, or from `set`,
 * which are kept by UUID with the base. */
struct bl_override {
	bool has_mode, has_min, has_max, has_weight;
	enum bl_mode mode;
	struct bl_bound min;
	bl_pages max;
	uint32_t weight; /* 1..BL_WEIGHT_MAX */
};

struct bl_settings {
	/* [host] */
	struct bl_share reserve; /* share of the host's memory */
	bool dom0_manage;
	bl_pages dom0_min;
	bl_ms tick;
	/* [policy] */
	enum bl_policy_kind policy;
	bool surplus_give;
	uint32_t headroom; /* percent of the working set */
	bl_pages threshold;
	bl_ms stuck_after, retry_after, telemetry_stale_after, boot_grace;
	/* [defaults] */
	enum bl_mode mode; /* auto or ignore */
	struct bl_bound min, min_with_driver;
	uint32_t weight;
	/* [claims] */
	bl_ms wait; /* without progress */
	bl_ms keep_warm, ttl, max_ttl;
	struct bl_share overhead; /* share of the claim's size */
	/* [domain X], by name or UUID */
	struct bl_config_domain *domains; /* owned; uthash keyed by `key` */
	bool domains_by_uuid;		  /* a key is a UUID */
	/* by UUID: limits that were set at run time, and what was learned */
	struct bl_dom_record *dom_records; /* owned; uthash keyed by uuid */
};

/* A [domain X] section. */
struct bl_config_domain {
	char key[BL_NAME_MAX + 1]; /* name, or UUID in lower case */
	struct bl_override limits;
	UT_hash_handle hh;
};

bool bl_override_is_set(const struct bl_override *o); /* any limit is set */

/* How the last domain with a UUID ended. */
enum bl_run_end {
	BL_RUN_LIVES,  /* no end was seen */
	BL_RUN_REBOOT, /* to start again */
	BL_RUN_SAVED,  /* saved or sent away */
	BL_RUN_CRASHED,
	BL_RUN_OVER,   /* in another way */
	BL_RUN_UNSEEN, /* it is gone, and balloond did not see how */
};
#define BL_RUN_ENDS (BL_RUN_UNSEEN + 1)

/* Where a base comes from. */
enum bl_base_from {
	BL_BASE_STARTED,  /* the size that the domain was started with */
	BL_BASE_REBOOTED, /* kept over a reboot */
	BL_BASE_RESTORED, /* kept over a restore or a migration */
	BL_BASE_UNSEEN,	  /* kept, since nobody saw what kind of start it was */
};
#define BL_BASE_FROMS (BL_BASE_UNSEEN + 1)

/* The last domain that had a UUID. */
struct bl_run {
	bool known;   /* false: recorded by an older balloond, or not at all */
	bl_uuid boot; /* of the host */
	uint32_t domid;
	enum bl_run_end end;
	bl_ms ended;	   /* time its end was seen, host clock; 0: none was seen */
	bl_pages lived_at; /* its target, or else its pages, when it was last seen alive */
};

/* What is recorded of a domain, by UUID, over its reboots and restarts of balloond. */
struct bl_dom_record {
	bl_uuid uuid;
	bl_pages base; /* the size that the domain was started with; 0 unknown */
	enum bl_base_from base_from;
	struct bl_run run;
	bool external;	    /* somebody else controls its target, until --mode auto */
	bool persist;	    /* false: `set --no-persist`; forgotten at a restart */
	bool dirty;	    /* it has changed since it was last saved */
	bool on_disk;	    /* a file may be there, which must not become wrong */
	uint64_t saved_seq; /* of the newest write, done or under way */
	struct bl_override set;
	struct bl_override stays; /* the part of `set` that outlives a restart */
	UT_hash_handle hh;
};

/* Where a limit comes from, for `explain`. */
enum bl_limit_source {
	BL_FROM_SET,
	BL_FROM_CONFIG,
	BL_FROM_DOM0_MIN,	/* [host] dom0-min */
	BL_FROM_TOOLSTACK,	/* dynamic-min, or the world's min */
	BL_FROM_DRIVER_DEFAULT, /* [defaults] min-with-driver */
	BL_FROM_DEFAULT,
};

/* The limits that count for a domain now: min <= max, in pages of the domain (tot_pages). */
struct bl_limits {
	enum bl_mode mode;
	bool external;
	bl_pages min, max, base;
	enum bl_base_from base_from;
	uint32_t weight;
	enum bl_limit_source min_from;
};

/* The defaults of the contract; everything owned is empty. */
void bl_settings_init(struct bl_settings *s);
void bl_settings_free(struct bl_settings *s);

/* The section for that key, which is made if it is missing; NULL: out of memory. */
struct bl_config_domain *bl_settings_config(struct bl_settings *s, const char *key);
/* The record for that UUID; NULL if there is none. */
struct bl_dom_record *bl_settings_find(const struct bl_settings *s, const bl_uuid *uuid);
/* The same in a loop over all domains in order: `near` is the record found last, NULL at first;
 * the wanted one mostly follows it. */
struct bl_dom_record *bl_settings_find_after(const struct bl_settings *s, const bl_uuid *uuid,
					     const struct bl_dom_record *near);
/* The record for that UUID, made if it is missing (persist = true); NULL: out of memory. */
struct bl_dom_record *bl_settings_remember(struct bl_settings *s, const bl_uuid *uuid);
void bl_settings_forget(struct bl_settings *s, struct bl_dom_record *m);
/* Moves the records to other settings: a reload reads a new configuration into a fresh struct. */
void bl_settings_move_records(struct bl_settings *to, struct bl_settings *from);

/* The limits that count: those of `set`, otherwise of [domain] (by UUID before by name),
 * otherwise dynamic-min, otherwise [defaults]. max is the allocation unless set lower; a max
 * below min pulls min down. */
struct bl_limits bl_settings_limits(const struct bl_settings *s, const struct bl_dom *d);
/* The same with the record m of d; NULL if there is none. */
struct bl_limits bl_settings_limits_of(const struct bl_settings *s, const struct bl_dom *d,
				       const struct bl_dom_record *m);

const char *bl_mode_name(enum bl_mode m);
const char *bl_run_end_name(enum bl_run_end e);
const char *bl_base_from_name(enum bl_base_from f);
const char *bl_limit_source_name(enum bl_limit_source f); /* for people: "balloonctl set" */

#endif
