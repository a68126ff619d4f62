/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/play-internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAST_MS 20
#define MOVING_MS 50
#define WAITING_MS 1000

void play_broken(struct play *p, const char *rule, const char *how)
{
	if (p->broken)
		return;
	p->broken = true;
	snprintf(p->what, sizeof(p->what), "%.60s: %.380s, %" PRIu64 ".%03" PRIu64 " s after the start",
		 rule, how, (p->w.snap.now.n - BL_SIM_EPOCH_MS) / 1000, p->w.snap.now.n % 1000);
}

/* ---- Ticks --------------------------------------------------------------------- */

/* What the manager remembers: the size it was started with, and whether
 * somebody else steers it. */
static void learn(struct play *p)
{
	for (size_t i = 0; i < p->w.snap.n_doms; i++) {
		const struct bl_dom *d = &p->w.snap.doms[i];
		struct bl_dom_record *m;

		if (d->flags & (BL_DOM_HOLDER | BL_DOM_BUILDING | BL_DOM_DYING) || bl_uuid_is_null(&d->uuid))
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
	struct bl_plan_in in = world_in(&p->w);

	if (bl_sim_snapshot(p->sim, &p->w.snap))
		abort();
	p->seen = bl_sim_changes(p->sim);
	bl_snapshot_age(&p->w.snap, p->w.settings.telemetry_stale_after);
	learn(p);
	if (bl_progress_update(&p->w.progress, &p->w.settings, &p->w.snap))
		abort();
	bl_ledger_match(&p->w.ledger, &p->w.snap);
	if (bl_plan_make(&p->plan, &in))
		abort();
	p->w.warm = p->plan.warm;
}

static void check_rules(struct play *p)
{
	for (size_t i = 0; i < n_rules && !p->broken; i++) {
		const char *how = rules[i].broken(&p->w, &p->plan);

		if (how)
			play_broken(p, rules[i].name, how);
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
		play_broken(p, "the simulator", e.msg);
	bl_sim_physinfo(p->sim, &info);
	if (info.outstanding.n > info.free.n)
		play_broken(p, "1", "more is claimed than is free");
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
		play_broken(p, "8", "the targets sum to more than the host has");
}

static void act(struct play *p)
{
	for (size_t i = 0; i < p->plan.n_actions; i++) {
		struct bl_action *a = &p->plan.actions[i];
		struct bl_track *t = bl_progress_find(&p->w.progress, a->domid);
		struct bl_err e;

		if (a->kind == BL_ACT_STAKE) {
			play_stake(p, a->claim, a->pages);
			continue;
		}
		if (bl_sim_apply(p->sim, a, &e) || !t)
			continue;
		*(a->kind == BL_ACT_MAXMEM ? &p->limits : &p->targets) += 1;
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
	if (p->w.warm.n && p->w.warm_until.n < now + ms)
		ms = p->w.warm_until.n > now ? p->w.warm_until.n - now : 0;
	return ms ? ms : 1;
}

static void tick(struct play *p)
{
	look(p);
	if (play_check_claims(p))
		look(p);
	check_rules(p);
	act(p);
	check_host(p);
	for (size_t i = 0; i < p->w.ledger.n; i++)
		play_tell(p, p->w.ledger.claims[i]);
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

int play_begin(struct play *p, const char *file, const char *text, size_t len, struct bl_err *reterr)
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
		p->w.ledger.claims[i]->progressed = BL_MS(0);
	}
	p->w.warm = BL_PAGES(0);
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
	printf("# %" PRIu64 " ticks, %" PRIu64 " actions, %" PRIu64 " ms after the start\n", p->ticks,
	       p->actions, bl_sim_now(p->sim).n - BL_SIM_EPOCH_MS);
	world_print(&p->w, &p->plan);
	for (size_t i = 0; i < p->n_told; i++)
		printf("# claim %s: %s%s; %s\n", p->told[i].name,
		       p->told[i].refused ? "refused" : bl_claim_state_name(p->told[i].state),
		       p->told[i].held_ms ? ", was held" : "", p->told[i].reason);
}
