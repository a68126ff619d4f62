/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the manager's parts; each part's functions are below the name of its file. */
#ifndef BD_MANAGER_INTERNAL_H
#define BD_MANAGER_INTERNAL_H

#include "daemon/base/times.h"
#include "daemon/manager/manager.h"

/* What somebody waits for. */
enum bd_waits {
	BD_WAITS_HELD = 1 << 0,	    /* the claim is held */
	BD_WAITS_MOVED = 1 << 1,    /* it is with the domain that is built */
	BD_WAITS_BUILT = 1 << 2,    /* that domain is there */
	BD_WAITS_NAMED = 1 << 3,    /* the name of the domain is known: no claim yet */
	BD_WAITS_RECORDED = 1 << 4, /* the claim stands, and that is written */
	BD_WAITS_ENDED = 1 << 5,    /* it is given back */
	BD_WAITS_AGAIN = 1 << 6,    /* it was: the next tick makes another of that id */
};

struct bd_waiter {
	bl_uuid id; /* of the claim */
	enum bd_waits what;
	uint32_t domid;			/* MOVED, NAMED: the domain that is built, */
	bl_pages pages;			/* what it is to have in all, */
	bl_ms until;			/* and how long its builder waits; */
	bl_ms patience;			/* 0, or how long without progress of the claim, which moves until */
	bl_ms named_by;			/* NAMED: goes on without a name then */
	struct bd_claim_request *again; /* ENDED, AGAIN: what is asked then, owned; NULL: nothing */
	bd_claim_done done;
	void *ud;
	struct bd_waiter *next;
};

/* The next step of a claim once its record is written (claim.then). */
enum bd_then {
	BD_THEN_NOTHING,
	BD_THEN_RECORDED, /* it stands: whoever asked for no more is told */
	BD_THEN_SETTLE,	  /* it is held: whoever waits is told, who builds for it gets it */
	BD_THEN_MOVE,	  /* it is moved to its domain */
	BD_THEN_LET_GO,	  /* it leaves the pool for a build without the hook */
	BD_THEN_GIVE_UP,  /* what it still has in the hypervisor is given up */
};

/* A change that is not written yet. */
struct bd_change {
	enum { BD_CHANGE_SET, BD_CHANGE_FORGET, BD_CHANGE_PAUSE, BD_CHANGE_RENEW } kind;
	struct bd_changed what;
	uint64_t seq; /* FORGET, PAUSE: see bd_state_written */
	bool has_size;
	bl_pages size;
	struct bl_dom_record before; /* SET */
	bool before_paused;
	bl_ms before_ttl, before_expires; /* RENEW */
	/* What is left to do once it is written; NULL: nothing. */
	int (*recorded)(struct bd_manager *m, struct bd_change *c, struct bl_err *reterr);
	bd_change_done done; /* NULL: nobody waits any more */
	void *ud;
	struct bd_change *prev, *next;
};

/* A domain as the last tick knew it, for domain.{appeared,gone}. */
struct bd_known {
	uint32_t domid;
	bl_uuid uuid;
	bool building;
	char name[BL_NAME_MAX + 1];
};

struct bd_manager {
	struct bd_manager_config cfg;
	struct bd_host *host;
	struct event *tick_timer;
	struct bl_settings settings;
	struct bl_snapshot snap;
	struct bl_progress progress;
	struct bl_ledger ledger;
	struct bl_plan plan, what_if;
	char what_if_text[2048];
	struct bd_waiter *waiters;
	struct bd_known *known;
	size_t n_known, cap_known;
	bl_ms started;
	uint64_t last_tick_real;   /* CLOCK_MONOTONIC ms, paces the ticks */
	uint64_t next_tick_real;   /* when the timer fires */
	uint64_t last_look_real;   /* the same of the last look */
	bool looked_before_change; /* something was changed since */
	bl_pages warm;		   /* of what is available: see bl_plan_in */
	bl_ms warm_until;
	bool paused, low;
	bool known_once; /* known has been filled */
	bool reconciled; /* claims have been brought in line with the hypervisor since the start */
	bool backend_failing;
	bool state_failing;    /* something could not be written or removed, see written.c */
	bool unsaved;	       /* for lack of memory */
	bool leaving;	       /* a claim leaves the pool once that is written, */
	uint64_t leaving_real; /* since that time */
	bool act_waits;	       /* a guest is moved when what is known of it is written */
	struct bd_change *changes;
	bl_pages unknown_in_pool[BL_NODES_MAX + 1]; /* by node + 1, see bd_state_has_unknown_claims */
	bl_uuid boot;				    /* of the host */
	char backend_error[256];
};

