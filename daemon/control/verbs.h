/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of the control socket: a table of name, least role and handler. */
#ifndef BD_VERBS_H
#define BD_VERBS_H

#include "daemon/control/conn.h"

/* Finds the method, checks the role, and answers now or later. Takes over the call. */
void bd_verbs_dispatch(struct bd_call *call, enum bd_role role);

/* A handler returns 0 and answers with bd_call_result() and bd_call_done(), at once or later; or
 * it returns -errno with *err filled. */
typedef int bd_verb(struct bd_call *call, struct bl_err *err);

/* verbs-look.c */
bd_verb bd_verb_status, bd_verb_ping, bd_verb_plan, bd_verb_explain, bd_verb_subscribe;
/* verbs-set.c */
bd_verb bd_verb_set, bd_verb_forget, bd_verb_rebalance, bd_verb_pause, bd_verb_resume;
/* verbs-claim.c */
bd_verb bd_verb_claim, bd_verb_claims, bd_verb_release, bd_verb_renew;
bd_verb bd_verb_handoff, bd_verb_built;
/* verbs-sim.c */
bd_verb bd_verb_sim_create, bd_verb_sim_destroy, bd_verb_sim_set;

/* verbs-common.c */
/* -EINVAL if the request has params. */
int bd_verbs_no_params(struct bd_call *call, struct bl_err *err);
/* Writes domid's row of the status as member "domain"; nothing if the domain is gone. */
void bd_verbs_put_domain(struct bd_call *call, struct bl_json_out *o, uint32_t domid);
/* Answers with the claim as member "claim". */
void bd_verbs_answer_claim(struct bd_call *call, const struct bl_claim *c);

/* Decodes the params of the call into *dest, by a table. */
#define BD_VERBS_DECODE(call, table, dest, err)                                                             \
	bl_params_decode((call)->req.params, table, sizeof(table) / sizeof((table)[0]), dest, err)

#endif
