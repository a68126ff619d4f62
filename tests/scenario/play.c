/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/play.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAST_MS 20
#define MOVING_MS 50
#define WAITING_MS 1000

static struct bl_plan_in plan_in(struct play *p)
{
	return world_in(&p->w);
}

static void broken(struct play *p, const char *rule, const char *how)
{
	if (p->broken)
		return;
	p->broken = true;
	snprintf(p->what, sizeof(p->what), "%.60s: %.380s, %" PRIu64 ".%03" PRIu64 " s after the start",
		 rule, how, (p->w.snap.now.n - BL_SIM_EPOCH_MS) / 1000, p->w.snap.now.n % 1000);
}

/* ---- Claims ------------------------------------------------------------------- */

struct told *play_told(struct play *p, const char *name)
{
	for (size_t i = 0; i < p->n_told; i++)
		if (!strcmp(p->told[i].name, name))
			return &p->told[i];
	return NULL;
}

struct bl_claim *play_live(struct play *p, const char *name)
{
	const struct told *t = play_told(p, name);

	return t ? bl_ledger_find(&p->w.ledger, &t->id) : NULL;
}

static struct told *told_of(struct play *p, const struct bl_claim *c)
{
	return &p->told[c->id.b[15]];
}

static void tell(struct play *p, const struct bl_claim *c)
{
	struct told *t = told_of(p, c);
	struct bl_plan_in in = plan_in(p);

	t->state = c->state;
	t->size = c->size;
	if (c->state == BL_CLAIM_HELD && !t->held_ms)
		t->held_ms = bl_sim_now(p->sim).n;
	if (c->state == BL_CLAIM_RECLAIMING)
		t->eta = bl_plan_eta(&p->plan, &in, c);
	if (bl_claim_live(c))
		bl_reason_claim(&p->plan, &in, c, t->reason);
}

static void end_claim(struct play *p, struct bl_claim *c, enum bl_claim_state state)
{
	if (c->holder != BL_DOMID_NONE)
		bl_sim_unstake(p->sim, c->holder, &c->handle);
	else if (c->state == BL_CLAIM_BUILDING && state != BL_CLAIM_DONE)
		bl_sim_cancel(p->sim, c->domid);
	c->state = state;
	tell(p, c);
	bl_ledger_remove(&p->w.ledger, c);
}

static void stake(struct play *p, struct bl_claim *c, bl_pages pages)
{
	struct bl_err e;
	uint32_t holder;

	if (bl_sim_stake(p->sim, &c->handle, &c->id, pages, -1, &holder, &e))
		return; /* somebody was faster: room is made again */
	c->holder = holder;
	c->staked = pages;
	c->state = BL_CLAIM_HELD;
	c->size = c->min = pages;
	c->wait_until = BL_MS_NEVER;
	c->expires = bl_ms_add(bl_sim_now(p->sim), c->ttl);
	tell(p, c);
}

static void time_out(struct play *p, struct bl_claim *c)
{
	int64_t room = p->plan.balance + (int64_t)bl_claim_promised(c, &p->w.snap).n -
		       (int64_t)c->overhead.n;
	bl_pages part = bl_pages_min(BL_PAGES(room > 0 ? room : 0), c->size);

	if (c->min.n < c->size.n && part.n >= c->min.n)
		stake(p, c, part);
	else
		end_claim(p, c, BL_CLAIM_FAILED);
}

/* True: the claim changed. */
static bool check_claim(struct play *p, struct bl_claim *c)
{
	const struct bl_dom *d;
	bl_ms now = p->w.snap.now;

	switch (c->state) {
	case BL_CLAIM_RECLAIMING:
		if (c->wait_until.n > now.n)
			return false;
		time_out(p, c);
		return true;
	case BL_CLAIM_HELD:
		if (c->holder == BL_DOMID_NONE)
			broken(p, "claims", "a held claim has lost its holder");
		else if (c->staked.n != c->size.n)
			broken(p, "claims", "a held claim is not staked whole");
		if (c->expires.n > now.n)
			return false;
		end_claim(p, c, BL_CLAIM_EXPIRED);
		return true;
	case BL_CLAIM_BUILDING:
		d = bl_snapshot_find(&p->w.snap, c->domid);
		if (d && d->flags & BL_DOM_BUILDING)
			return false;
		end_claim(p, c, d && !(d->flags & BL_DOM_DYING) ? BL_CLAIM_DONE : BL_CLAIM_FAILED);
		return true;
	default:
		return false;
	}
}