/* pace.c: when the next tick comes */
/* Between two ticks while somebody waits. */
#define BD_TICK_WAITING_MS 1000
void bd_manager_tick_in(struct bd_manager *m, uint64_t real_ms);
/* When what the last look found asks for it. */
void bd_manager_tick_next(struct bd_manager *m);
/* A tick once control is back in the loop. */
void bd_manager_tick_soon(struct bd_manager *m);
/* Something was changed that only a lease's end makes a tick necessary for:
 * the next one comes as it would, or then. */
void bd_manager_tick_for_deadlines(struct bd_manager *m);

/* tick.c */
void bd_manager_tick(struct bd_manager *m);

/* look.c */
/* A fresh snapshot, what it teaches, and a plan; nothing is done. */
int bd_manager_look(struct bd_manager *m);
/* The last look was a moment ago. */
bool bd_manager_looked_now(const struct bd_manager *m);
struct bl_plan_in bd_manager_plan_in(struct bd_manager *m);

/* act.c, act-on-guest.c */
/* Does what the last plan says, claims first. */
void bd_manager_act(struct bd_manager *m);
/* Does one action of the plan; a failure is told. *failed: the guest for which one failed. */
void bd_act_on_guest(struct bd_manager *m, const struct bl_action *a, uint32_t *failed);
/* Does one action now. */
int bd_manager_apply(struct bd_manager *m, const struct bl_action *a, struct bl_err *reterr);

/* find.c */
/* -EBUSY where d is dying and another domain has its UUID: what is remembered by UUID is
 * that one's. */
int bd_manager_check_lives(struct bd_manager *m, const struct bl_dom *d, struct bl_err *reterr);

/* guests.c */
/* What a snapshot teaches. */
void bd_learn(struct bd_manager *m);
/* Of what was loaded from disk: those that are gone, and nobody saw how. */
void bd_learn_ends_unseen(struct bd_manager *m);
/* A domain that starts anew may start larger than it ever did. */
void bd_learn_start(struct bd_manager *m, const struct bl_dom *d);
/* Whether anything can be remembered of it; dom0's is all zeros. */
bool bd_learn_has_uuid(const struct bl_dom *d);

/* announce.c */
/* Events for domains that came, went, got stuck or recovered since the last
 * tick. */
void bd_tell_changes(struct bd_manager *m);
void bd_tell_states(struct bd_manager *m);

/* claim-admit.c */
/* A claim as it is recorded. */
struct bl_claim bd_request_make(struct bd_manager *m, const struct bd_claim_request *req, bl_pages overhead);
/* Makes a claim for a domain that is built. */
int bd_request_for_build(struct bd_manager *m, const struct bl_dom *d, const struct bd_waiter *w,
			 struct bl_err *err);
/* Asks for the claims that could only be had once another of that id had ended. */
void bd_waiters_ask_again(struct bd_manager *m);

/* claim-stake.c */
void bd_claims_stake(struct bd_manager *m, struct bl_claim *c, bl_pages pages);
/* Those pages are staked for it. */
void bd_claims_become_held(struct bd_manager *m, struct bl_claim *c, bl_pages pages);

