/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the manager's parts: the tick, claims, and what people set. */
#ifndef BD_MANAGER_INTERNAL_H
#define BD_MANAGER_INTERNAL_H

#include "daemon/manager.h"

/* Someone who waits for a claim to be settled. */
struct bd_waiter {
	bl_uuid id;
	bool handoff; /* settled only when the claim is with its domain */
	bd_claim_done done;
	void *ud;
	struct bd_waiter *next;
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
	uint64_t last_tick_real; /* CLOCK_MONOTONIC ms, paces the ticks */
	uint64_t next_tick_real; /* when the timer fires */
	uint64_t last_look_real; /* the same of the last look */
	bool looked_before_change; /* something was changed since */
	bool paused, low;
	bool known_once; /* known has been filled */
	bool backend_failing, state_failing;
	char backend_error[256];
};

/* CLOCK_MONOTONIC in milliseconds, for pacing alone. */
uint64_t bd_real_ms(void);
/* A fresh snapshot, what it teaches, and a plan; nothing is done. */
int bd_manager_look(struct bd_manager *m);
struct bl_plan_in bd_manager_plan_in(struct bd_manager *m);
/* Does what the last plan says, claims first. */
void bd_manager_act(struct bd_manager *m);
/* A tick once control is back in the loop. */
void bd_manager_tick_soon(struct bd_manager *m);
/* Something was changed that only a lease's end makes a tick necessary for:
 * the next one comes as it would, or then. */
void bd_manager_tick_for_deadlines(struct bd_manager *m);
/* Does one action now; failures are logged and told. */
int bd_manager_apply(struct bd_manager *m, const struct bl_action *a, struct bl_err *reterr);

/* manager-learn.c */
/* What a snapshot teaches. */
void bd_learn(struct bd_manager *m);
/* A domain that starts anew may start larger than it ever did. */
void bd_learn_start(struct bd_manager *m, const struct bl_dom *d);
/* What is remembered of the domain, and on disk before its balloon moves: its
 * base must not be lost once it is smaller. */
int bd_manager_remember(struct bd_manager *m, const struct bl_dom *d, struct bl_err *reterr);

/* manager-claims.c */
/* Brings claims in line with what the hypervisor shows; true when that
 * changed what a plan has to know. */
bool bd_claims_reconcile(struct bd_manager *m);
void bd_claims_stake(struct bd_manager *m, struct bl_claim *c, bl_pages pages);
bl_ms bd_claims_next_deadline(const struct bd_manager *m);
void bd_claims_say(struct bd_manager *m); /* fills eta and reason of all */
int bd_claims_save(struct bd_manager *m, const struct bl_claim *c);
/* Ends a claim: what is staked is given up first, then it is forgotten, and
 * whoever waits gets err. 0: the claim is freed; -errno: the hypervisor would
 * not let go of it, the claim stands. */
int bd_claims_end(struct bd_manager *m, struct bl_claim *c, enum bl_claim_state state,
		  const struct bl_err *err);
/* Moves a held claim to c->domid. On an error it is held as before, or, where
 * somebody took what it held, room is made for it anew. */
int bd_claims_move(struct bd_manager *m, struct bl_claim *c, struct bl_err *reterr);
int bd_claims_wait_for(struct bd_manager *m, const struct bl_claim *c, bool handoff,
		       bd_claim_done done, void *ud);
bool bd_claims_waited_for(const struct bd_manager *m, const bl_uuid *id);

/* manager-tell.c */
/* Events for domains that came, went, got stuck or recovered since the last
 * tick. */
void bd_tell_changes(struct bd_manager *m);
void bd_tell_states(struct bd_manager *m);

#endif
