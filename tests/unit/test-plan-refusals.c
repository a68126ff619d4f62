/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose own drivers refuse, or say how low they go. */
#include "tests/unit/plan-fixture.h"

#include <string.h>

#include "lib/core/reason.h"

/* Both report that they use little. */
static struct bl_dom *both_report(struct fixture *f)
{
	reports(f, 1, 100);
	return reports(f, 0, 100);
}

static struct bl_admission admit(struct fixture *f, uint64_t mib)
{
	struct bl_admission a;

	bl_plan_admit(&f->plan, BL_MIB_PAGES(mib), BL_PAGES(0), NULL, &a);
	return a;
}

static const char *reason_of(struct fixture *f, uint32_t domid)
{
	static char buf[BL_REASON_MAX];
	struct bl_plan_in in = in_of(f);

	return bl_reason_domain(&f->plan, &in, bl_plan_view(&f->plan, domid), buf);
}

static void tell(struct fixture *f, size_t i, uint64_t target_mib)
{
	f->snap.doms[i].target = BL_MIB_PAGES(target_mib);
}

/* The tick that sees a refusal asks the others for its part; its own target stays,
 * so that it can come round, until nobody asks any more. */
static void others_take_its_part_at_once(void **state)
{
	static const enum bl_refusal why[] = { BL_REFUSES_PRESSURE, BL_REFUSES_NO_PAGES, BL_REFUSES_MIN };
	struct fixture *f = *state;
	struct bl_dom *d = both_report(f);

	add_claim(f, 3000, 3000);
	expect(f, "target 1 500, target 2 500");
	for (size_t i = 0; i < sizeof(why) / sizeof(why[0]); i++) {
		tell(f, 0, 500);
		tell(f, 1, 500);
		passes(f, 100);
		d = both_report(f);
		d->tele.refusal = why[i];
		expect(f, "target 2 200");
		assert_int_equal(bl_plan_view(&f->plan, 1)->state, BL_STATE_STEADY);
		assert_int_equal(bl_plan_view(&f->plan, 1)->floor.n, 1000 * MIB);
		assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 0);
		assert_int_equal(f->plan.reclaimable.n, 800 * MIB);
	}
	tell(f, 1, 200);
	f->snap.doms[1].tot = f->snap.doms[1].max_pages = BL_MIB_PAGES(200);
	f->snap.free = BL_MIB_PAGES(2800);
	for (int i = 0; i < 20; i++) { /* far beyond stuck-after, and nothing happens */
		passes(f, 10000);
		both_report(f);
		expect(f, "");
		assert_int_equal(bl_plan_view(&f->plan, 1)->state, BL_STATE_STEADY);
		assert_int_equal(f->plan.reclaimable.n, 0);
		assert_false(f->plan.moving);
	}
	bl_ledger_remove(&f->ledger, f->ledger.claims[0]);
	make(f);
	assert_int_equal(f->plan.actions[0].kind, BL_ACT_TARGET);
	assert_int_equal(f->plan.actions[0].domid, 1);
	assert_int_equal(f->plan.actions[0].pages.n, 1000 * MIB);
}

/* The first is asked for 200 MiB for a claim, and refuses. */
static void refuses_a_claim(struct fixture *f)
{
	struct bl_dom *d = both_report(f);

	add_claim(f, 2400, 2400);
	make(f);
	tell(f, 0, 800);
	passes(f, 100);
	d->tele.refusal = BL_REFUSES_PRESSURE;
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 0);
}

/* A second later it says that it refuses no more. */
static struct bl_dom *comes_round(struct fixture *f)
{
	struct bl_dom *d;

	passes(f, 1000);
	d = both_report(f);
	d->tele.refusal = BL_REFUSES_NOT;
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 0);
	return d;
}

/* That shows when its pages move; then it is counted on again. */
static void it_comes_round(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d;

	refuses_a_claim(f);
	d = comes_round(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->state, BL_STATE_SHRINKING);
	passes(f, 100);
	d->tot = BL_MIB_PAGES(990);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 790 * MIB);
}

