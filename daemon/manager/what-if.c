/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a claim would do, without making it. */
#include <errno.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

int bd_manager_what_if(struct bd_manager *m, bl_pages size, const bl_pages *overhead, struct bd_what_if *ret,
		       struct bl_err *reterr)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_claim what = {
		.size = size,
		.min = size,
		.node = -1,
		.domid = BL_DOMID_NONE,
		.holder = BL_DOMID_NONE,
		.overhead = overhead ? *overhead : bl_share_of(m->settings.overhead, size),
		.wait_until = BL_MS_NEVER,
		.expires = BL_MS_NEVER,
	};
	struct bd_what_if out = { .plan = &m->what_if, .eta = BL_MS_NEVER };
	struct bl_claim *c;
	int r;

	bd_manager_look(m);
	bl_plan_admit(&m->plan, size, what.overhead, NULL, &out.admission);
	if (out.admission.verdict >= BL_FITS_LATER)
		out.refusal = bl_reason_refusal(&m->plan, &in, &out.admission, m->what_if_text);
	c = bl_ledger_add(&m->ledger, &what);
	if (!c)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	r = bl_plan_make(&m->what_if, &in);
	if (r == 0)
		out.eta = bl_plan_eta(&m->what_if, &in, c);
	bl_ledger_remove(&m->ledger, c);
	m->what_if.n_actions = 0;
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "out of memory");
	*ret = out;
	return 0;
}
