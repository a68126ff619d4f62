/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct bd_verb *const tables[] = {
	bd_verbs_look,
	bd_verbs_claim,
	bd_verbs_set,
#ifdef HAVE_SIM
	bd_verbs_sim,
#endif
};

static const struct bd_verb *find(const char *name)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct bd_verb *v = tables[i]; v->name; v++)
			if (!strcmp(v->name, name))
				return v;
	return NULL;
}

void bd_verbs_dispatch(struct bd_call *call, enum bd_role role)
{
	const struct bd_verb *verb = find(call->req.method);
	struct bl_err err = { .errnum = 0 };
	char unknown[BL_NAME_MAX + 32];

	if (!verb) {
		snprintf(unknown, sizeof(unknown), "no such method: %.64s", call->req.method);
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