/* claim-recorded.c */
/* Does what waits for the record of the claim, if that is written or failed, and ends
 * a claim that ends; true as bd_claims_reconcile. The claim may be freed. */
bool bd_claims_go_on(struct bd_manager *m, struct bl_claim *c);

/* claim-check.c */
/* Brings claims in line with what the hypervisor shows; true when that
 * changed what a plan has to know. */
bool bd_claims_reconcile(struct bd_manager *m);
/* Of what was loaded: no claim is larger than the host. */
void bd_claims_check_sizes(struct bd_manager *m);

/* claim-timeout.c */
/* A claim that waits ends in vain: what it freed stays warm for the next try. To be
 * called before it ends. */
void bd_claims_keep_warm(struct bd_manager *m, const struct bl_claim *c);
/* It gets what is there, or has waited in vain. As bd_claims_reconcile. */
bool bd_claims_time_out(struct bd_manager *m, struct bl_claim *c);

/* claim-say.c */
void bd_claims_say(struct bd_manager *m, struct bl_claim *c); /* fills its eta and its reason */
void bd_claims_say_all(struct bd_manager *m);

/* claim-end.c */
/* Ends a claim: what is staked is given up first, then it is forgotten, and
 * whoever waits gets err. 0: the claim is freed; -EINPROGRESS: it ends when its record
 * says so; another -errno: the hypervisor would not let go of it, or the disk of its
 * record in the pool: the claim stands, ends and is tried again at every tick. */
int bd_claims_end(struct bd_manager *m, struct bl_claim *c, enum bl_claim_state state,
		  const struct bl_err *err);
/* An end that waits for its record, failed half way or was cut off by a kill goes on;
 * true: it has ended. */
bool bd_claims_end_again(struct bd_manager *m, struct bl_claim *c);

/* waiters.c */
void bd_waiter_free(struct bd_waiter *w);
/* Copies *w to the end of those who wait. */
int bd_waiters_add(struct bd_manager *m, const struct bd_waiter *w);
bool bd_waiters_any(const struct bd_manager *m, const bl_uuid *id, unsigned whats);
/* Tells those who wait for one of these of this claim; err: in vain. */
void bd_waiters_answer(struct bd_manager *m, const struct bl_claim *c, const struct bl_err *err,
		       unsigned whats);

/* stake.c: where the hypervisor keeps a claim, in its pool or with a holder */
/* 0: holder, pooled and staked are set; -errno as of bd_host_ops. */
int bd_stake_make(struct bd_manager *m, struct bl_claim *c, bl_pages pages, struct bl_err *reterr);
/* Gives up what a holder or the pool keeps for it, if any does. -errno: it would
 * not go, and the claim is as it was. */
int bd_stake_drop(struct bd_manager *m, struct bl_claim *c);
/* Gives up what a domain that is being built has not used of its claim. */
int bd_stake_cancel(struct bd_manager *m, uint32_t domid);
/* What that is, without what the domain has already that it is for. */
bl_pages bd_stake_left(const struct bd_manager *m, const struct bl_claim *c);
/* Moves it to the domain that it is for, which is to have its size then, and gives
 * back what is left over. On an error it is where it was; with a holder -ENOMEM:
 * somebody took the pages between its two calls. */
int bd_stake_move(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d, struct bl_err *reterr);
/* How much the claims there have in the pool of a node, -1: of none. */
bl_pages bd_stake_due_in_pool(const struct bd_manager *m, int node);
/* Makes the pool of a node as large as the claims there, and so much larger. */
int bd_stake_fit_pool(struct bd_manager *m, int node, bl_pages more, struct bl_err *reterr);

/* pool-check.c */
/* Brings the pool in line with the claims that stand in it; true as
 * bd_claims_reconcile. */
bool bd_stake_check(struct bd_manager *m);

/* claim-move.c */
/* Moves a claim with a domid to that domain, once that is recorded. Where somebody took
 * the pages room is made for it again; on another error it has failed, or is held again
 * by whom it was, and its builder is told. */
