/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot: two or three hypercalls, joined with what xenstore told. */
#include <errno.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/xen/xen.h"

/* LIBXL_MAXMEM_CONSTANT of libxl: what libxl allows a domain above its size. */
#define TOOLSTACK_SLACK BL_MIB_PAGES(1)
/* The least time between queries of the nodes, and between scans of the processes. */
#define NODES_EVERY BL_MS(1000)
#define SAVING_EVERY BL_MS(1000)
/* How late xenstored's answer may be before xenstored counts as silent. */
#define SILENT_AFTER BL_MS(2000)

static bl_pages kib_pages(uint64_t kib)
{
	return bl_pages_from_kib_floor(BL_KIB(kib));
}

/* libxl sets maxmem to the target plus video memory plus 1 MiB. maxmem is above the domain's
 * pages by that much, less the offset. */
bl_pages bd_xen_slack(const struct bd_xen_guest *g)
{
	if (g->domid == 0)
		return BL_PAGES(0);
	if (!g->offset.known)
		return TOOLSTACK_SLACK;
	return bd_xen_offset_sub(&g->offset, bl_pages_add(kib_pages(g->videoram), TOOLSTACK_SLACK));
}

/* The target of a guest that nobody has shrunk, without the offset. */
static bl_pages full_target(const struct bd_xen_guest *g)
{
	return bl_pages_sub(kib_pages(g->static_max), kib_pages(g->videoram));
}

static bool is_building(struct bd_xen_guest *g, const struct bd_xen_info *i)
{
	if (i->domid == 0 || i->dying || i->shutdown)
		return false;
	if (!g->loaded)
		return true;
	if (g->introduced && !(i->paused && !i->ran))
		return false;
	g->seen_built = true;
	return true;
}

/* Populate-on-demand promises more pages than the domain has, until the balloon has given back
 * the difference. */
static bool is_pod_open(struct bd_host_xen *x, struct bd_xen_guest *g)
{
	bl_pages entries, cache;

	if (g->pod_covered)
		return false;
	if (bd_xen_call_pod(x->call, g->domid, &entries, &cache) == 0 && entries.n > cache.n)
		return true;
	g->pod_covered = true;
	return false;
}

/* The hypervisor calls a domain dying only when all of it that can go is gone, which takes time
 * for a large domain. Before that libxl pauses the domain and removes it from xenstore. */
static bool is_dying(const struct bd_xen_guest *g, const struct bd_xen_info *i)
{
	return i->dying || (!i->suspended && (i->shutdown || (g->removed && i->paused)));
}

static unsigned flags_of(struct bd_host_xen *x, struct bd_xen_guest *g, const struct bd_xen_info *i)
{
	unsigned f = 0;

	if (i->domid == 0)
		f |= BL_DOM_CONTROL;
	if (!g->loaded && !g->holder)
		f |= BL_DOM_UNREAD;
	if (is_dying(g, i))
		f |= BL_DOM_DYING;
	if (i->rebooting)
		f |= BL_DOM_REBOOTING;
	if (i->crashed)
		f |= BL_DOM_CRASHED;
	if (i->suspended || (!g->holder && bd_xen_saving_has(&x->saving, i->domid)))
		f |= BL_DOM_MIGRATING;
	if (g->holder)
		/* A holder cannot shut down: somebody who asks it to wants the claim released. */
		return f | BL_DOM_HOLDER | (g->asked_down ? BL_DOM_DYING : 0);
	g->being_built = is_building(g, i);
	if (g->being_built)
		f |= BL_DOM_BUILDING;
	else if (i->paused)
		f |= BL_DOM_PAUSED;
	if (i->xenstore || g->stubdom)
		f |= BL_DOM_NO_BALLOON;
	if (g->announced)
		f |= BL_DOM_ANNOUNCED;
	if (g->external)
		f |= BL_DOM_EXTERNAL;
	if (g->restored)
		f |= BL_DOM_RESTORED;
	if (i->type != BL_DOM_PV && !(f & (BL_DOM_DYING | BL_DOM_BUILDING)) && is_pod_open(x, g))
		f |= BL_DOM_POD;
	return f;
}

