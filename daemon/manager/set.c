/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes what people set of a domain: checks it, lets it count at once, and answers once it is
 * written. */
#include <errno.h>

#include "daemon/manager/internal.h"

struct text {
	char s[BL_SIZE_STR];
};

#define SIZE(p) (bl_pages_format((p), (struct text){ { 0 } }.s))

static int check_limits(struct bd_manager *m, const struct bl_dom *d, const struct bd_set_request *req,
			const struct bl_limits *l, struct bl_err *err)
{
	const struct bl_override *o = &req->limits;

	if (d->flags & BL_DOM_CONTROL && !m->settings.dom0_manage)
		return bl_err_set(err, EPERM, BL_ERR_BAD_STATE,
				  "%s: the control domain is not managed; [host] dom0 = manage changes that",
				  d->name);
	if (o->has_max && !bl_pages_is_zero(d->static_max) && bl_pages_gt(o->max, d->static_max))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "max_bytes: %s is above the allocation of %s, %s", SIZE(o->max), d->name,
				  SIZE(d->static_max));
	if (o->has_min && !o->min.is_percent && bl_pages_gt(o->min.pages, l->max))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "min_bytes: %s is above the max of %s, %s", SIZE(o->min.pages), d->name,
				  SIZE(l->max));
	if (o->has_max && l->min_from <= BL_FROM_TOOLSTACK) {
		struct bl_dom_record said = *bl_settings_find(&m->settings, &d->uuid);
		struct bl_limits wide;

		said.set.has_max = false; /* compare with the whole min, which max may cut */
		wide = bl_settings_limits_of(&m->settings, d, &said);
		if (bl_pages_lt(o->max, wide.min))
			return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
					  "max_bytes: %s is below the min of %s, %s", SIZE(o->max), d->name,
					  SIZE(wide.min));
	}
	return 0;
}

static int check_size(struct bd_manager *m, const struct bl_dom *d, bl_pages size, const struct bl_limits *l,
		      struct bl_err *err)
{
	const struct bl_view *v = bl_plan_view(&m->plan, d->domid);
	bl_pages more = v ? bl_pages_sub(size, v->have) : size;
	bool said = l->min_from <= BL_FROM_TOOLSTACK;

	if (bl_pages_gt(size, l->max))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "size_bytes: %s is above the max of %s, %s", SIZE(size), d->name,
				  SIZE(l->max));
	if (said && bl_pages_lt(size, l->min))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "size_bytes: %s is below the min of %s, %s (from %s)", SIZE(size), d->name,
				  SIZE(l->min), bl_limit_source_name(l->min_from));
	if (m->paused)
		return bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				  "balloond is paused: 'balloonctl resume' first");
	if (!d->has_target || d->flags & BL_DOM_NO_BALLOON)
		return bl_err_set(err, EINVAL, BL_ERR_BAD_STATE,
				  "%s cannot be moved: it has no memory/target that its pages follow",
				  d->name);
	if (d->flags & (BL_DOM_DYING | BL_DOM_BUILDING | BL_DOM_MIGRATING))
		return bl_err_set(err, EBUSY, BL_ERR_BAD_STATE, "%s is %s", d->name,
				  v ? bl_dom_state_name(v->state) : "going");
	if (m->snap.store_stale)
		return bl_err_set(err, EIO, BL_ERR_BACKEND, "xenstore does not answer");
	if (bl_pages_gt(more, m->plan.available))
		return bl_err_set(err, ENOMEM, BL_ERR_NO_MEMORY,
				  "%s would have to get %s, and %s are available", d->name, SIZE(more),
				  SIZE(m->plan.available));
	return 0;
}

static int set_size(struct bd_manager *m, const struct bl_dom *d, bl_pages size, struct bl_err *err)
{
	struct bl_action a = { .kind = BL_ACT_MAXMEM, .why = BL_WHY_HAND, .domid = d->domid, .pages = size };
	int r = 0;

	if (bl_pages_gt(size, d->max_pages))
		r = bd_manager_apply(m, &a, err);
	a.kind = BL_ACT_TARGET;
	return r < 0 ? r : bd_manager_apply(m, &a, err);
}

/* Lets the change count from now on, so that the next request is checked against it. */
static void set_now(struct bd_manager *m, struct bl_dom_record *rec, const struct bd_set_request *req)
{
	bl_override_merge(&rec->set, &req->limits);
	if (req->has_size)
		rec->set.has_mode = true, rec->set.mode = BL_MODE_MANUAL;
	if (req->has_size || (req->limits.has_mode && req->limits.mode == BL_MODE_AUTO))
		rec->external = false;
	rec->dirty = true;
	rec->persist = !req->no_persist;
	m->looked_before_change = true;
}

static int check_set(struct bd_manager *m, const struct bl_dom *d, const struct bd_set_request *req,
		     struct bl_err *err)
{
	struct bl_limits l = bl_settings_limits(&m->settings, d);
	int r;

	if (!req->no_persist && bd_state_is_kept(m->cfg.state, BD_STATE_DOMAIN, &d->uuid))
		return bl_err_set(err, EBUSY, BL_ERR_BAD_STATE,
				  "what is remembered of %s was written by a newer balloond: only "
				  "'set --no-persist' can be had",
				  d->name);
	if (req->limits.has_max && req->limits.max.n > BL_HOST_PAGES_MAX)
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "max_bytes: %s is more than any host has", SIZE(req->limits.max));
	r = check_limits(m, d, req, &l, err);
	return r == 0 && req->has_size ? check_size(m, d, req->size, &l, err) : r;
}

static int set_recorded(struct bd_manager *m, struct bd_change *c, struct bl_err *reterr)
{
	const struct bl_dom *d = bl_snapshot_find(&m->snap, c->what.domid);
	struct bl_dom_record *rec = bl_settings_find(&m->settings, &c->what.uuid);
	int r = 0;

	if (!d || !rec || !bl_uuid_equal(&d->uuid, &c->what.uuid))
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domain %u is gone", c->what.domid);
	if (c->has_size)
		r = set_size(m, d, c->size, reterr);
	if (r < 0)
		bd_changes_undo_set(m, rec, c);
	m->looked_before_change = true;
	bd_manager_tick_soon(m);
	return r;
}

void bd_manager_set(struct bd_manager *m, const struct bl_dom *d, const struct bd_set_request *req,
		    bd_change_done done, void *ud)
{
	struct bd_change change = { .kind = BD_CHANGE_SET,
				    .recorded = set_recorded,
				    .done = done,
				    .ud = ud,
				    .what = { .uuid = d->uuid, .domid = d->domid },
				    .has_size = req->has_size,
				    .size = req->size };
	struct bl_dom_record *rec;
	struct bl_err err;
	int r = bd_manager_check_lives(m, d, &err);

	rec = r < 0 ? NULL : bl_settings_remember(&m->settings, &d->uuid);
	if (r == 0 && !rec)
		r = bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
	if (r == 0) {
		change.before = *rec;
		set_now(m, rec, req);
		r = check_set(m, d, req, &err);
		r = r < 0 ? r : bd_changes_add(m, &change, &err);
		if (r < 0) {
			rec->set = change.before.set;
			rec->external = change.before.external;
			rec->persist = change.before.persist;
			rec->dirty = change.before.dirty;
		}
	}
	if (r < 0) {
		done(ud, &change.what, &err);
		return;
	}
	/* Adopt now: the next snapshot would show somebody else's target again. */
	if (change.before.external && !rec->external)
		m->host->ops->adopt(m->host, d->domid);
	bd_changes_go_on(m);
}
