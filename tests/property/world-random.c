/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/property/world.h"

#include <stdio.h>
#include <string.h>

static bl_uuid uuid_of(uint32_t domid)
{
	bl_uuid u = { { 0xaa } };

	memcpy(&u.b[12], &domid, sizeof(domid));
	return u;
}

static bl_pages random_pages(struct rnd *r)
{
	switch (rnd_below(r, 6)) {
	case 0:
		return BL_PAGES(rnd_below(r, 2000));
	case 1:
		return BL_MIB_PAGES(rnd_below(r, 512));
	default:
		return BL_PAGES(rnd_below(r, UINT64_C(1) << rnd_in(r, 8, 20)));
	}
}

/* A value near p: the same, a bit off, or anywhere. */
static bl_pages near(struct rnd *r, bl_pages p)
{
	switch (rnd_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		return p;
	case 3:
		return bl_pages_add(p, BL_PAGES(rnd_below(r, 300)));
	case 4:
		return bl_pages_sub(p, BL_PAGES(rnd_below(r, 300)));
	case 5:
		return bl_pages_sub(p, BL_PAGES(rnd_below(r, p.n + 1)));
	case 6:
		return bl_pages_add(p, BL_PAGES(rnd_below(r, p.n + 1)));
	default:
		return random_pages(r);
	}
}

static struct bl_bound random_bound(struct rnd *r)
{
	if (rnd_one_in(r, 2))
		return (struct bl_bound){ .pages = random_pages(r) };
	return (struct bl_bound){ .is_percent = true, .percent = (uint32_t)rnd_below(r, 101) };
}

static void settings_random(struct rnd *r, struct bl_settings *s)
{
	bl_settings_init(s);
	s->policy = (enum bl_policy_kind)(rnd_one_in(r, 2) ? 0 : rnd_below(r, 3));
	s->surplus_give = rnd_one_in(r, 4);
	s->dom0_manage = rnd_one_in(r, 2);
	s->dom0_min = random_pages(r);
	if (rnd_one_in(r, 2))
		s->reserve = (struct bl_share){ BL_PAGES(rnd_below(r, 3000)), (uint32_t)rnd_below(r, 5) };
	if (rnd_one_in(r, 2))
		s->threshold = BL_PAGES(rnd_below(r, 5000));
	if (rnd_one_in(r, 2))
		s->headroom = (uint32_t)rnd_below(r, 60);
	if (rnd_one_in(r, 2))
		s->min = random_bound(r);
	if (rnd_one_in(r, 2))
		s->min_with_driver = random_bound(r);
	if (rnd_one_in(r, 8))
		s->mode = BL_MODE_IGNORE;
	if (rnd_one_in(r, 4))
		s->boot_grace = BL_MS(rnd_below(r, 100000));
}

static void random_override(struct rnd *r, struct bl_override *o)
{
	o->has_mode = rnd_one_in(r, 3);
	o->mode = (enum bl_mode)rnd_below(r, 3);
	o->has_min = rnd_one_in(r, 2);
	o->min = random_bound(r);
	o->has_max = rnd_one_in(r, 3);
	o->max = BL_PAGES(1 + random_pages(r).n);
	o->has_weight = rnd_one_in(r, 2);
	o->weight = (uint32_t)rnd_in(r, 1, rnd_one_in(r, 4) ? BL_WEIGHT_MAX : 300);
}

static unsigned random_flags(struct rnd *r)
{
	static const unsigned rare[] = { BL_DOM_DYING,	  BL_DOM_PAUSED,     BL_DOM_MIGRATING,
					 BL_DOM_BUILDING, BL_DOM_NO_BALLOON, BL_DOM_EXTERNAL,
					 BL_DOM_POD };
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
		if (rnd_one_in(r, 20))
			flags |= rare[i];
	if (rnd_one_in(r, 3))
		flags |= BL_DOM_ANNOUNCED;
	if (rnd_one_in(r, 3))
		flags |= BL_DOM_DRIVER;
	return flags;
}

/* What a driver of ours says, the truth or not. */
static void random_driver(struct rnd *r, struct bl_dom *d)
{
	d->tele.has_min = rnd_one_in(r, 2);
	d->tele.min = near(r, rnd_one_in(r, 2) ? d->tot : d->tele.used);
	d->tele.has_max = rnd_one_in(r, 3);
	d->tele.max = near(r, d->tot);
	d->tele.refusal = rnd_one_in(r, 2) ? (enum bl_refusal)rnd_below(r, 4) : BL_REFUSES_NOT;
	d->tele.starved = rnd_one_in(r, 8);
	d->tele.has_oom_kills = rnd_one_in(r, 2);
	d->tele.oom_kills = rnd_below(r, 3);
}

