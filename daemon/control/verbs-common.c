/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that several verbs share. */
#include "daemon/control/render.h"
#include "daemon/control/verbs.h"
#include "lib/proto/params.h"

int bd_verbs_no_params(struct bd_call *call, struct bl_err *err)
{
	return bl_params_decode(call->req.params, NULL, 0, NULL, err);
}

void bd_verbs_put_domain(struct bd_call *call, struct bl_json_out *o, uint32_t domid)
{
	struct bd_picture p;
	const struct bl_view *v;

	bd_manager_picture(call->all->manager, &p);
	v = bl_plan_view(p.plan, domid);
	if (v)
		bd_render_domain(o, "domain", &p, v);
}

void bd_verbs_answer_claim(struct bd_call *call, const struct bl_claim *c)
{
	struct bl_json_out *o = bd_call_result(call);
	struct bd_picture p;

	bd_manager_picture(call->all->manager, &p);
	bd_render_claim(o, "claim", &p, c);
	bd_call_done(call);
}
