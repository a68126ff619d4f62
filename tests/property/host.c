/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/property/host.h"

#include <inttypes.h>
#include <string.h>

/* As the daemon's. */
#define TICK_FAST_MS 20
#define TICK_MOVING_MS 50
#define TICK_WAITING_MS 1000

bool guest_behaves(const struct guest *g)
{
	return g->manner == NORMAL || g->manner == FORGETFUL;
}

const struct guest *host_guest(const struct host *h, uint32_t domid)
{
	for (size_t i = 0; i < h->n_guests; i++)
		if (h->guests[i].domid == domid)
			return &h->guests[i];
	return NULL;
}

struct bl_dom *host_dom(struct host *h, uint32_t domid)
{
	for (size_t i = 0; i < h->w.snap.n_doms; i++)
		if (h->w.snap.doms[i].domid == domid)
			return &h->w.snap.doms[i];
	return NULL;
}

/* ---- making one ---- */

static void random_settings(struct rnd *r, struct bl_settings *s)
{
	bl_settings_init(s);
	s->policy = rnd_one_in(r, 2) ? BL_POLICY_DEMAND : (enum bl_policy_kind)rnd_below(r, 3);
	s->surplus_give = rnd_one_in(r, 4);
	s->reserve = (struct bl_share){ BL_PAGES(rnd_below(r, 5000)), (uint32_t)rnd_below(r, 3) };
	if (rnd_one_in(r, 2))
		s->threshold = BL_PAGES(rnd_in(r, 256, 5000));
	s->min = (struct bl_bound){ .is_percent = true, .percent = (uint32_t)rnd_in(r, 20, 100) };
}

static void random_guest(struct host *h, struct rnd *r, uint32_t domid)
{
	struct bl_settings *s = &h->w.settings;
	struct bl_dom *d = bl_snapshot_add(&h->w.snap);
	struct guest *g = &h->guests[h->n_guests++];
	uint64_t size = rnd_in(r, 20, 1000) * BL_PAGES_PER_MIB + (rnd_one_in(r, 2) ? rnd_below(r, 256) : 0);
	struct bl_dom_record *m;

	*g = (struct guest){ .domid = domid, .rate = rnd_in(r, size / 30 + 1000, size + 100000) };
	if (rnd_one_in(r, 3))
		g->manner = (enum manner)rnd_in(r, FORGETFUL, GAVE_UP);
	g->floor = rnd_below(r, size);
	*d = (struct bl_dom){ .domid = domid,
			      .flags = rnd_one_in(r, 3) ? 0U : BL_DOM_ANNOUNCED,
			      .has_target = true,
			      .tot = BL_PAGES(size),
			      .target = BL_PAGES(size),
			      .max_pages = BL_PAGES(size),
			      .static_max = BL_PAGES(size + (rnd_one_in(r, 2) ? rnd_below(r, size) : 0)) };
	snprintf(d->name, sizeof(d->name), "g%u", (unsigned)domid);
	d->uuid.b[0] = 0xaa;
	d->uuid.b[15] = (uint8_t)domid;
	m = bl_settings_remember(s, &d->uuid);
	m->base = bl_pages_min(d->static_max, BL_PAGES(size + (rnd_one_in(r, 2) ? rnd_below(r, size) : 0)));
	if (rnd_one_in(r, 4)) {
		m->set.has_weight = true;
		m->set.weight = (uint32_t)rnd_in(r, 1, 300);
	}
	d->tele.present = rnd_one_in(r, 2);
	d->tele.used = BL_PAGES(size / 10 + rnd_below(r, size));
	g->tells = g->manner == FLOOR && d->tele.present && !rnd_one_in(r, 3);
	g->tells_min = g->tells && rnd_one_in(r, 2);
}

