/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host as balloond sees and controls it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/sim/world.h"

#define REPORT_MS 1000 /* a guest driver reports once a second */

/* ---- Snapshots ---------------------------------------------------------------- */

/* Linux's PSI in hundredths of a percent: 0 while the guest has a twentieth more than it uses,
 * nearly all when it has less than it uses. */
static uint32_t pressure(uint64_t tot, uint64_t used)
{
	uint64_t spare = bl_sim_sat(tot, used), calm = used / 20 + 1;

	if (spare >= calm)
		return 0;
	if (spare)
		return (uint32_t)(2000 - 2000 * spare / calm);
	return (uint32_t)(2000 + 8000 * (used - tot) / (used + 1));
}

/* As a broken or hostile reporter: writes something else every second. */
static void report_nonsense(const struct bl_sim *s, const struct bl_sim_dom *d, uint64_t tot,
			    struct bl_telemetry *t)
{
	static const uint64_t absurd = UINT64_C(1) << 40;
	uint64_t h = bl_sim_hash(s->w->seed, d->domid, t->at.n / REPORT_MS);

	t->pressure = (uint32_t)(h >> 8) % 10001;
	t->refusal = (enum bl_refusal)(h >> 32 & 3);
	t->has_min = h >> 34 & 1;
	t->min = BL_PAGES(h >> 35 & 1 ? absurd : tot);
	switch (h % 4) {
	case 0:
		t->used = BL_PAGES(absurd);
		break;
	case 1:
		t->available = BL_PAGES(absurd);
		break;
	case 2:
		t->used = BL_PAGES(absurd);
		t->available = BL_PAGES(absurd);
		break;
	default:
		t->used = BL_PAGES(h % (2 * tot + 1));
		break;
	}
}

static void report_refusal(const struct bl_sim *s, const struct bl_sim_dom *d, struct bl_telemetry *t)
{
	bool own = d->manner == BL_SIM_OWN_MIN;

	t->has_min = own;
	t->min = BL_PAGES(own ? d->floor : 0);
	if (bl_sim_refuses(s, d))
		t->refusal = own ? BL_REFUSES_MIN : BL_REFUSES_PRESSURE;
}

static struct bl_telemetry report(const struct bl_sim *s, const struct bl_sim_dom *d, uint64_t tot)
{
	uint64_t age = (s->w->now - d->born) % REPORT_MS, used = d->used;
	struct bl_telemetry t = { .at = BL_MS(s->w->now - age) };

	if (d->telemetry == BL_SIM_SILENT) {
		if (!d->silent_since)
			return t;
		t.at = BL_MS(d->silent_since);
		used = d->silent_used;
		tot = d->silent_tot;
	}
	t.present = true;
	if (d->telemetry == BL_SIM_LIES) {
		report_nonsense(s, d, tot, &t);
		return t;
	}
	t.used = BL_PAGES(used);
	t.available = BL_PAGES(bl_sim_sat(tot, used));
	t.pressure = pressure(tot, used);
	if (d->telemetry != BL_SIM_SILENT)
		report_refusal(s, d, &t);
	return t;
}

/* Somebody else controls a balloon if its target is neither the target at first sight nor the
 * last one written from here. */
static bool is_external(struct bl_sim *s, const struct bl_sim_dom *d)
{
	struct bl_sim_seen *seen = &s->seen[bl_sim_slot(s, d)];

	if (!d->has_target || d->phase != BL_SIM_RUNNING)
		return false;
	if (!seen->known || seen->domid != d->domid)
		*seen = (struct bl_sim_seen){ true, false, (uint32_t)d->domid, d->target };
	if (seen->target != d->target)
		seen->external = true;
	return seen->external;
}

static uint64_t add_offset(uint64_t n, int64_t offset)
{
	return offset < 0 ? bl_sim_sat(n, (uint64_t)-offset) : n + (uint64_t)offset;
}

