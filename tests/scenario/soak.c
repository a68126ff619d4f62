/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random hosts with guests of every manner, where people, toolstacks and
 * thieves do random things at random times: every plan keeps the rules, no
 * claim that is held loses its pages, and once all is over and the guests
 * behave, the host comes to rest. Replay: BL_SEED=S BL_WORLD=N. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/random.h"
#include "tests/scenario/play.h"
#include "tests/scenario/random-host.h"

#define WORLDS 300
#define STEPS 30
#define LATE_MS 200000 /* by then everybody who would appear or build has */
#define REST_MS 900000 /* every grace and retry is over by then */

static uint64_t mib(struct rnd *r, uint64_t lo, uint64_t hi)
{
	return rnd_in(r, lo, hi);
}

static void settle_settings(struct bl_settings *s, struct rnd *r)
{
	s->policy = (enum bl_policy_kind)rnd_below(r, 3);
	s->surplus_give = rnd_one_in(r, 3);
	s->dom0_manage = rnd_one_in(r, 4);
	s->min.percent = (uint32_t)rnd_in(r, 10, 100);
}

static void ask_claim(struct play *p, struct rnd *r)
{
	char name[16];
	struct play_claim c = {
		.name = name,
		.size = BL_MIB_PAGES(mib(r, 1, 8192)),
		.overhead = BL_PAGES(UINT64_MAX),
		.wait = (enum play_wait)rnd_below(r, 4),
		.wait_for = BL_MS(rnd_in(r, 1, 60000)),
		.ttl = BL_MS(rnd_in(r, 1000, 200000)),
	};

	snprintf(name, sizeof(name), "c%zu", p->n_told);
	if (rnd_one_in(r, 3))
		c.min = BL_PAGES(rnd_in(r, 1, c.size.n));
	play_claim(p, &c);
}

static void sim_set(struct play *p, const struct bl_dom *d, const char *key, const char *value)
{
	struct bl_err e;

	bl_sim_set(p->sim, d->domid, key, value, &e); /* not all can: fine */
}

static const struct bl_dom *some_dom(struct play *p, struct rnd *r)
{
	play_dom(p, "");
	return &p->asked.doms[rnd_below(r, p->asked.n_doms)];
}

static void set_something(struct play *p, struct rnd *r)
{
	const struct bl_dom *d = some_dom(p, r);
	char size[32];

	snprintf(size, sizeof(size), "%" PRIu64 "M", mib(r, 1, 4096));
	switch (rnd_below(r, 6)) {
	case 0:
		sim_set(p, d, "used", size);
		break;
	case 1:
		sim_set(p, d, "paused", rnd_one_in(r, 2) ? "yes" : "no");
		break;
	case 2:
		sim_set(p, d, "migrating", rnd_one_in(r, 2) ? "yes" : "no");
		break;
	case 3:
		sim_set(p, d, "telemetry", rnd_one_in(r, 2) ? "yes" : "no");
		break;
	case 4:
		sim_set(p, d, "behaviour", rnd_one_in(r, 2) ? "stuck" : "normal");
		break;
	default:
		if (d->domid)
			sim_set(p, d, "target", size);
		break;
	}
}

static void end_something(struct play *p, struct rnd *r)
{
	const struct bl_dom *d = some_dom(p, r);
	struct bl_claim *c = p->w.ledger.n ? p->w.ledger.claims[rnd_below(r, p->w.ledger.n)] : NULL;

	if (c && rnd_one_in(r, 2))
		play_release(p, c);
	else if (!(d->flags & BL_DOM_HOLDER) && rnd_one_in(r, 3))
		bl_sim_domain_destroy(p->sim, d->domid);
}

static void build_something(struct play *p, struct rnd *r)
{
	struct bl_claim *c = p->w.ledger.n ? p->w.ledger.claims[rnd_below(r, p->w.ledger.n)] : NULL;
	struct bl_err e;
	char name[16];

	if (c && c->state != BL_CLAIM_HELD)
		c = NULL;
	snprintf(name, sizeof(name), "new%" PRIu64, rnd_below(r, 1000));
	play_create(p, name, c ? c->size : BL_MIB_PAGES(mib(r, 1, 2048)), c, &e);
}

static void disturb(struct play *p, struct rnd *r)
{
	switch (rnd_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		ask_claim(p, r);
		break;
	case 3:
	case 4:
		set_something(p, r);
		break;
	case 5:
		end_something(p, r);
		break;
	case 6:
		build_something(p, r);
		break;
	default:
		if (rnd_one_in(r, 2))
			play_restart(p);
		else
			p->w.paused = !p->w.paused;
		break;
	}
	play_tick_soon(p);
}

static void pass(struct play *p, uint64_t ms)
{
	bl_ms end = bl_ms_add(bl_sim_now(p->sim), BL_MS(ms));

	while (bl_sim_now(p->sim).n < end.n && !p->broken)
		play_on(p, end);
}

/* All is over: claims are given back, everybody tells the truth and follows. */
static void make_peace(struct play *p)
{
	p->w.paused = false;
	while (p->w.ledger.n)
		play_release(p, p->w.ledger.claims[0]);
	play_dom(p, "");
	for (size_t i = 0; i < p->asked.n_doms; i++) {
		const struct bl_dom *d = &p->asked.doms[i];

		sim_set(p, d, "behaviour", "normal");
		sim_set(p, d, "paused", "no");
		sim_set(p, d, "telemetry", "yes");
	}
	play_tick_soon(p);
}

/* NULL: it went well. */
static const char *live(struct play *p, const struct host_text *t, struct rnd *r)
{
	struct bl_err e;

	if (play_begin(p, "soak", t->buf, t->len, &e)) {
		snprintf(p->what, sizeof(p->what), "%.400s", e.msg);
		return p->what;
	}
	settle_settings(&p->w.settings, r);
	for (unsigned i = 0; i < STEPS && !p->broken; i++) {
		disturb(p, r);
		pass(p, rnd_in(r, 1, rnd_one_in(r, 3) ? 30000 : 2000));
	}
	make_peace(p);
	pass(p, LATE_MS);
	make_peace(p); /* with those who came late, too */
	pass(p, REST_MS);
	if (!p->broken && (p->plan.n_actions || p->plan.moving)) {
		uint64_t before = p->actions;

		pass(p, 60000);
		if (p->actions != before)
			return "15 minutes after the last event memory still moves";
	}
	return p->broken ? p->what : NULL;
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, WORLDS);
	unsigned failed = 0;
	static struct host_text text;
	static struct play play;

	printf("1..1\n# seed %" PRIu64 "\n", run.seed);
	for (uint64_t n = run.from; n < run.to && failed < 3; n++) {
		struct rnd r = rnd_of_world(run.seed, n);
		const char *why;

		random_host(&text, &r);
		why = live(&play, &text, &r);
		if (run.replay || why)
			play_diagnose(&play);
		if (why) {
			printf("# %s\n# replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", why,
			       run.seed, n);
			failed++;
		}
		play_end(&play);
	}
	printf("%sok 1 - random hosts through random times, then at rest\n", failed ? "not " : "");
	return failed != 0;
}
