/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/core/wait.h"
#include "tests/scenario/play-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void play_tell(struct play *p, const struct bl_claim *c)
{
	struct told *t = told_of(p, c);
	struct bl_plan_in in = world_in(&p->w);

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
	play_tell(p, c);
	bl_ledger_remove(&p->w.ledger, c);
}

void play_stake(struct play *p, struct bl_claim *c, bl_pages pages)
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
	c->patience = c->progressed = BL_MS(0);
	c->expires = bl_ms_add(bl_sim_now(p->sim), c->ttl);
	play_tell(p, c);
}

static void time_out(struct play *p, struct bl_claim *c)
{
	int64_t room = p->plan.balance + (int64_t)bl_claim_promised(c, &p->w.snap).n -
		       (int64_t)c->overhead.n;
	bl_pages part = bl_pages_min(BL_PAGES(room > 0 ? room : 0), c->size);
	bl_pages promised = bl_claim_promised(c, &p->w.snap);
	struct bl_plan_in in = world_in(&p->w);

	if (part.n >= c->min.n)
		play_stake(p, c, part);
	if (c->state != BL_CLAIM_RECLAIMING)
		return;
	p->w.warm = bl_wait_warm(&p->plan, &in, c);
	p->w.warm_until = bl_ms_add(p->w.snap.now, p->w.settings.keep_warm);
	end_claim(p, c, BL_CLAIM_FAILED);
	/* those behind it have what it was promised */
	p->plan.balance += (int64_t)promised.n;
	p->plan.available = BL_PAGES(p->plan.balance > 0 ? p->plan.balance : 0);
	bl_wait_update(&p->plan, &in);
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
			play_broken(p, "claims", "a held claim has lost its holder");
		else if (c->staked.n != c->size.n)
			play_broken(p, "claims", "a held claim is not staked whole");
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

bool play_check_claims(struct play *p)
{
	struct bl_plan_in in = world_in(&p->w);
	bool changed = false;

	bl_wait_update(&p->plan, &in);
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
	bl_pages overhead = req->overhead.n == UINT64_MAX ? bl_share_of(p->w.settings.overhead, req->size)
							  : req->overhead;
	struct bl_admission a;
	struct told *t = &p->told[p->n_told];
	struct bl_claim c = {
		.size = req->size,
		.min = least,
		.overhead = overhead,
		.node = -1,
		.queue = req->wait == PLAY_WAIT || req->wait == PLAY_NO_WAIT,
		.created = p->w.snap.now,
		.ttl = req->ttl.n ? req->ttl : p->w.settings.ttl,
		.expires = BL_MS_NEVER,
		.domid = BL_DOMID_NONE,
		.holder = BL_DOMID_NONE,
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
	bl_plan_admit(&p->plan, least, overhead, NULL, &a);
	t->verdict = a.verdict;
	t->refused = a.verdict == BL_FITS_NEVER || (req->wait == PLAY_NOW && a.verdict != BL_FITS_NOW) ||
		     (req->wait == PLAY_DEFAULT && a.verdict == BL_FITS_LATER);
	snprintf(t->reason, sizeof(t->reason), "%s", verdict_name(a.verdict));
	if (t->refused)
		return t;
	c.wait_until = req->wait == PLAY_NO_WAIT
			       ? BL_MS_NEVER
			       : bl_ms_add(BL_MS(t->asked_ms),
					   req->wait == PLAY_WAIT ? req->wait_for : p->w.settings.wait);
	if (req->wait == PLAY_DEFAULT)
		c.patience = p->w.settings.wait;
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
	struct bl_sim_launch l = {
		.name = name, .size = size, .max = size, .holder = claim ? &claim->handle : NULL
	};
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
