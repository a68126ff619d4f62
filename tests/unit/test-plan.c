/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of small hosts, written out: what is done, in which order, and why. */
#include "tests/unit/plan-fixture.h"

#include <inttypes.h>
#include <stdio.h>

static void rests(void **state)
{
	expect(*state, "");
}

static void grows_limit_first(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	d->tot = d->target = d->max_pages = BL_MIB_PAGES(300);
	expect(f, "maxmem 2 1000, target 2 1000");
	f->snap.free = BL_MIB_PAGES(50);
	f->s.policy = BL_POLICY_STATIC; /* from what is free alone */
	expect(f, "maxmem 2 350, target 2 350");
}

static void only_what_is_free(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	/* one idle and large, one busy and small, nothing free */
	f->snap.free = BL_PAGES(0);
	d->tot = d->target = d->max_pages = BL_MIB_PAGES(300);
	f->snap.doms[0].tele =
		(struct bl_telemetry){ .present = true, .at = f->snap.now, .used = BL_MIB_PAGES(250) };
	expect(f, "target 1 300");
	/* what was given is granted, no more */
	f->snap.doms[0].target = BL_MIB_PAGES(300);
	f->snap.doms[0].tot = BL_MIB_PAGES(950);
	f->snap.free = BL_MIB_PAGES(50);
	f->snap.now.n += 50;
	expect(f, "maxmem 2 350, target 2 350");
}

static void withdraws_what_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	d->tot = d->target = d->max_pages = BL_MIB_PAGES(300);
	make(f);
	d->target = d->max_pages = BL_MIB_PAGES(1000);
	f->snap.now.n += 50;
	make(f);
	assert_int_equal(f->plan.growing.n, 700 * MIB);
	f->snap.now.n += 5000;
	/* but for a mebibyte that stays on offer */
	expect(f, "target 2 301, maxmem 2 301");
	assert_int_equal(f->plan.actions[0].why, BL_WHY_WITHDRAWN);
	d->target = d->max_pages = BL_MIB_PAGES(301);
	f->snap.now.n += 50000;
	expect(f, "");
	/* it comes round: what it takes is doubled each time */
	for (uint64_t have = 301, step = 50; have < 1000; step *= 2) {
		char text[64];

		d->tot = BL_MIB_PAGES(have);
		f->snap.now.n += 50;
		have = have + step < 1000 ? have + step : 1000;
		snprintf(text, sizeof(text), "maxmem 2 %" PRIu64 ", target 2 %" PRIu64, have, have);
		expect(f, text);
		d->target = d->max_pages = BL_MIB_PAGES(have);
	}
}

static void probes_first(void **state)
{
	struct fixture *f = *state;

	f->snap.doms[0].flags = 0;
	add_claim(f, 2400, 2400);
	expect(f, "target 1 960, target 2 800");
	assert_int_equal(f->plan.actions[0].why, BL_WHY_PROBE);
	/* its probe is out: nothing more is asked of it */
	f->snap.doms[0].target = BL_MIB_PAGES(960);
	f->snap.doms[1].target = BL_MIB_PAGES(800);
	f->snap.now.n += 50;
	expect(f, "");
	/* and nothing of the other for a few pages that went elsewhere meanwhile */
	f->snap.free.n -= 100;
	expect(f, "");
	f->snap.free.n += 100;
	/* it answered */
	f->snap.doms[0].tot = BL_MIB_PAGES(960);
	f->snap.free = BL_MIB_PAGES(2040);
	f->snap.now.n += 50;
	expect(f, "target 1 800");
}

/* A guest that was tried with a part gets the rest, although the rest is less than a threshold; a
 * guest that rests gets nothing for as little. */
static void gets_the_last_bit_on_its_way(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[0];

	d->flags = 0;
	d->tot = d->target = d->max_pages = BL_MIB_PAGES(955);
	expect(f, "maxmem 1 995, target 1 995");
	d->target = d->max_pages = BL_MIB_PAGES(995);
	passes(f, 50);
	d->tot = BL_MIB_PAGES(995);
	expect(f, "maxmem 1 1000, target 1 1000");
	passes(f, 6000);
	expect(f, "");
}