void host_make(struct host *h, uint64_t seed, uint64_t number, uint64_t drop)
{
	struct rnd r = rnd_of_world(seed, number);
	uint64_t stream = rnd_next(&r);
	size_t n = rnd_in(&r, 1, HOST_GUESTS);
	bool all_behave = rnd_one_in(&r, 2);
	uint64_t tot = 0;

	*h = (struct host){ .r = { stream }, .next_domid = 100 };
	random_settings(&r, &h->w.settings);
	h->flaky = rnd_one_in(&r, 4);
	h->w.snap.now = BL_MS(rnd_in(&r, 1000000, 2000000));
	h->w.snap.free = BL_PAGES(rnd_one_in(&r, 4) ? 0 : rnd_below(&r, 200000));
	for (size_t i = 0; i < n; i++) {
		struct rnd own = rnd_of_world(stream, i);

		if (drop >> i & 1)
			continue;
		random_guest(h, &own, (uint32_t)i + 1);
		/* where a limit may fail to follow nobody must be forgetful */
		if (all_behave || (h->flaky && h->guests[h->n_guests - 1].manner == FORGETFUL))
			h->guests[h->n_guests - 1].manner = NORMAL;
		tot += h->w.snap.doms[h->w.snap.n_doms - 1].tot.n;
	}
	h->w.snap.total = BL_PAGES(h->w.snap.free.n + tot + 1000);
}

void host_free(struct host *h)
{
	bl_plan_free(&h->plan);
	world_free(&h->w);
}

/* ---- time passes ---- */

static uint64_t unclaimed(const struct host *h)
{
	return bl_pages_sub(h->w.snap.free, h->w.snap.outstanding).n;
}

static uint64_t wanted(const struct host *h, const struct guest *g, const struct bl_dom *d)
{
	uint64_t to = d->target.n;

	if (g->manner == STUCK || (g->manner == GAVE_UP && h->w.snap.now.n >= g->awake_until))
		return d->tot.n;
	if (g->manner == FORGETFUL && d->tot.n <= d->target.n)
		to = d->max_pages.n;
	if (g->manner == FLOOR && to < g->floor)
		to = d->tot.n < g->floor ? d->tot.n : g->floor;
	return to;
}

static void guest_lives(struct host *h, struct guest *g, uint64_t ms)
{
	struct bl_dom *d = host_dom(h, g->domid);
	uint64_t to = wanted(h, g, d), rate = g->manner == DRIBBLE && to < d->tot.n ? 3 : g->rate;
	uint64_t step, want;

	if (to > d->max_pages.n && to > d->tot.n)
		to = bl_pages_max(d->max_pages, d->tot).n;
	want = to > d->tot.n ? to - d->tot.n : d->tot.n - to;
	g->credit = want ? g->credit + rate * ms : 0;
	step = g->credit / 1000 < want ? g->credit / 1000 : want;
	g->credit -= step * 1000;
	if (to > d->tot.n) {
		uint64_t got = step < unclaimed(h) ? step : unclaimed(h);

		if (d->target.n >= d->tot.n + step)
			h->refused += step - got;
		d->tot.n += got;
		h->w.snap.free.n -= got;
	} else {
		d->tot.n -= step;
		h->w.snap.free.n += step;
	}
}

static void guest_reports(struct host *h, const struct guest *g)
{
	struct bl_dom *d = host_dom(h, g->domid);

	d->tele.refusal = BL_REFUSES_NOT;
	d->tele.has_min = g->tells_min;
	d->tele.min = BL_PAGES(g->tells_min ? g->floor : 0);
	if (g->tells && d->target.n < d->tot.n && wanted(h, g, d) == d->tot.n)
		d->tele.refusal = g->tells_min ? BL_REFUSES_MIN : BL_REFUSES_PRESSURE;
}

static void pass(struct host *h, uint64_t ms)
{
	for (size_t i = 0; i < h->n_guests; i++) {
		guest_lives(h, &h->guests[i], ms);
		guest_reports(h, &h->guests[i]);
	}
	h->w.snap.now.n += ms;
	for (size_t i = 0; i < h->w.snap.n_doms; i++)
		h->w.snap.doms[i].tele.at = h->w.snap.now;
}

/* ---- the manager ---- */

static void stake(struct host *h, struct bl_claim *c, bl_pages pages)
{
	struct bl_dom *d;

	if (pages.n + BL_HOLDER_PAGES.n > unclaimed(h))
		return;
	d = bl_snapshot_add(&h->w.snap);
	d->tot = BL_HOLDER_PAGES;
	h->w.snap.free = bl_pages_sub(h->w.snap.free, d->tot);
	d->domid = h->next_domid++;
	d->flags = BL_DOM_HOLDER;
	d->uuid = c->handle;
	d->outstanding = d->max_pages = pages;
	h->w.snap.outstanding = bl_pages_add(h->w.snap.outstanding, pages);
	c->state = BL_CLAIM_HELD;
	c->size = c->min = pages;
}