/* Or some seconds after it said so, where its pages do not move since nobody asks. */
static void its_word_is_taken_after_a_while(void **state)
{
	struct fixture *f = *state;

	refuses_a_claim(f);
	bl_ledger_remove(&f->ledger, f->ledger.claims[0]);
	tell(f, 0, 1000);
	comes_round(f);
	passes(f, f->s.stuck_after.n);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 800 * MIB);
}

/* But not of one that was asked upon it, and refused again. */
static void a_driver_that_keeps_changing_its_mind_is_distrusted(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d;

	refuses_a_claim(f);
	bl_ledger_remove(&f->ledger, f->ledger.claims[0]);
	tell(f, 0, 1000);
	d = comes_round(f);
	tell(f, 0, 700);
	d->tele.refusal = BL_REFUSES_PRESSURE;
	make(f);
	tell(f, 0, 1000);
	comes_round(f);
	passes(f, f->s.stuck_after.n);
	both_report(f);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 0);
	passes(f, f->s.retry_after.n);
	both_report(f);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->givable.n, 800 * MIB);
}

static void nobody_asks_below_its_own_min(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = both_report(f);

	d->tele.has_min = true;
	d->tele.min = BL_MIB_PAGES(900);
	add_claim(f, 2400, 2400);
	expect(f, "target 1 900, target 2 700");
	assert_int_equal(f->plan.reclaimable.n, 900 * MIB);
	/* with its word gone stale it is as any other */
	passes(f, 30001);
	expect(f, "target 1 800, target 2 800");
}

/* A max below what it keeps is tried and does no harm: the others are counted on. */
static void its_min_is_above_its_max(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = both_report(f);
	struct bl_override *o = &bl_settings_find(&f->s, &d->uuid)->set;

	o->has_max = true;
	o->max = BL_MIB_PAGES(500);
	d->tele.has_min = true;
	d->tele.min = BL_MIB_PAGES(900);
	expect(f, "target 1 500");
	tell(f, 0, 500);
	passes(f, 1000);
	both_report(f)->tele.refusal = BL_REFUSES_MIN;
	expect(f, "");
	assert_string_equal(reason_of(f, 1),
			    "asked for 500 MiB, its own driver keeps it at 1000 MiB: "
			    "its floor (xen.balloon.min in the guest); the others give its share");
	add_claim(f, 2400, 2400);
	expect(f, "target 2 600");
}

/* Whoever says that he must keep it all keeps what he has; he gets no more than
 * others like him, and takes from nobody. */
static void a_lie_keeps_what_it_has(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		struct bl_dom *d = reports(f, i, 900); /* wants 1080 */

		d->static_max = BL_MIB_PAGES(3000);
		d->tele.pressure = 5000; /* and half of that more */
	}
	f->snap.free = BL_MIB_PAGES(200);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1100 * MIB);
	f->snap.doms[0].tele.has_min = true;
	f->snap.doms[0].tele.min = BL_PAGES(UINT64_MAX);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1100 * MIB);
	assert_int_equal(bl_plan_view(&f->plan, 2)->goal.n, 1100 * MIB);
	assert_int_equal(bl_plan_view(&f->plan, 1)->floor.n, 1000 * MIB);
	/* even where its share is less than it keeps */
	f->snap.free = BL_PAGES(0);
	f->snap.doms[0].tele.used = BL_MIB_PAGES(100);
	f->snap.doms[0].tele.pressure = 0;
	f->snap.doms[1].tele.used = BL_MIB_PAGES(999);
	passes(f, 600000);
	f->snap.doms[0].tele.at = f->snap.doms[1].tele.at = f->snap.now;
	expect(f, "");
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1000 * MIB);
}

