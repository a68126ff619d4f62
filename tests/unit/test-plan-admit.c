/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan says of claims: whether one fits, now or ever, and how long it takes. */
#include "tests/unit/plan-fixture.h"

#include <inttypes.h>

static void says_what_a_claim_would_meet(void **state)
{
	static const struct {
		uint64_t mib;
		enum bl_verdict verdict;
	} rows[] = {
		{ 1500, BL_FITS_NOW },	 { 1501, BL_FITS_RECLAIM }, { 3100, BL_FITS_RECLAIM },
		{ 3101, BL_FITS_LATER }, { 3600, BL_FITS_LATER },   { 3601, BL_FITS_NEVER },
	};
	struct fixture *f = *state;
	struct bl_admission a;

	add_claim(f, 500, 500);
	make(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bl_plan_admit(&f->plan, BL_MIB_PAGES(rows[i].mib - 10), BL_MIB_PAGES(10), NULL, &a);
		if (a.verdict != rows[i].verdict)
			fail_msg("%" PRIu64 " MiB: %d", rows[i].mib, (int)a.verdict);
		assert_int_equal(a.most.n, 3600 * MIB);
		assert_int_equal(a.reclaimable.n, 1600 * MIB);
		assert_int_equal(a.claims.n, 500 * MIB);
	}
}

/* One that waits meets what it would meet anew: it does not stand in its own way. */
static void a_waiting_claim_is_not_in_its_own_way(void **state)
{
	static const uint64_t sizes[] = { 1600, 3000, 3200 };
	struct fixture *f = *state;

	add_claim(f, 500, 500);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bl_admission anew, again;
		struct bl_claim *c;

		make(f);
		bl_plan_admit(&f->plan, BL_MIB_PAGES(sizes[i]), BL_PAGES(0), NULL, &anew);
		c = add_claim(f, sizes[i], sizes[i]);
		make(f);
		bl_plan_admit_again(&f->plan, &f->snap, c, &again);
		assert_int_equal(again.verdict, anew.verdict);
		assert_int_equal(again.available.n, anew.available.n);
		assert_int_equal(again.claims.n, 500 * MIB);
		assert_int_equal(again.most.n, anew.most.n);
		assert_ptr_equal(again.of, c);
		bl_ledger_remove(&f->ledger, c);
	}
}

static void counts_on_what_goes_and_what_comes_back(void **state)
{
	static const struct {
		unsigned flags;		/* of the second guest */
		uint64_t reclaim, most; /* the most that fits so, in MiB */
	} rows[] = {
		{ 0, 3600, 3600 },
		{ BL_DOM_DYING, 3800, 3800 },
		{ BL_DOM_PAUSED, 2800, 3600 },
		{ BL_DOM_MIGRATING, 2800, 3600 },
		{ BL_DOM_NO_BALLOON, 2800, 2800 },
	};
	struct fixture *f = *state;
	struct bl_admission a;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->snap.doms[1].flags = BL_DOM_ANNOUNCED | rows[i].flags;
		make(f);
		bl_plan_admit(&f->plan, BL_MIB_PAGES(rows[i].reclaim), BL_PAGES(0), NULL, &a);
		assert_int_equal(a.verdict, BL_FITS_RECLAIM);
		assert_int_equal(a.most.n, rows[i].most * MIB);
		bl_plan_admit(&f->plan, BL_MIB_PAGES(rows[i].reclaim + 1), BL_PAGES(0), NULL, &a);
		assert_true(a.verdict > BL_FITS_RECLAIM);
	}
}

/* What is being built has what it has, and gives nothing to its own claim. */
static void gives_nothing_to_itself(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];
	struct bl_admission a;

	d->flags |= BL_DOM_BUILDING;
	d->tot = BL_MIB_PAGES(100);
	d->max_pages = BL_MIB_PAGES(2500);
	f->snap.free = BL_MIB_PAGES(2900);
	make(f);
	/* 2900 are free and 800 the other guest's to give; 100 it has */
	bl_plan_admit(&f->plan, BL_MIB_PAGES(3000), BL_PAGES(0), d, &a);
	assert_int_equal(a.verdict, BL_FITS_NOW);
	bl_plan_admit(&f->plan, BL_MIB_PAGES(3800), BL_PAGES(0), d, &a);
	assert_int_equal(a.verdict, BL_FITS_RECLAIM);
	bl_plan_admit(&f->plan, BL_MIB_PAGES(3801), BL_PAGES(0), d, &a);
	assert_int_equal(a.verdict, BL_FITS_NEVER);
}

static void says_how_long(void **state)
{
	struct fixture *f = *state;
	struct bl_plan_in in = in_of(f);
	struct bl_claim *first = add_claim(f, 2400, 2400), *second = add_claim(f, 200, 200);

	make(f);
	assert_int_equal(bl_plan_eta(&f->plan, &in, first).n, BL_MS_NEVER.n); /* no rate yet */
	bl_progress_find(&f->progress, 1)->rate = 100 * MIB;
	bl_progress_find(&f->progress, 2)->rate = 50 * MIB;
	make(f);
	/* 300 of each: 400 together after 2667 ms, 600 after 6 s, the slow one's time */
	assert_int_equal(bl_plan_eta(&f->plan, &in, first).n, 2667);
	assert_int_equal(bl_plan_eta(&f->plan, &in, second).n, 6000);
	in.paused = true;
	assert_int_equal(bl_plan_eta(&f->plan, &in, first).n, BL_MS_NEVER.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(says_what_a_claim_would_meet),
		TEST(a_waiting_claim_is_not_in_its_own_way),
		TEST(counts_on_what_goes_and_what_comes_back),
		TEST(gives_nothing_to_itself),
		TEST(says_how_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