static unsigned flags_of(struct bl_sim *s, const struct bl_sim_dom *d)
{
	unsigned f = 0;

	if (!d->domid)
		f |= BL_DOM_CONTROL;
	if (bl_handle_is_ours(&d->uuid))
		return f | BL_DOM_HOLDER;
	if (d->phase == BL_SIM_DYING)
		f |= BL_DOM_DYING;
	if (d->reboots)
		f |= BL_DOM_REBOOTING;
	if (d->phase == BL_SIM_EMPTY || d->phase == BL_SIM_BUILDING)
		f |= BL_DOM_BUILDING;
	if (d->paused)
		f |= BL_DOM_PAUSED;
	if (d->migrating)
		f |= BL_DOM_MIGRATING;
	if (d->domid && d->manner != BL_SIM_NODRIVER && d->telemetry != BL_SIM_SILENT &&
	    d->phase == BL_SIM_RUNNING)
		f |= BL_DOM_ANNOUNCED | BL_DOM_DRIVER;
	if (is_external(s, d))
		f |= BL_DOM_EXTERNAL;
	return f;
}

static void fill_dom(struct bl_sim *s, const struct bl_sim_dom *d, struct bl_dom *out)
{
	uint64_t tot = bl_sim_tot(s, d);

	out->domid = (uint32_t)d->domid;
	out->uuid = d->uuid;
	memcpy(out->name, d->name, sizeof(out->name));
	out->type = (enum bl_dom_type)d->type;
	out->flags = flags_of(s, d);
	out->tot = BL_PAGES(tot);
	out->max_pages = BL_PAGES(d->max_pages);
	out->outstanding = BL_PAGES(d->outstanding);
	out->static_max = BL_PAGES(d->static_max);
	out->has_target = d->has_target && d->phase == BL_SIM_RUNNING;
	if (out->has_target)
		out->target = BL_PAGES(add_offset(d->target, d->offset));
	out->has_dyn_min = d->has_min;
	out->dyn_min = BL_PAGES(d->min);
	if (d->manner != BL_SIM_NODRIVER && d->phase == BL_SIM_RUNNING)
		out->tele = report(s, d, tot);
}

int bl_sim_snapshot(struct bl_sim *s, struct bl_snapshot *snap)
{
	bl_snapshot_reset(snap);
	snap->now = BL_MS(s->w->now);
	snap->total = BL_PAGES(s->total);
	snap->free = BL_PAGES(s->free);
	snap->outstanding = BL_PAGES(s->outstanding);
	snap->pool = BL_PAGES(s->w->pool);
	snap->n_nodes = s->w->n_nodes;
	for (unsigned i = 0; i < s->w->n_nodes; i++)
		snap->nodes[i] = (struct bl_node){ .node = i,
						   .total = BL_PAGES(s->w->node_total[i]),
						   .free = BL_PAGES(s->node_free[i]) };
	for (uint32_t id = 0; id <= s->top_domid; id++) {
		const struct bl_sim_dom *d = bl_sim_find(s, id);
		struct bl_dom *out = d ? bl_snapshot_add(snap) : NULL;

		if (d && !out)
			return -ENOMEM;
		if (d)
			fill_dom(s, d, out);
	}
	return 0;
}

/* ---- Actions ------------------------------------------------------------------ */

static void steer(struct bl_sim *s, struct bl_sim_dom *d, uint64_t pages)
{
	struct bl_sim_seen *seen = &s->seen[bl_sim_slot(s, d)];
	bool was = is_external(s, d);

	bl_sim_write_target(s, d, add_offset(pages, -d->offset));
	*seen = (struct bl_sim_seen){ true, was, (uint32_t)d->domid, d->target };
}

int bl_sim_apply(struct bl_sim *s, const struct bl_action *a, struct bl_err *reterr)
{
	struct bl_sim_dom *d = bl_sim_find(s, a->domid);

	if (!d || d->phase == BL_SIM_DYING)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domain %u is gone", a->domid);
	if (a->kind == BL_ACT_MAXMEM)
		return bl_sim_setmaxmem(s, a->domid, a->pages);
	if ((a->kind != BL_ACT_TARGET && a->kind != BL_ACT_NUDGE) || !d->has_target)
		return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND, "domain %u has no target", a->domid);
	/* Writing the same value again would wake no driver. */
	if (a->kind == BL_ACT_NUDGE || d->target == add_offset(a->pages.n, -d->offset))
		steer(s, d, bl_sim_sat(a->pages.n, 1));
	steer(s, d, a->pages.n);
	return 0;
}