static void others_take_the_part_of_one_stuck(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 2400, 2400);
	make(f);
	f->snap.doms[0].target = f->snap.doms[1].target = BL_MIB_PAGES(800);
	f->snap.doms[1].tot = BL_MIB_PAGES(800);
	f->snap.free = BL_MIB_PAGES(2200);
	f->snap.now.n += 50;
	make(f);
	f->snap.now.n += 5000;
	expect(f, "target 2 600");
	assert_int_equal(bl_plan_view(&f->plan, 1)->state, BL_STATE_STUCK);
	assert_int_equal(f->plan.reclaimable.n, 600 * MIB);
	/* it is woken now and then */
	f->snap.doms[1].target = BL_MIB_PAGES(600);
	f->snap.doms[1].max_pages = BL_MIB_PAGES(800);
	f->snap.now.n += 60000;
	make(f);
	assert_int_equal(f->plan.actions[0].kind, BL_ACT_NUDGE);
	assert_int_equal(f->plan.actions[0].domid, 1);
	assert_int_equal(f->plan.actions[0].pages.n, 800 * MIB);
	bl_progress_find(&f->progress, 1)->nudged = f->snap.now;
	f->snap.now.n += 1000;
	make(f);
	for (size_t i = 0; i < f->plan.n_actions; i++)
		assert_int_not_equal(f->plan.actions[i].kind, BL_ACT_NUDGE);
}

/* Somebody asks more for a guest than its limit lets it have, until balloond is to
 * see to it again: it is not called stuck, and gets what there is at once. */
static void not_stuck_at_its_limit(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	d->tot = d->max_pages = BL_MIB_PAGES(300);
	d->flags |= BL_DOM_EXTERNAL;
	expect(f, "");
	f->snap.now.n += 60000;
	expect(f, "");
	assert_int_equal(bl_plan_view(&f->plan, 2)->state, BL_STATE_EXTERNAL);
	d->flags &= ~(unsigned)BL_DOM_EXTERNAL;
	expect(f, "maxmem 2 1000, target 2 1000"); /* the host wakes its driver, see host.h */
	/* with nothing to give it keeps no claim upon what it does not get */
	f->snap.free = BL_PAGES(0);
	expect(f, "target 2 300");
	assert_int_equal(bl_plan_view(&f->plan, 2)->state, BL_STATE_STEADY);
}

/* One that gave nothing a while ago is asked anew for a claim, not because
 * another could do with more. */
static void only_a_claim_asks_anew(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d;

	f->snap.total = BL_MIB_PAGES(3000);
	f->snap.free = BL_PAGES(0);
	d = add_guest(f, 3, 1000); /* was 1400 MiB at its start, and wants that */
	bl_settings_find(&f->s, &d->uuid)->base = d->static_max = BL_MIB_PAGES(1400);
	for (size_t i = 0; i < 2; i++)
		f->snap.doms[i].tele = (struct bl_telemetry){ .present = true,
							      .at = f->snap.now,
							      .used = BL_MIB_PAGES(500) };
	make(f);
	assert_int_equal(f->plan.actions[0].domid, 1);
	bl_progress_find(&f->progress, 1)->no_give_until = BL_MS(f->snap.now.n + 60000);
	expect(f, "target 2 600");
	/* one that is still asked is not asked for more either */
	f->snap.doms[0].target = BL_MIB_PAGES(950);
	expect(f, "target 2 600");
	add_claim(f, 200, 200);
	make(f);
	assert_int_equal(f->plan.actions[0].kind, BL_ACT_TARGET);
	assert_int_equal(f->plan.actions[0].domid, 1);
}

static void keeps_its_hands_off(void **state)
{
	static const unsigned flags[] = { BL_DOM_DYING,	   BL_DOM_PAUSED,     BL_DOM_MIGRATING,
					  BL_DOM_BUILDING, BL_DOM_NO_BALLOON, BL_DOM_EXTERNAL,
					  BL_DOM_POD,	   BL_DOM_CONTROL };
	struct fixture *f = *state;
	struct bl_dom_record *m = bl_settings_find(&f->s, &f->snap.doms[0].uuid);

	add_claim(f, 2400, 2400);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		f->snap.doms[0].flags = BL_DOM_ANNOUNCED | flags[i];
		expect(f, "target 2 600");
	}
	f->snap.doms[0].flags = BL_DOM_ANNOUNCED;
	f->snap.doms[0].has_target = false;
	expect(f, "target 2 600");
	f->snap.doms[0].has_target = true;
	m->external = true;
	expect(f, "target 2 600");
	m->external = false;
	m->set.has_mode = true;
	m->set.mode = BL_MODE_IGNORE;
	expect(f, "target 2 600");
	m->set.mode = BL_MODE_MANUAL;
	expect(f, "target 2 600");
	m->set.mode = BL_MODE_AUTO;
	expect(f, "target 1 800, target 2 800");
	f->paused = true;
	expect(f, "");
	f->paused = false;
	f->snap.store_stale = true;
	expect(f, "");
}

