/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that say what they need, or stop saying anything. */
#include "tests/unit/plan-fixture.h"

/* A driver that says nothing any more: min is that of one without a driver again.
 * It is not stripped, and what it gets back is what nobody uses. */
static void a_driver_falls_silent(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = reports(f, 0, 600);

	d->flags |= BL_DOM_DRIVER;
	f->snap.doms[1].flags |= BL_DOM_DRIVER;
	f->s.min.percent = 100;
	f->s.min_with_driver.percent = 50;
	bl_settings_find(&f->s, &d->uuid)->base = d->static_max = BL_MIB_PAGES(1000);
	d->tot = d->target = d->max_pages = BL_MIB_PAGES(800);
	reports(f, 1, 950);
	f->snap.free = BL_PAGES(0);
	f->snap.doms[1].static_max = BL_MIB_PAGES(2000);
	bl_settings_find(&f->s, &f->snap.doms[1].uuid)->set =
		(struct bl_override){ .has_min = true, .min = { .pages = BL_MIB_PAGES(200) } };
	bl_snapshot_age(&f->snap, f->s.telemetry_stale_after);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->limits.min.n, 500 * MIB);
	passes(f, 30000);
	f->snap.doms[1].tele.at = f->snap.now;
	bl_snapshot_age(&f->snap, f->s.telemetry_stale_after);
	assert_true(f->snap.doms[0].flags & BL_DOM_DRIVER);
	passes(f, 1);
	f->snap.doms[1].tele.at = f->snap.now;
	bl_snapshot_age(&f->snap, f->s.telemetry_stale_after);
	make(f);
	assert_false(f->snap.doms[0].flags & BL_DOM_DRIVER);
	assert_true(f->snap.doms[1].flags & BL_DOM_DRIVER);
	assert_int_equal(bl_plan_view(&f->plan, 1)->limits.min.n, 1000 * MIB);
	assert_int_equal(bl_plan_view(&f->plan, 1)->floor.n, 800 * MIB);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 0);
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 850 * MIB);
	assert_int_equal(bl_plan_view(&f->plan, 2)->goal.n, 950 * MIB);
	/* and no claim takes anything of it */
	add_claim(f, 10, 10);
	make(f);
	for (size_t i = 0; i < f->plan.n_actions; i++)
		assert_false(f->plan.actions[i].domid == 1 && f->plan.actions[i].pages.n < 800 * MIB);
}

/* One without a word of what it uses gives for a claim alone. */
static void silence_alone_takes_nothing(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = reports(f, 0, 100);

	d->tele.has_min = true;
	d->tele.min = BL_MIB_PAGES(700);
	reports(f, 1, 1000)->static_max = BL_MIB_PAGES(2000);
	f->snap.free = BL_PAGES(0);
	expect(f, "target 1 800"); /* the other wants 1200 */
	passes(f, 30001);
	reports(f, 1, 1000);
	expect(f, "");
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1000 * MIB);
	add_claim(f, 100, 100);
	make(f);
	assert_true(bl_plan_view(&f->plan, 1)->goal.n < 1000 * MIB);
}

static void shows_need(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = reports(f, 0, 100);

	make(f);
	assert_false(f->plan.pressure);
	d->tele.pressure = 1;
	make(f);
	assert_true(f->plan.pressure);
	d->tele.pressure = 0;
	d->tele.available = BL_PAGES(1000 * MIB / 16);
	make(f);
	assert_false(f->plan.pressure);
	d->tele.available.n--;
	make(f);
	assert_true(f->plan.pressure);
	d->tele.available = BL_MIB_PAGES(900);
	d->tele.starved = true;
	make(f);
	assert_true(f->plan.pressure);
	passes(f, 30001);
	make(f);
	assert_false(f->plan.pressure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_driver_falls_silent),
		TEST(silence_alone_takes_nothing),
		TEST(shows_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