static void random_telemetry(struct rnd *r, struct bl_dom *d, bl_ms now)
{
	d->tele.present = rnd_one_in(r, 2);
	if (!d->tele.present)
		return;
	d->tele.at = bl_ms_since(now, BL_MS(rnd_one_in(r, 4) ? 40000 : rnd_below(r, 31000)));
	d->tele.used = near(r, d->tot); /* and it may lie */
	d->tele.available = near(r, bl_pages_sub(d->tot, d->tele.used));
	d->tele.pressure = rnd_one_in(r, 3) ? (uint32_t)rnd_below(r, 10001) : 0;
	if (rnd_one_in(r, 2))
		random_driver(r, d);
}

static void random_dom(struct rnd *r, struct bl_dom *d, uint32_t domid, bl_ms now)
{
	d->domid = domid;
	d->uuid = uuid_of(domid);
	snprintf(d->name, sizeof(d->name), "g%u", (unsigned)domid);
	d->type = (enum bl_dom_type)rnd_below(r, 3);
	d->flags = random_flags(r);
	d->tot = random_pages(r);
	d->has_target = !rnd_one_in(r, 12);
	if (d->has_target)
		d->target = near(r, d->tot);
	d->max_pages = bl_pages_max(d->tot, rnd_one_in(r, 4) ? random_pages(r)
							     : near(r, bl_pages_max(d->target, d->tot)));
	if (!rnd_one_in(r, 6))
		d->static_max = bl_pages_max(bl_pages_max(d->tot, d->target), near(r, d->max_pages));
	d->has_dyn_min = rnd_one_in(r, 3);
	if (d->has_dyn_min)
		d->dyn_min = bl_pages_sub(d->tot, BL_PAGES(rnd_below(r, d->tot.n + 1)));
	random_telemetry(r, d, now);
	if (d->flags & BL_DOM_BUILDING && rnd_one_in(r, 3))
		d->outstanding = BL_PAGES(rnd_below(r, d->max_pages.n - d->tot.n + 1));
}

/* What people said of it. */
static void random_limits(struct rnd *r, struct bl_settings *s, const struct bl_dom *d)
{
	struct bl_override o = { 0 };

	if (rnd_one_in(r, 3)) {
		struct bl_dom_record *m = bl_settings_remember(s, &d->uuid);

		m->base = rnd_one_in(r, 3) ? BL_PAGES(0) : near(r, d->tot);
		m->external = rnd_one_in(r, 12);
		if (rnd_one_in(r, 3))
			random_override(r, &m->set);
	}
	if (rnd_one_in(r, 6)) {
		char key[BL_UUID_STR];

		bl_uuid_format(&d->uuid, key);
		random_override(r, &o);
		bl_settings_config(s, rnd_one_in(r, 2) ? key : d->name)->limits = o;
	}
}

static void settings_copy_limits(struct bl_settings *s, const struct bl_dom *from, const struct bl_dom *to)
{
	const struct bl_dom_record *m = bl_settings_find(s, &from->uuid);
	const struct bl_config_domain *c;
	char key[BL_UUID_STR];

	if (m) {
		struct bl_dom_record *copy = bl_settings_remember(s, &to->uuid);

		copy->base = m->base;
		copy->external = m->external;
		copy->set = m->set;
	}
	bl_uuid_format(&from->uuid, key);
	HASH_FIND_STR(s->domains, key, c);
	if (c) {
		struct bl_override o = c->limits;

		bl_uuid_format(&to->uuid, key);
		bl_settings_config(s, key)->limits = o;
	}
	HASH_FIND_STR(s->domains, from->name, c);
	if (c) {
		struct bl_override o = c->limits;

		bl_settings_config(s, to->name)->limits = o;
	}
}