static struct bl_sim_dom *holder_of(struct bl_sim *s, uint32_t domid, const bl_uuid *handle)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	return d && bl_handle_is_ours(handle) && bl_uuid_equal(&d->uuid, handle) ? d : NULL;
}

static int no_room(const struct bl_sim *s, bl_pages pages, struct bl_err *reterr)
{
	char want[BL_SIZE_STR], left[BL_SIZE_STR];

	return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
			  "the hypervisor refuses a claim of %s: %s is free and not claimed",
			  bl_pages_format(pages, want),
			  bl_pages_format(BL_PAGES(bl_sim_unclaimed(s)), left));
}

int bl_sim_stake(struct bl_sim *s, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		 uint32_t *ret_domid, struct bl_err *reterr)
{
	char text[BL_UUID_STR];
	struct bl_sim_dom *d;
	uint32_t domid;
	int r;

	if (node >= 0)
		return bl_err_set(reterr, EOPNOTSUPP, BL_ERR_UNSUPPORTED,
				  "this hypervisor cannot claim memory of one node");
	r = bl_sim_domain_create(s, handle, &domid);
	if (r == -ENOMEM)
		return no_room(s, pages, reterr);
	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "no holder domain can be made");
	d = bl_sim_find(s, domid);
	bl_uuid_format(id, text);
	bl_sim_begin(s, d);
	snprintf(d->name, sizeof(d->name), "balloond-claim-%s", text);
	d->max_pages = pages.n;
	r = bl_sim_claim_of(s, d, pages.n);
	bl_sim_commit(s);
	if (r) {
		bl_sim_kill(s, d);
		return r == -ENOMEM
			       ? no_room(s, pages, reterr)
			       : bl_err_set(reterr, -r, BL_ERR_BACKEND, "the hypervisor refuses that claim");
	}
	*ret_domid = domid;
	return 0;
}

int bl_sim_unstake(struct bl_sim *s, uint32_t holder, const bl_uuid *handle)
{
	struct bl_sim_dom *d = holder_of(s, holder, handle);

	return d ? bl_sim_kill(s, d) : -ENOENT;
}

int bl_sim_transfer(struct bl_sim *s, uint32_t holder, const bl_uuid *handle, uint32_t domid, bl_pages pages,
		    struct bl_err *reterr)
{
	struct bl_sim_dom *from = holder_of(s, holder, handle), *to = bl_sim_find(s, domid);
	uint64_t back = 0;
	int r;

	if (!from && holder != BL_DOMID_NONE)
		return bl_err_set(reterr, ENOENT, BL_ERR_NO_SUCH_CLAIM, "the claim's holder is gone");
	if (!to || to->phase == BL_SIM_DYING)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no domain %u", domid);
	bl_sim_touch(s);
	if (from) {
		back = from->outstanding;
		bl_sim_claim_of(s, from, 0);
	}
	r = bl_sim_claim_of(s, to, pages.n);
	if (r && back)
		bl_sim_claim_of(s, from, back);
	if (r == -ENOMEM)
		return no_room(s, pages, reterr);
	if (r)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "the hypervisor refuses the claim of domain %u", domid);
	if (from)
		bl_sim_kill(s, from);
	return 0;
}

int bl_sim_cancel(struct bl_sim *s, uint32_t domid)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (!d)
		return -ESRCH;
	bl_sim_touch(s);
	return bl_sim_claim_of(s, d, 0);
}

void bl_sim_adopt(struct bl_sim *s, uint32_t domid)
{
	const struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (d)
		s->seen[bl_sim_slot(s, d)].known = false;
}