static void tell(struct host *h, struct guest *g, const struct bl_action *a)
{
	struct bl_dom *d = host_dom(h, a->domid);
	struct bl_track *t = bl_progress_find(&h->w.progress, a->domid);

	if (h->verbose && a->kind != BL_ACT_MAXMEM && h->lines++ < 150)
		printf("# %8" PRIu64 " %s %u %" PRIu64 " (tot %" PRIu64 " target %" PRIu64 " max %" PRIu64
		       ") why %d balance %" PRId64 "\n",
		       h->w.snap.now.n,
		       a->kind == BL_ACT_MAXMEM	  ? "maxmem"
		       : a->kind == BL_ACT_TARGET ? "target"
						  : "nudge",
		       (unsigned)a->domid, a->pages.n, d->tot.n, d->target.n, d->max_pages.n, (int)a->why,
		       h->plan.balance);
	if (guest_behaves(g))
		h->last_act = h->w.snap.now.n;
	if (a->kind == BL_ACT_MAXMEM) {
		d->max_pages = a->pages;
		return;
	}
	g->awake_until = h->w.snap.now.n + 3000;
	if (a->kind == BL_ACT_NUDGE) {
		t->nudged = h->w.snap.now;
	} else {
		int direction = a->pages.n > d->target.n ? 1 : -1;

		g->turns += g->direction && g->direction != direction;
		g->direction = direction;
		t->ours = true;
		d->target = a->pages;
	}
}

static void apply(struct host *h)
{
	uint32_t failed = BL_DOMID_NONE;

	for (size_t i = 0; i < h->plan.n_actions; i++) {
		const struct bl_action *a = &h->plan.actions[i];

		if (h->flaky && rnd_one_in(&h->r, 4))
			failed = a->domid;
		else if (a->kind == BL_ACT_STAKE)
			stake(h, a->claim, a->pages);
		else if (a->domid != failed)
			tell(h, &h->guests[host_guest(h, a->domid) - h->guests], a);
	}
}

const char *host_tick(struct host *h, const char *(*look)(struct host *h))
{
	struct bl_plan_in in = world_in(&h->w);
	const char *why;

	if (bl_progress_update(&h->w.progress, &h->w.settings, &h->w.snap) || bl_plan_make(&h->plan, &in))
		return "no plan";
	why = look(h);
	if (why)
		return why;
	apply(h);
	if (h->plan.moving)
		pass(h, h->plan.n_actions ? TICK_FAST_MS : TICK_MOVING_MS);
	else
		pass(h, h->plan.waiting ? TICK_WAITING_MS : h->w.settings.tick.n);
	return NULL;
}

struct bl_claim *host_claim(struct host *h, uint64_t size, uint64_t overhead)
{
	struct bl_claim c = {
		.handle = world_handle((unsigned)h->w.ledger.n),
		.state = BL_CLAIM_RECLAIMING,
		.size = BL_PAGES(size),
		.min = BL_PAGES(size),
		.overhead = BL_PAGES(overhead),
		.node = -1,
		.created = h->w.snap.now,
		.wait_until = BL_MS_NEVER,
		.expires = BL_MS_NEVER,
		.domid = BL_DOMID_NONE,
		.holder = BL_DOMID_NONE,
	};

	c.handle.b[14] = (uint8_t)h->next_domid;
	return bl_ledger_add(&h->w.ledger, &c);
}

void host_release(struct host *h, struct bl_claim *c)
{
	struct bl_snapshot *s = &h->w.snap;

	for (size_t i = 0; i < s->n_doms; i++)
		if (s->doms[i].flags & BL_DOM_HOLDER && bl_uuid_equal(&s->doms[i].uuid, &c->handle)) {
			s->outstanding = bl_pages_sub(s->outstanding, s->doms[i].outstanding);
			s->free = bl_pages_add(s->free, s->doms[i].tot);
			memmove(&s->doms[i], &s->doms[i + 1], (s->n_doms - i - 1) * sizeof(*s->doms));
			s->n_doms--;
			break;
		}
	bl_ledger_remove(&h->w.ledger, c);
}