static void make_doms(struct world *w, struct rnd *r, uint64_t stream, struct world_drop drop)
{
	size_t n = rnd_one_in(r, 30) ? rnd_below(r, WORLD_DOMS - WORLD_CLAIMS - 2) : rnd_below(r, 9);
	uint32_t domid = 0;
	bool twins = rnd_one_in(r, 3);

	for (size_t i = 0; i < n; i++) {
		struct rnd own = rnd_of_world(stream, i);
		struct bl_dom *d;

		domid += i ? (uint32_t)rnd_in(&own, 1, 3) : 0;
		if (drop.doms >> i & 1)
			continue;
		d = bl_snapshot_add(&w->snap);
		random_dom(&own, d, domid, w->snap.now);
		if (!domid)
			d->flags |= BL_DOM_CONTROL;
		random_limits(&own, &w->settings, d);
		if (twins && i + 1 == n && domid) {
			struct bl_dom *t = bl_snapshot_add(&w->snap);
			struct bl_dom first = w->snap.doms[w->snap.n_doms - 2];

			*t = first;
			t->domid = ++domid;
			t->uuid = uuid_of(domid);
			snprintf(t->name, sizeof(t->name), "g%u", (unsigned)domid);
			settings_copy_limits(&w->settings, &first, t);
			w->twin[0] = first.domid;
			w->twin[1] = domid;
		}
	}
}

static void random_claim(struct rnd *r, struct bl_claim *c, unsigned i, bl_ms now)
{
	*c = (struct bl_claim){
		.handle = world_handle(i),
		.state = (enum bl_claim_state)rnd_below(r, 3),
		.size = BL_PAGES(1 + random_pages(r).n),
		.overhead = BL_PAGES(rnd_below(r, 3000)),
		.node = -1,
		.queue = rnd_one_in(r, 2),
		.created = bl_ms_since(now, BL_MS(rnd_below(r, 60000))),
		.wait_until = BL_MS_NEVER,
		.expires = BL_MS_NEVER,
		.domid = BL_DOMID_NONE,
		.holder = rnd_one_in(r, 2) ? BL_DOMID_NONE : (uint32_t)rnd_below(r, 20),
		.eta = BL_MS_NEVER,
	};
	c->id.b[0] = (uint8_t)(i + 1);
	c->min = rnd_one_in(r, 3) ? BL_PAGES(rnd_in(r, 1, c->size.n)) : c->size;
}

static void make_claims(struct world *w, struct rnd *r, uint64_t stream, struct world_drop drop)
{
	unsigned n = (unsigned)rnd_below(r, WORLD_CLAIMS);
	size_t guests = w->snap.n_doms;
	uint32_t domid = guests ? w->snap.doms[guests - 1].domid : 0;

	for (unsigned i = 0; i < n; i++) {
		struct rnd own = rnd_of_world(stream, 1000 + i);
		struct bl_claim c;

		random_claim(&own, &c, i, w->snap.now);
		if (drop.claims >> i & 1)
			continue;
		if (c.state == BL_CLAIM_BUILDING) {
			struct bl_dom *d = guests ? &w->snap.doms[rnd_below(&own, guests)] : NULL;

			c.domid = d && !rnd_one_in(&own, 8) ? d->domid : 4000;
			if (d && !(d->flags & BL_DOM_CONTROL) && !rnd_one_in(&own, 8)) {
				d->flags |= BL_DOM_BUILDING;
				d->outstanding = bl_pages_min(bl_pages_sub(c.size, d->tot),
							      bl_pages_sub(d->max_pages, d->tot));
			}
		}
		/* its holder: of held ones mostly, of others after a crash */
		if (rnd_one_in(&own, 8) != (c.state == BL_CLAIM_HELD)) {
			struct bl_dom *h = bl_snapshot_add(&w->snap);

			h->domid = ++domid;
			h->uuid = c.handle;
			h->flags = BL_DOM_HOLDER | (rnd_one_in(&own, 2) ? BL_DOM_PAUSED : 0U);
			h->tot = BL_PAGES(rnd_below(&own, 15));
			h->outstanding = rnd_one_in(&own, 8) ? near(&own, c.size) : c.size;
			h->max_pages = c.size;
		}
		bl_ledger_add(&w->ledger, &c);
	}
}