static void an_overfull_host_takes_nothing(void **state)
{
	struct fixture *f = *state;

	f->s.reserve.fixed = BL_MIB_PAGES(64);
	f->snap.free = BL_MIB_PAGES(10);
	f->snap.doms[0].tele =
		(struct bl_telemetry){ .present = true, .at = f->snap.now, .used = BL_MIB_PAGES(250) };
	expect(f, "");
	/* a claim makes up for the reserve on its way */
	add_claim(f, 100, 100);
	expect(f, "target 1 846");
}

static void waits_for_a_domain_that_boots(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d;

	make(f);
	d = add_guest(f, 9, 1000);
	d->tele = (struct bl_telemetry){ .present = true, .at = f->snap.now, .used = BL_MIB_PAGES(250) };
	f->snap.doms[0].target = f->snap.doms[0].tot = f->snap.doms[0].max_pages = BL_MIB_PAGES(300);
	f->snap.free = BL_PAGES(0);
	f->snap.now.n += 50;
	/* nothing is taken from it for another's wish, but for a claim */
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 9)->goal.n, 1000 * MIB);
	add_claim(f, 100, 100);
	make(f);
	assert_true(bl_plan_view(&f->plan, 9)->goal.n < 1000 * MIB);
}

static void counts_what_grows(void **state)
{
	static const struct {
		unsigned flags;
		uint64_t tot, target, max, outstanding, growing;
	} rows[] = {
		{ 0, 300, 1000, 1000, 0, 700 },
		{ 0, 300, 1000, 500, 0, 200 },
		{ 0, 300, 200, 1000, 0, 0 },
		{ BL_DOM_PAUSED, 300, 1000, 1000, 0, 700 },
		{ BL_DOM_DYING, 300, 1000, 1000, 0, 0 },
		{ BL_DOM_BUILDING, 300, 0, 1000, 0, 700 },
		{ BL_DOM_BUILDING, 300, 0, 1000, 600, 100 },
		{ BL_DOM_BUILDING, 300, 0, 9000, 0, 0 }, /* no limit yet */
	};
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		d->flags = rows[i].flags;
		d->tot = BL_MIB_PAGES(rows[i].tot);
		d->target = BL_MIB_PAGES(rows[i].target);
		d->max_pages = BL_MIB_PAGES(rows[i].max);
		d->outstanding = f->snap.outstanding = BL_MIB_PAGES(rows[i].outstanding);
		make(f);
		if (f->plan.growing.n != rows[i].growing * MIB)
			fail_msg("row %zu: %" PRIu64, i, f->plan.growing.n / MIB);
		assert_int_equal(f->plan.balance,
				 (int64_t)((2000 - rows[i].growing - rows[i].outstanding) * MIB));
	}
	/* not beside a claim for it, staked or still waiting for room */
	d->flags = BL_DOM_BUILDING;
	d->max_pages = BL_MIB_PAGES(1000);
	add_claim(f, 1000, 1000)->domid = d->domid;
	f->snap.outstanding = d->outstanding = BL_PAGES(0);
	make(f);
	assert_int_equal(f->plan.growing.n, 0);
	assert_int_equal(f->plan.balance, (2000 - 700) * MIB);
}

static void hurries_only_while_it_matters(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];

	make(f);
	assert_false(f->plan.moving || f->plan.waiting);
	/* on its way, by hand */
	d->target = BL_MIB_PAGES(900);
	bl_settings_find(&f->s, &d->uuid)->set.has_mode = true;
	bl_settings_find(&f->s, &d->uuid)->set.mode = BL_MODE_MANUAL;
	f->snap.now.n += 50;
	make(f);
	assert_true(f->plan.moving);
	/* stuck */
	f->snap.now.n += 5000;
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 2)->state, BL_STATE_STUCK);
	assert_false(f->plan.moving || f->plan.waiting);
	/* and a claim waits */
	add_claim(f, 3900, 3900);
	make(f);
	assert_false(f->plan.moving);
	assert_true(f->plan.waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rests),
		TEST(grows_limit_first),
		TEST(only_what_is_free),
		TEST(withdraws_what_is_not_taken),
		TEST(not_stuck_at_its_limit),
		TEST(probes_first),
		TEST(gets_the_last_bit_on_its_way),
		TEST(others_take_the_part_of_one_stuck),
		TEST(only_a_claim_asks_anew),
		TEST(keeps_its_hands_off),
		TEST(an_overfull_host_takes_nothing),
		TEST(waits_for_a_domain_that_boots),
		TEST(counts_what_grows),
		TEST(hurries_only_while_it_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
