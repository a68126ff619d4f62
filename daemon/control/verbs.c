/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct verb {
	const char *name;
	enum bd_role role; /* the least role that may use the verb */
	bd_verb *handler;
};

static const struct verb verbs[] = {
	{ "status", BD_ROLE_VIEWER, bd_verb_status },
	{ "claims", BD_ROLE_VIEWER, bd_verb_claims },
	{ "plan", BD_ROLE_VIEWER, bd_verb_plan },
	{ "explain", BD_ROLE_VIEWER, bd_verb_explain },
	{ "subscribe", BD_ROLE_VIEWER, bd_verb_subscribe },
	{ "ping", BD_ROLE_VIEWER, bd_verb_ping },
	{ "claim", BD_ROLE_ADMIN, bd_verb_claim },
	{ "release", BD_ROLE_ADMIN, bd_verb_release },
	{ "renew", BD_ROLE_ADMIN, bd_verb_renew },
	{ "handoff", BD_ROLE_ADMIN, bd_verb_handoff },
	{ "built", BD_ROLE_ADMIN, bd_verb_built },
	{ "set", BD_ROLE_ADMIN, bd_verb_set },
	{ "forget", BD_ROLE_ADMIN, bd_verb_forget },
	{ "rebalance", BD_ROLE_ADMIN, bd_verb_rebalance },
	{ "pause", BD_ROLE_ADMIN, bd_verb_pause },
	{ "resume", BD_ROLE_ADMIN, bd_verb_resume },
	{ "sim.create", BD_ROLE_ADMIN, bd_verb_sim_create },
	{ "sim.destroy", BD_ROLE_ADMIN, bd_verb_sim_destroy },
	{ "sim.set", BD_ROLE_ADMIN, bd_verb_sim_set },
};

void bd_verbs_dispatch(struct bd_call *call, enum bd_role role)
{
	const struct verb *verb = NULL;
	struct bl_err err = { .errnum = 0 };
	char unknown[BL_NAME_MAX + 32];

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, call->req.method))
			verb = &verbs[i];
	if (!verb) {
		(void)snprintf(unknown, sizeof(unknown), "no such method: %.64s", call->req.method);
		bd_call_fail_code(call, BL_RPC_NO_SUCH_METHOD, unknown);
		return;
	}
	if (role < verb->role) {
		(void)bl_err_set(&err, EPERM, BL_ERR_NOT_PERMITTED,
				 "%s changes things; members of viewers may only look", verb->name);
		bd_call_fail(call, &err);
		return;
	}
	/* A request that viewers may make changes nothing: without a reader its answer is
	 * useless. */
	if (verb->role == BD_ROLE_VIEWER && bd_call_unheard(call)) {
		bd_call_drop(call);
		return;
	}
	if (verb->handler(call, &err) < 0)
		bd_call_fail(call, &err);
}