/* What the daemon saw before. */
static void make_history(struct world *w, struct rnd *r)
{
	struct bl_snapshot before = w->snap;
	size_t steps = rnd_below(r, 4);
	bl_ms past = BL_MS(0);

	before.doms = NULL;
	before.cap_doms = 0;
	before.n_doms = 0;
	for (size_t k = 0; k < steps; k++)
		past.n += rnd_one_in(r, 3) ? rnd_below(r, 90000) : rnd_below(r, 3000);
	for (size_t k = 0; k < steps; k++) {
		bl_snapshot_reset(&before);
		before.now = bl_ms_since(w->snap.now, past);
		past.n -= past.n / (steps - k);
		for (size_t i = 0; i < w->snap.n_doms; i++) {
			struct bl_dom *d = bl_snapshot_add(&before);
			struct rnd own = rnd_of_world(r->s, (k + 2) * 1000 + w->snap.doms[i].domid);

			*d = w->snap.doms[i];
			if (d->domid != w->twin[0] && d->domid != w->twin[1] && rnd_one_in(&own, 2)) {
				d->tot = near(&own, d->tot);
				d->target = near(&own, d->target);
				if (rnd_one_in(&own, 10))
					d->uuid.b[1] = 0xff;
			}
		}
		bl_progress_update(&w->progress, &w->settings, &before);
	}
	bl_snapshot_free(&before);
	bl_progress_update(&w->progress, &w->settings, &w->snap);
}

static bl_ms around(struct rnd *r, bl_ms now)
{
	uint64_t by = rnd_below(r, 90000);

	return rnd_one_in(r, 2) ? bl_ms_add(now, BL_MS(by)) : bl_ms_since(now, BL_MS(by));
}

static void scramble(struct bl_track *t, struct rnd *r, bl_ms now)
{
	t->found_at_start = rnd_one_in(r, 2);
	t->first_seen = bl_ms_since(now, BL_MS(rnd_below(r, 90000)));
	t->proven = t->proven || !rnd_one_in(r, 3);
	t->incapable = !t->proven && rnd_one_in(r, 3);
	t->stuck = rnd_one_in(r, 3) ? (unsigned)rnd_below(r, 4) : 0;
	t->flowed_at = bl_ms_since(now, BL_MS(rnd_below(r, rnd_one_in(r, 2) ? 5000 : 90000)));
	if (rnd_one_in(r, 6))
		t->trust = BL_PAGES(BL_PROGRESS_PAGES << rnd_below(r, 6));
	t->ours = rnd_one_in(r, 2);
	t->nudged = rnd_one_in(r, 2) ? BL_MS(0) : bl_ms_since(now, BL_MS(rnd_below(r, 90000)));
	t->moved = bl_ms_since(now, BL_MS(rnd_below(r, 90000)));
	t->told_at = bl_ms_since(now, BL_MS(rnd_below(r, 90000)));
	t->short_by = rnd_one_in(r, 4) ? BL_PAGES(rnd_below(r, 4096)) : BL_PAGES(0);
	t->rose = rnd_one_in(r, 4);
	t->no_give_until = rnd_one_in(r, 3) ? around(r, now) : BL_MS(0);
	t->rate = rnd_one_in(r, 3) ? 0 : rnd_below(r, 200000);
}

static void make_tracks(struct world *w, struct rnd *r)
{
	struct bl_track *t, *next;

	make_history(w, r);
	if (rnd_one_in(r, 2))
		return;
	HASH_ITER(hh, w->progress.tracks, t, next)
	{
		struct rnd own = rnd_of_world(r->s, t->domid == w->twin[1] ? w->twin[0] : t->domid);

		scramble(t, &own, w->snap.now);
	}
}

void world_make(struct world *w, uint64_t seed, uint64_t number, struct world_drop drop)
{
	struct rnd r = rnd_of_world(seed, number);
	uint64_t stream = rnd_next(&r);

	*w = (struct world){ 0 };
	settings_random(&r, &w->settings);
	w->snap.now = BL_MS(rnd_below(&r, UINT64_C(1) << rnd_in(&r, 10, 30)));
	w->snap.free = rnd_one_in(&r, 8) ? BL_PAGES(0) : random_pages(&r);
	w->snap.store_stale = rnd_one_in(&r, 30);
	w->paused = rnd_one_in(&r, 30);
	make_doms(w, &r, stream, drop);
	make_claims(w, &r, stream, drop);
	w->snap.total = bl_pages_add(w->snap.free, BL_PAGES(rnd_below(&r, 5000)));
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		w->snap.total = bl_pages_add(w->snap.total, w->snap.doms[i].tot);
		w->snap.outstanding = bl_pages_add(w->snap.outstanding, w->snap.doms[i].outstanding);
	}
	make_tracks(w, &r);
	if (rnd_one_in(&r, 3)) {
		w->warm = random_pages(&r);
		w->warm_until = around(&r, w->snap.now);
	}
}