/* What its own driver cannot have it is not granted. */
static void its_own_max(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = reports(f, 0, 1000);

	d->static_max = BL_MIB_PAGES(3000);
	d->tele.has_max = true;
	d->tele.max = BL_MIB_PAGES(1100);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1100 * MIB);
	d->tele.max = BL_PAGES(0);
	make(f);
	assert_int_equal(bl_plan_view(&f->plan, 1)->goal.n, 1000 * MIB);
}

static void a_claim_that_only_they_could_meet(void **state)
{
	struct fixture *f = *state;
	struct bl_plan_in in = in_of(f);
	struct bl_dom *d = reports(f, 0, 100);
	struct bl_admission a;
	char buf[BL_REASON_MAX];

	make(f);
	assert_int_equal(admit(f, 3500).verdict, BL_FITS_RECLAIM);
	/* refused for a while: when that is over it could be had */
	tell(f, 0, 900);
	d->tele.refusal = BL_REFUSES_PRESSURE;
	make(f);
	assert_int_equal(admit(f, 2800).verdict, BL_FITS_RECLAIM);
	a = admit(f, 3500);
	assert_int_equal(a.verdict, BL_FITS_LATER);
	bl_reason_refusal(&f->plan, &in, &a, buf);
	assert_non_null(strstr(
		buf,
		"; domain 1 refuses to go below 1000 MiB, memory pressure inside the guest, and could give 800 MiB"));
	/* by its own limit: not before somebody changes that */
	tell(f, 0, 1000);
	d->tele.refusal = BL_REFUSES_NOT;
	d->tele.has_min = true;
	d->tele.min = BL_MIB_PAGES(700);
	passes(f, 60000);
	reports(f, 0, 100);
	make(f);
	a = admit(f, 3500);
	assert_int_equal(a.verdict, BL_FITS_NEVER);
	assert_int_equal(a.most.n, 3100 * MIB);
	bl_reason_refusal(&f->plan, &in, &a, buf);
	assert_non_null(
		strstr(buf, "; domain 1 keeps 500 MiB itself: its floor (xen.balloon.min in the guest)"));
	assert_null(strstr(buf, "set domain 1"));
	bl_reason_givable(&in, bl_plan_view(&f->plan, 1), buf);
	assert_string_equal(buf, "could give 300 MiB to a claim: its own driver keeps 700 MiB: its floor "
				 "(xen.balloon.min in the guest)");
}

static void says_why(void **state)
{
	static const struct {
		enum bl_refusal refusal;
		const char *want;
	} rows[] = {
		{ BL_REFUSES_MIN, "its floor (xen.balloon.min in the guest)" },
		{ BL_REFUSES_PRESSURE, "memory pressure inside the guest" },
		{ BL_REFUSES_NO_PAGES, "its kernel finds no page to give" },
	};
	struct fixture *f = *state;
	struct bl_override *o = &bl_settings_find(&f->s, &f->snap.doms[0].uuid)->set;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		reports(f, 0, 100)->tele.refusal = rows[i].refusal;
		tell(f, 0, 100);
		o->has_mode = false;
		make(f);
		assert_non_null(
			strstr(reason_of(f, 1), "asked for 100 MiB, its own driver keeps it at 1000 MiB: "));
		assert_non_null(strstr(reason_of(f, 1), rows[i].want));
		/* of one that was set by hand, too */
		o->has_mode = true;
		o->mode = BL_MODE_MANUAL;
		make(f);
		assert_int_equal(bl_plan_view(&f->plan, 1)->state, BL_STATE_STEADY);
		assert_non_null(strstr(reason_of(f, 1), "set by hand to 100 MiB"));
		assert_non_null(strstr(reason_of(f, 1), rows[i].want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(others_take_its_part_at_once),
		TEST(it_comes_round),
		TEST(its_word_is_taken_after_a_while),
		TEST(a_driver_that_keeps_changing_its_mind_is_distrusted),
		TEST(nobody_asks_below_its_own_min),
		TEST(its_min_is_above_its_max),
		TEST(a_lie_keeps_what_it_has),
		TEST(its_own_max),
		TEST(a_claim_that_only_they_could_meet),
		TEST(says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