void bd_move_start(struct bd_manager *m, struct bl_claim *c);
/* BD_THEN_MOVE and BD_THEN_LET_GO; r: of the record. */
void bd_move_recorded(struct bd_manager *m, struct bl_claim *c, int r);
void bd_move_let_go_recorded(struct bd_manager *m, struct bl_claim *c, int r);
/* Its builder has waited in vain, or is gone: it ends, or is held again. */
void bd_move_fail(struct bd_manager *m, struct bl_claim *c, const struct bl_err *err);
/* What its holder still has is held; where that is nothing, room is made for
 * it anew until its lease would have ended. */
void bd_move_back(struct bd_manager *m, struct bl_claim *c);
/* As bd_claims_reconcile, for one that is BUILDING. */
bool bd_move_check(struct bd_manager *m, struct bl_claim *c);
/* Leaves held claims to the domains that they name, where those are built by somebody
 * who will not ask; bd_move_check tells of it. True: look again. */
bool bd_move_let_go(struct bd_manager *m);
/* Its builder has come to its end: what it populated by then is all there will
 * be, whether it is done or was killed. */
void bd_move_builder_gone(struct bd_manager *m, struct bl_claim *c);

/* claim-give.c */
/* The claim is for that domain from now on, for which w waits: moved at once, or when there
 * is room for all of it. */
void bd_handoff_give(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d,
		     const struct bd_waiter *w);
/* A claim was held: somebody may build already what it is for. */
void bd_handoff_held(struct bd_manager *m, struct bl_claim *c);

/* handoff.c */
/* Those who waited for a name, or too long; true as bd_claims_reconcile. */
bool bd_handoff_resume(struct bd_manager *m);
/* Whoever waited with w is gone; w is out of the list already. */
void bd_handoff_abandon(struct bd_manager *m, const struct bd_waiter *w);

/* reboot.c */
/* Keeps the memory of guests that reboot for their successors; true as
 * bd_claims_reconcile. */
bool bd_reboot_look(struct bd_manager *m);

/* records.c */
/* Has the record of a claim written as it is now. -errno: at a later tick. */
int bd_claims_save(struct bd_manager *m, struct bl_claim *c);
/* The same, and bd_claims_go_on does what comes then. */
void bd_claims_save_then(struct bd_manager *m, struct bl_claim *c, enum bd_then then);
/* Has it removed. */
int bd_claims_drop_record(struct bd_manager *m, struct bl_claim *c);
/* Of what was asked for last: 0 it is done; -EINPROGRESS; another -errno: it failed. */
int bd_claims_written(const struct bd_manager *m, const struct bl_claim *c);
/* Has what is remembered of a UUID written. */
void bd_manager_save_dom(struct bd_manager *m, struct bl_dom_record *mem);
/* The same where it has changed; as bd_claims_written. A guest's balloon does not move
 * before that is 0: its base must not be lost once it is smaller. */
int bd_manager_remember(struct bd_manager *m, struct bl_dom_record *mem);

/* written.c */
/* A bd_state_sink. */
void bd_manager_recorded(void *ud, enum bd_state_kind kind, const bl_uuid *id, int r);
/* Tries again what failed. */
void bd_manager_state_retry(struct bd_manager *m);

/* change.c */
/* Copies *change; its record was given to be written, or is by bd_changes_go_on. */
int bd_changes_add(struct bd_manager *m, const struct bd_change *change, struct bl_err *reterr);
void bd_changes_abandon(struct bd_manager *m, const void *ud);
/* Answers those that are written, and those that cannot be. */
void bd_changes_go_on(struct bd_manager *m);
/* The settings of the domain are what they were before c. */
void bd_changes_undo_set(struct bd_manager *m, struct bl_dom_record *mem, const struct bd_change *c);
void bd_changes_free(struct bd_manager *m);

#endif