static void observe_offset(struct bd_xen_guest *g, const struct bd_xen_info *i, unsigned flags, bl_ms now)
{
	const unsigned unfit = BL_DOM_DYING | BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING |
			       BL_DOM_POD | BL_DOM_HOLDER;
	bl_pages target = kib_pages(g->target.kib);

	if (i->type == BL_DOM_PV || flags & unfit || !g->target.present || g->target.wanted)
		return;
	bd_xen_offset_observe(&g->offset, i->tot, target, kib_pages(g->videoram),
			      g->seen_built || target.n == full_target(g).n, now);
}

/* dom0 has no memory/target until somebody writes one: until then its pages are its target. Its
 * limit is the hypervisor's, unless a toolstack wrote one. */
static void fill_dom0(struct bd_xen_guest *g, const struct bd_xen_info *i, const struct bl_snapshot *s,
		      struct bl_dom *d)
{
	d->has_target = g->offset.known;
	d->target = g->target.present || g->target.wanted ? kib_pages(bd_xen_target_kib(&g->target))
							  : i->tot;
	d->static_max = bl_pages_min(i->max, s->total);
	if (g->has_static_max)
		d->static_max = bl_pages_min(d->static_max, kib_pages(g->static_max));
	d->static_max = bl_pages_max(d->static_max, i->tot);
	/* dom0's limit is never lowered: see apply_maxmem(). */
	if (g->asked_max.n)
		d->max_pages = bl_pages_min(d->max_pages, g->asked_max);
}

static void fill_sizes(struct bd_xen_guest *g, struct bl_dom *d)
{
	const struct bd_xen_offset *o = &g->offset;

	d->has_target = g->target.present && o->known;
	if (!o->known)
		return;
	if (d->has_target)
		d->target = bd_xen_offset_add(o, kib_pages(bd_xen_target_kib(&g->target)));
	if (g->has_static_max)
		d->static_max = bd_xen_offset_add(o, full_target(g));
	if (g->has_dyn_min) {
		d->has_dyn_min = true;
		d->dyn_min = bd_xen_offset_add(o, kib_pages(g->dyn_min));
	}
}

static void fill_telemetry(struct bd_xen_guest *g, struct bl_dom *d)
{
	bool driver;

	if (!bd_xen_tele_get(&g->tele, d->tot, bl_pages_max(d->tot, d->static_max), g->still_since,
			     &g->offset, &d->tele, &driver)) {
		if (!g->complained)
			bd_log(LOG_NOTICE,
			       "domain %u (%s): it reports more memory than it "
			       "has, which is ignored",
			       g->domid, g->name);
		g->complained = true;
		return;
	}
	if (driver)
		d->flags |= BL_DOM_DRIVER;
}

static void fill(struct bd_host_xen *x, struct bl_snapshot *s, struct bd_xen_guest *g,
		 const struct bd_xen_info *i, struct bl_dom *d)
{
	d->domid = i->domid;
	d->uuid = i->handle;
	d->type = i->type;
	d->flags = flags_of(x, g, i);
	d->tot = i->tot;
	d->max_pages = g->holder ? i->max : bl_pages_sub(i->max, bd_xen_slack(g));
	d->outstanding = i->outstanding;
	memcpy(d->name, g->name, sizeof(d->name));
	if (g->holder)
		return;
	observe_offset(g, i, d->flags, s->now);
	if (i->domid == 0)
		fill_dom0(g, i, s, d);
	else
		fill_sizes(g, d);
	if (g->tot.n != d->tot.n || (d->has_target && d->target.n != d->tot.n))
		g->still_since = s->now;
	g->tot = i->tot;
	g->max = i->max;
	fill_telemetry(g, d);
}