static bool check_claims(struct play *p)
{
	bool changed = false;

	for (size_t i = 0; i < p->w.ledger.n;) {
		struct bl_claim *c = p->w.ledger.claims[i];

		changed |= check_claim(p, c);
		if (i < p->w.ledger.n && p->w.ledger.claims[i] == c)
			i++;
	}
	return changed;
}

static const char *verdict_name(enum bl_verdict v)
{
	static const char *const names[] = { "fits now", "fits once balloons moved",
					     "fits when other claims end", "never fits" };

	return names[v];
}

const struct told *play_claim(struct play *p, const struct play_claim *req)
{
	bl_pages least = req->min.n ? req->min : req->size;
	bl_pages overhead = req->overhead.n == UINT64_MAX ?
				    bl_share_of(p->w.settings.overhead, req->size) :
				    req->overhead;
	struct bl_admission a;
	struct told *t = &p->told[p->n_told];
	struct bl_claim c = {
		.size = req->size, .min = least, .overhead = overhead, .node = -1,
		.queue = req->wait == PLAY_WAIT || req->wait == PLAY_NO_WAIT,
		.created = p->w.snap.now, .ttl = req->ttl.n ? req->ttl : p->w.settings.ttl,
		.expires = BL_MS_NEVER, .domid = BL_DOMID_NONE, .holder = BL_DOMID_NONE,
		.eta = BL_MS_NEVER,
	};

	if (p->n_told == PLAY_CLAIMS)
		return NULL;
	play_tick_soon(p);
	play_on(p, bl_sim_now(p->sim));
	c.id.b[15] = (uint8_t)p->n_told++;
	c.id.b[0] = 1;
	memcpy(c.handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	c.handle.b[15] = c.id.b[15];
	snprintf(t->name, sizeof(t->name), "%s", req->name);
	t->id = c.id;
	t->size = c.size;
	t->asked_ms = bl_sim_now(p->sim).n;
	bl_plan_admit(&p->plan, least, overhead, &a);
	t->verdict = a.verdict;
	t->refused = a.verdict == BL_FITS_NEVER ||
		     (req->wait == PLAY_NOW && a.verdict != BL_FITS_NOW) ||
		     (req->wait == PLAY_DEFAULT && a.verdict == BL_FITS_LATER);
	snprintf(t->reason, sizeof(t->reason), "%s", verdict_name(a.verdict));
	if (t->refused)
		return t;
	c.wait_until = req->wait == PLAY_NO_WAIT ? BL_MS_NEVER :
		       bl_ms_add(BL_MS(t->asked_ms), req->wait == PLAY_WAIT ? req->wait_for :
								   p->w.settings.wait);
	if (!bl_ledger_add(&p->w.ledger, &c))
		abort();
	play_tick_soon(p);
	play_on(p, bl_sim_now(p->sim));
	return t;
}

void play_release(struct play *p, struct bl_claim *c)
{
	end_claim(p, c, BL_CLAIM_RELEASED);
	play_tick_soon(p);
}

int play_create(struct play *p, const char *name, bl_pages size, struct bl_claim *claim,
		struct bl_err *reterr)
{
	struct bl_sim_launch l = { name, size, size, claim ? &claim->handle : NULL };
	uint32_t domid;
	int r = bl_sim_launch(p->sim, &l, &domid, reterr);

	if (r)
		return r;
	if (claim) {
		claim->state = BL_CLAIM_BUILDING;
		claim->domid = domid;
		claim->holder = BL_DOMID_NONE;
		claim->expires = BL_MS_NEVER;
	}
	play_tick_soon(p);
	return 0;
}

/* ---- Ticks --------------------------------------------------------------------- */

/* What the manager remembers: the size it was started with, and whether
 * somebody else steers it. */
static void learn(struct play *p)
{
	for (size_t i = 0; i < p->w.snap.n_doms; i++) {
		const struct bl_dom *d = &p->w.snap.doms[i];
		struct bl_dom_memory *m;

		if (d->flags & (BL_DOM_HOLDER | BL_DOM_BUILDING | BL_DOM_DYING) ||
		    bl_uuid_is_null(&d->uuid))
			continue;
		m = bl_settings_remember(&p->w.settings, &d->uuid);
		if (!m)
			abort();
		if (!m->base.n)
			m->base = bl_pages_max(d->tot, d->target);
		m->external |= (d->flags & BL_DOM_EXTERNAL) != 0;
	}
}

static void look(struct play *p)
{
	struct bl_plan_in in = plan_in(p);

	if (bl_sim_snapshot(p->sim, &p->w.snap))
		abort();
	p->seen = bl_sim_changes(p->sim);
	learn(p);
	if (bl_progress_update(&p->w.progress, &p->w.settings, &p->w.snap))
		abort();
	bl_ledger_match(&p->w.ledger, &p->w.snap);
	if (bl_plan_make(&p->plan, &in))
		abort();
}

static void check_rules(struct play *p)
{
	for (size_t i = 0; i < n_rules && !p->broken; i++) {
		const char *how = rules[i].broken(&p->w, &p->plan);

		if (how)
			broken(p, rules[i].name, how);
	}
}

/* What no single plan shows: the host after it was acted on. */
static void check_host(struct play *p)
{
	struct bl_sim_physinfo info;
	uint64_t targets = 0;
	bool grows = false;
	struct bl_err e;

	if (bl_sim_check(p->sim, &e))
		broken(p, "the simulator", e.msg);
	bl_sim_physinfo(p->sim, &info);
	if (info.outstanding.n > info.free.n)
		broken(p, "1", "more is claimed than is free");
	for (size_t i = 0; i < p->plan.n_views; i++) {
		const struct bl_view *v = &p->plan.views[i];

		/* what others ask of a domain is their business */
		targets += v->managed ? v->dom->target.n : v->dom->tot.n;
	}
	for (size_t i = 0; i < p->plan.n_actions; i++) {
		const struct bl_action *a = &p->plan.actions[i];
		const struct bl_dom *d = bl_snapshot_find(&p->w.snap, a->domid);

		if (a->kind != BL_ACT_TARGET || !d)
			continue;
		targets += a->pages.n - d->target.n;
		grows |= a->pages.n > d->target.n && a->pages.n > d->tot.n;
	}
	if (targets > info.total.n && grows)
		broken(p, "8", "the targets sum to more than the host has");
}

static void act(struct play *p)
{
	for (size_t i = 0; i < p->plan.n_actions; i++) {
		struct bl_action *a = &p->plan.actions[i];
		struct bl_track *t = bl_progress_find(&p->w.progress, a->domid);
		struct bl_err e;

		if (a->kind == BL_ACT_STAKE) {
			stake(p, a->claim, a->pages);
			continue;
		}
		if (bl_sim_apply(p->sim, a, &e) || !t)
			continue;
		if (a->kind == BL_ACT_TARGET)
			t->ours = true;
		else if (a->kind == BL_ACT_NUDGE)
			t->nudged = p->w.snap.now;
	}
	p->actions += p->plan.n_actions;
}

static uint64_t pause_until_next(const struct play *p)
{
	uint64_t ms = p->w.settings.tick.n, now = p->w.snap.now.n;

	if (p->plan.moving)
		return p->plan.n_actions ? FAST_MS : MOVING_MS;
	if ((p->plan.waiting || p->plan.pressure) && ms > WAITING_MS)
		ms = WAITING_MS;
	for (size_t i = 0; i < p->w.ledger.n; i++) {
		const struct bl_claim *c = p->w.ledger.claims[i];
		bl_ms at = c->state == BL_CLAIM_RECLAIMING ? c->wait_until : c->expires;

		if (at.n < now + ms)
			ms = at.n > now ? at.n - now : 0;
	}
	return ms ? ms : 1;
}

static void tick(struct play *p)
{
	look(p);
	if (check_claims(p))
		look(p);
	check_rules(p);
	act(p);
	check_host(p);
	for (size_t i = 0; i < p->w.ledger.n; i++)
		tell(p, p->w.ledger.claims[i]);
	p->ticks++;
	p->next_tick = BL_MS(bl_sim_now(p->sim).n + pause_until_next(p));
}

void play_tick_soon(struct play *p)
{
	p->next_tick = bl_sim_now(p->sim);
}

void play_on(struct play *p, bl_ms until)
{
	bl_ms change = bl_sim_next_change(p->sim), now = bl_sim_now(p->sim);
	uint64_t to = p->next_tick.n < until.n ? p->next_tick.n : until.n;

	if (change.n < to && change.n > now.n)
		to = change.n;
	bl_sim_step(p->sim, bl_ms_since(BL_MS(to), now));
	if (bl_sim_changes(p->sim) != p->seen || p->next_tick.n <= bl_sim_now(p->sim).n)
		tick(p);
}

/* ---- Life ----------------------------------------------------------------------- */

int play_begin(struct play *p, const char *file, const char *text, size_t len,
	       struct bl_err *reterr)
{
	int r;

	*p = (struct play){ .mem = calloc(1, bl_sim_world_size()) };
	if (!p->mem)
		abort();
	bl_settings_init(&p->w.settings);
	r = bl_sim_world_parse(p->mem, file, text, len, reterr);
	if (!r)
		r = bl_sim_open(p->mem, bl_sim_world_size(), &p->sim, reterr);
	if (!r)
		p->next_tick = bl_sim_now(p->sim);
	return r;
}

void play_end(struct play *p)
{
	bl_sim_free(p->sim);
	free(p->mem);
	bl_plan_free(&p->plan);
	bl_snapshot_free(&p->asked);
	world_free(&p->w);
}

/* The world outlives the process, the process's own memory does not. */
void play_restart(struct play *p)
{
	struct bl_err e;

	bl_progress_free(&p->w.progress);
	bl_plan_free(&p->plan);
	bl_sim_free(p->sim);
	if (bl_sim_open(p->mem, bl_sim_world_size(), &p->sim, &e))
		abort();
	for (size_t i = 0; i < p->w.ledger.n; i++) {
		p->w.ledger.claims[i]->holder = BL_DOMID_NONE;
		p->w.ledger.claims[i]->staked = BL_PAGES(0);
	}
	p->seen = bl_sim_changes(p->sim);
	play_tick_soon(p);
}

const struct bl_dom *play_dom(struct play *p, const char *name)
{
	if (bl_sim_snapshot(p->sim, &p->asked))
		abort();
	for (size_t i = 0; i < p->asked.n_doms; i++)
		if (!strcmp(p->asked.doms[i].name, name))
			return &p->asked.doms[i];
	return NULL;
}

void play_diagnose(const struct play *p)
{
	printf("# %" PRIu64 " ticks, %" PRIu64 " actions, %" PRIu64 " ms after the start\n",
	       p->ticks, p->actions, bl_sim_now(p->sim).n - BL_SIM_EPOCH_MS);
	world_print(&p->w, &p->plan);
	for (size_t i = 0; i < p->n_told; i++)
		printf("# claim %s: %s%s; %s\n", p->told[i].name,
		       p->told[i].refused ? "refused" : bl_claim_state_name(p->told[i].state),
		       p->told[i].held_ms ? ", was held" : "", p->told[i].reason);
}
