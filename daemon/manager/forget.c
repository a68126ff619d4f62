/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forgets what is recorded of a domain, for an administrator. */
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

/* Finds the UUID, and the domain that has it. */
static int find_forgotten(struct bd_manager *m, const char *what, struct bd_changed *ret,
			  struct bl_err *reterr)
{
	const struct bl_dom *d = NULL;
	int r = 0;

	ret->domid = BL_DOMID_NONE;
	if (!bl_uuid_parse(what, &ret->uuid)) {
		r = bd_manager_find_domain(m, what, &d, reterr);
		r = r < 0 ? r : bd_manager_check_lives(m, d, reterr);
	} else {
		r = bd_manager_find_domain(m, what, &d, reterr);
		if (r == -ESRCH)
			r = bl_settings_find(&m->settings, &ret->uuid)
				    ? 0
				    : bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN,
						 "%.200s: no such domain, and nothing is remembered of one",
						 what);
	}
	if (r == 0 && d) {
		ret->uuid = d->uuid;
		ret->domid = d->domid;
	}
	return r;
}

static int forget_recorded(struct bd_manager *m, struct bd_change *c, struct bl_err *reterr)
{
	struct bl_dom_record *rec = bl_settings_find(&m->settings, &c->what.uuid);
	uint64_t ignored;

	(void)reterr;
	/* Remove the record once more: a tick may have written it meanwhile. */
	if (rec && bd_state_drop_dom(m->cfg.state, &c->what.uuid, &ignored) == 0)
		bl_settings_forget(&m->settings, rec);
	/* Forget as well that somebody else wrote the target. */
	for (size_t i = 0; i < m->snap.n_doms; i++)
		if (bl_uuid_equal(&m->snap.doms[i].uuid, &c->what.uuid) &&
		    bd_learn_has_uuid(&m->snap.doms[i]))
			m->host->ops->adopt(m->host, m->snap.doms[i].domid);
	m->looked_before_change = true;
	bd_manager_tick_soon(m);
	return 0;
}

void bd_manager_forget(struct bd_manager *m, const char *what, bd_change_done done, void *ud)
{
	struct bd_change change = {
		.kind = BD_CHANGE_FORGET, .recorded = forget_recorded, .done = done, .ud = ud
	};
	struct bl_err err;
	int r = find_forgotten(m, what, &change.what, &err);

	change.what.any = r == 0 && bl_settings_find(&m->settings, &change.what.uuid);
	if (r == 0)
		r = bd_state_drop_dom(m->cfg.state, &change.what.uuid, &change.seq);
	if (r == -ENOMEM)
		bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
	r = r < 0 ? r : bd_changes_add(m, &change, &err);
	if (r < 0) {
		done(ud, &change.what, &err);
		return;
	}
	if (change.what.any)
		bd_log(LOG_NOTICE, "what was remembered of %.*s is forgotten", BL_NAME_MAX, what);
	bd_changes_go_on(m);
}