static int fill_pool(struct bd_host_xen *x, struct bl_snapshot *s)
{
	struct bd_xen_pool pool;
	int r;

	if (!x->host.pool)
		return 0;
	r = bd_xen_call_pool(x->call, &pool);
	if (r < 0)
		return r;
	s->pool = pool.any;
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct bl_node *n = &s->nodes[i];

		if (n->node >= BL_NODES_MAX)
			continue;
		n->claimed = pool.nodes[n->node].claimed;
		n->pool = pool.nodes[n->node].pool;
	}
	return 0;
}

static int fill_host(struct bd_host_xen *x, struct bl_snapshot *s)
{
	struct bd_xen_host host;
	int r = bd_xen_call_host(x->call, &host);

	if (r < 0)
		return r;
	s->total = host.total;
	s->free = host.free;
	s->outstanding = host.outstanding;
	if (host.n_nodes <= 1) {
		s->n_nodes = 1;
		s->nodes[0] = (struct bl_node){ .total = host.total, .free = host.free };
		return fill_pool(x, s);
	}
	if (x->n_nodes == 0 || bl_ms_since(s->now, x->nodes_at).n >= NODES_EVERY.n) {
		r = bd_xen_call_nodes(x->call, x->nodes, &x->n_nodes);
		if (r < 0)
			return r;
		x->nodes_at = s->now;
	}
	s->n_nodes = x->n_nodes;
	memcpy(s->nodes, x->nodes, x->n_nodes * sizeof(*x->nodes));
	return fill_pool(x, s);
}

/* While a domain is being saved, or nobody can tell, checks whether that has ended. */
static void check_saving(struct bd_host_xen *x, bl_ms now)
{
	x->saving_checked = false;
	if ((!x->saving.any && !x->saving.doubt) ||
	    bl_ms_since(now, x->saving_checked_at).n < SAVING_EVERY.n)
		return;
	bd_xen_saving_refresh(&x->saving);
	x->saving_checked_at = now;
}

/* An offset may be known soon: makes a tick come then. */
static void hasten_tick_for_offset(struct bd_host_xen *x, bl_ms now)
{
	struct bd_xen_guest *g, *next;

	if (bd_clock_timer_pending(x->offset_timer))
		return;
	HASH_ITER(hh, x->guests.table, g, next)
	{
		if (bd_xen_offset_soon(&g->offset, now)) {
			(void)bd_clock_timer_set(x->offset_timer, BD_XEN_OFFSET_STILL);
			return;
		}
	}
}

int bd_xen_snapshot(struct bd_host *h, struct bl_snapshot *s)
{
	struct bd_host_xen *x = (struct bd_host_xen *)h;
	const struct bd_xen_info *infos;
	bl_ms since = bd_store_silent(x->store);
	size_t n;
	int r;

	bl_snapshot_reset(s);
	s->now = bd_clock_now();
	s->store_stale = since.n && bl_ms_since(s->now, since).n > SILENT_AFTER.n;
	r = fill_host(x, s);
	if (r == 0)
		r = bd_xen_call_list(x->call, &infos, &n);
	if (r == 0)
		r = bd_xen_guests_sync(&x->guests, infos, n);
	if (r < 0)
		return r;
	check_saving(x, s->now);
	for (size_t i = 0; i < n; i++) {
		struct bd_xen_guest *g = bd_xen_guests_find(&x->guests, infos[i].domid);
		struct bl_dom *d;

		if (g->holder && infos[i].dying)
			continue; /* a dying holder holds nothing */
		d = bl_snapshot_add(s);
		if (!d)
			return -ENOMEM;
		fill(x, s, g, &infos[i], d);
	}
	bd_xen_guests_poll(&x->guests, s->now);
	hasten_tick_for_offset(x, s->now);
	bd_xen_build_schedule(x);
	return 0;
}
