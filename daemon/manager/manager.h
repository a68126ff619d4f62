/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manager: owns the picture of the host, the promises and the tick. A
 * request only changes promises or settings and asks for a tick; what it asked
 * for is answered when a tick has settled it. One thread, the event loop's. */
#ifndef BD_MANAGER_H
#define BD_MANAGER_H

#include "daemon/base/host.h"
#include "daemon/manager/events.h"
#include "daemon/state/state.h"

struct bd_manager;

struct bd_manager_config {
	struct event_base *base;
	struct bd_state *state;	      /* stays the caller's */
	struct bd_events *events;     /* stays the caller's */
	struct bl_settings *settings; /* contents are moved out of it */
};

/* Opens nothing itself: the caller opens the host with
 * bd_manager_host_events(m) and gives it to bd_manager_start, which takes it
 * over, loads the state, adopts holders and makes the first tick. */
int bd_manager_new(const struct bd_manager_config *cfg, struct bd_manager **ret);
struct bd_host_events bd_manager_host_events(struct bd_manager *m);
int bd_manager_start(struct bd_manager *m, struct bd_host *host, struct bl_err *reterr);
void bd_manager_free(struct bd_manager *m); /* closes the host; holders stay */

/* A new configuration; contents are moved out of *settings. */
void bd_manager_reload(struct bd_manager *m, struct bl_settings *settings);

/* The picture after the last tick; valid until control returns to the loop. */
struct bd_picture {
	const struct bl_snapshot *snap;
	const struct bl_settings *settings;
	const struct bl_ledger *ledger;
	const struct bl_plan *plan;
	struct bd_host *host;
	bool paused;
	bl_ms now;		   /* host clock */
	bl_ms started;		   /* host clock at start */
	bool backend_failing;	   /* the last snapshot could not be taken */
	const char *backend_error; /* why; "" */
};
void bd_manager_picture(struct bd_manager *m, struct bd_picture *ret);
/* Takes a fresh snapshot and plans without acting, so that status is of now;
 * at most one a call of the event loop. */
void bd_manager_refresh(struct bd_manager *m);
/* Problems for status and ping, one line each. */
void bd_manager_problems(struct bd_manager *m, void (*add)(void *ud, const char *line), void *ud);

/* DOMAIN: a domid, a UUID or a name. A name or a UUID means the domain that lives,
 * and one that dies only where none does. -ESRCH no-such-domain; -ENOTUNIQ ambiguous,
 * naming the UUIDs or, where those are the same, the domids. */
int bd_manager_find_domain(struct bd_manager *m, const char *what, const struct bl_dom **ret,
			   struct bl_err *reterr);
/* Any string; one that names no live claim is no-such-claim. */
int bd_manager_find_claim(struct bd_manager *m, const char *what, struct bl_claim **ret,
			  struct bl_err *reterr);

enum bd_wait { BD_WAIT_DEFAULT, BD_WAIT_GIVEN, BD_WAIT_NO_WAIT, BD_WAIT_NOW };

struct bd_claim_request {
	bool has_id;
	bl_uuid id;
	char name[BL_NAME_MAX + 1]; /* "" none */
	bool has_uuid;
	bl_uuid uuid;
	bl_pages size;
	bool has_min;
	bl_pages min; /* <= size */
	bool has_overhead;
	bl_pages overhead;
	int node; /* -1 any */
	enum bd_wait wait;
	bl_ms wait_for; /* GIVEN */
	bool patient;	/* GIVEN: without progress, as with DEFAULT */
	bool has_ttl;
	bl_ms ttl;
	bool hooked; /* whoever builds for it will ask for it: never left to an unhooked build */
};

/* Exactly one of claim and err is not NULL. The claim is only valid during
 * the call. */
typedef void (*bd_claim_done)(void *ud, const struct bl_claim *claim, const struct bl_err *err);

/* Checks and records the claim, then calls done(ud) once: from here at once
 * when it is settled or --no-wait, else from a later tick. */
void bd_manager_claim(struct bd_manager *m, const struct bd_claim_request *req, bd_claim_done done,
		      void *ud);
/* The one who waited with that ud is gone: withdraw what it waits for, unless that is
 * a change; done is not called any more. */
void bd_manager_abandon(struct bd_manager *m, void *ud);

/* Gives the claim back, and calls done when that is so. */
void bd_manager_release(struct bd_manager *m, struct bl_claim *c, bd_claim_done done, void *ud);

/* What somebody has changed, and what it is about. */
struct bd_changed {
	bl_uuid uuid;	/* of the domain, or the id of the claim */
	uint32_t domid; /* of the domain that has the UUID; BL_DOMID_NONE: none is there */
	bool any;	/* forget: something was remembered */
	bool paused;
};
/* Called once, at once or later, when the change is written. err: it was not made. */
typedef void (*bd_change_done)(void *ud, const struct bd_changed *what, const struct bl_err *err);

void bd_manager_renew(struct bd_manager *m, struct bl_claim *c, bl_ms ttl, bd_change_done done, void *ud);

struct bd_set_request {
	bool has_size;
	bl_pages size; /* by hand: mode manual */
	struct bl_override limits;
	bool no_persist;
};
void bd_manager_set(struct bd_manager *m, const struct bl_dom *d, const struct bd_set_request *req,
		    bd_change_done done, void *ud);

/* Drops what is remembered of a domain: its base, what was set, who steers it. One
 * that runs is learned anew. what: as bd_manager_find_domain, or the UUID of a domain
 * that is gone. -ESRCH no-such-domain: none is there, and nothing is remembered. */
void bd_manager_forget(struct bd_manager *m, const char *what, bd_change_done done, void *ud);

/* Moves a claim to a domain that is being built: this one, or NULL: the one
 * for its UUID or name, else a new one of exactly those pages. pages: what the
 * domain is to have in all; 0: what the hypervisor's limit lets it have. Room
 * is made for what the claim lacks, for `wait`, or where that is NULL until nothing
 * came for [claims] wait. done as for bd_manager_claim. */
void bd_manager_handoff(struct bd_manager *m, struct bl_claim *claim, uint32_t domid, bl_pages pages,
			const bl_ms *wait, bd_claim_done done, void *ud);
/* Calls done when the domain is built, or its claim ended. Who abandons that
 * built it, and is done with it or gone: what is left staked is given back. */
void bd_manager_built(struct bd_manager *m, uint32_t domid, bd_claim_done done, void *ud);

/* The backend moved a held claim to a domain of that size by itself
 * (`sim create --claim`). */
void bd_manager_moved(struct bd_manager *m, struct bl_claim *claim, uint32_t domid, bl_pages pages);

void bd_manager_rebalance(struct bd_manager *m); /* a tick as soon as the loop is back */
void bd_manager_pause(struct bd_manager *m, bool paused, bd_change_done done, void *ud);

/* What a claim of size would do, with the configured overhead where overhead
 * is NULL. The plan in *ret belongs to the manager and
 * is valid until control returns to the loop. */
struct bd_what_if {
	struct bl_admission admission;
	const struct bl_plan *plan; /* goals as they would be */
	const char *refusal;	    /* NULL when it could be met */
	bl_ms eta;		    /* BL_MS_NEVER unknown */
};
int bd_manager_what_if(struct bd_manager *m, bl_pages size, const bl_pages *overhead, struct bd_what_if *ret,
		       struct bl_err *reterr);

#endif
