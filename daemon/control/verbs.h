/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The methods of the control socket: tables of name, least role and handler. */
#ifndef BD_VERBS_H
#define BD_VERBS_H

#include "daemon/control/conn.h"

/* Finds the method, checks the role, and answers now or later. Takes over the call. */
void bd_verbs_dispatch(struct bd_call *call, enum bd_role role);

struct bd_verb {
	const char *name;
	enum bd_role role; /* the least role that may use the verb */
	/* Returns 0 and answers with bd_call_result() and bd_call_done(), at once or later; or
	 * returns -errno with *err filled. */
	int (*handler)(struct bd_call *call, struct bl_err *err);
};

/* A table in each family's file; each ends with a row without a name. */
extern const struct bd_verb bd_verbs_look[], bd_verbs_set[], bd_verbs_claim[], bd_verbs_sim[];

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
