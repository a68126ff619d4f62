/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much each guest should have, in numbers small enough to check by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/core/policy.h"

#define GUESTS 3

static void targets(void **state)
{
	static const struct {
		const char *what;
		enum bl_policy_kind kind;
		bool give;
		uint64_t budget;
		/* min, max, have, used, demand, weight */
		struct {
			uint64_t min, max, have, used, demand;
			uint32_t weight;
		} in[GUESTS];
		uint64_t want[GUESTS];
	} rows[] = {
		{ "idle memory stays where nobody needs it",
		  BL_POLICY_DEMAND,
		  false,
		  300,
		  { { 10, 100, 100, 20, 24, 1 }, { 10, 100, 100, 20, 24, 1 }, { 10, 100, 60, 20, 24, 1 } },
		  { 100, 100, 60 } },
		{ "it goes to one who needs it",
		  BL_POLICY_DEMAND,
		  false,
		  200,
		  { { 10, 100, 100, 20, 24, 1 }, { 10, 100, 60, 80, 96, 1 }, { 10, 100, 40, 20, 24, 1 } },
		  { 64, 96, 40 } },
		{ "a claim takes by weight",
		  BL_POLICY_DEMAND,
		  false,
		  120,
		  { { 10, 100, 100, 0, 100, 100 },
		    { 10, 100, 100, 0, 100, 200 },
		    { 10, 20, 20, 0, 20, 100 } },
		  { 37, 63, 20 } },
		{ "never below what is used",
		  BL_POLICY_DEMAND,
		  false,
		  100,
		  { { 10, 100, 100, 90, 100, 1 }, { 10, 100, 100, 5, 6, 1 }, { 10, 100, 50, 40, 48, 1 } },
		  { 90, 10, 40 } },
		{ "nor below min, whatever is missing",
		  BL_POLICY_DEMAND,
		  false,
		  0,
		  { { 50, 100, 100, 0, 100, 1 }, { 50, 100, 30, 0, 100, 1 }, { 50, 100, 50, 0, 100, 1 } },
		  { 50, 30, 50 } },
		{ "min before what is used elsewhere",
		  BL_POLICY_DEMAND,
		  false,
		  130,
		  { { 50, 100, 10, 0, 50, 1 }, { 10, 100, 40, 90, 100, 1 }, { 10, 40, 40, 0, 40, 1 } },
		  { 50, 70, 10 } },
		{ "what is left is given out up to max",
		  BL_POLICY_DEMAND,
		  true,
		  250,
		  { { 10, 100, 30, 20, 24, 1 }, { 10, 100, 30, 20, 24, 1 }, { 10, 40, 30, 20, 24, 1 } },
		  { 100, 100, 40 } },
		{ "max binds one who has more",
		  BL_POLICY_DEMAND,
		  false,
		  300,
		  { { 10, 50, 100, 0, 50, 1 }, { 10, 100, 100, 90, 100, 1 }, { 10, 100, 20, 0, 20, 1 } },
		  { 50, 100, 20 } },
		{ "one g for all",
		  BL_POLICY_PROPORTIONAL,
		  false,
		  150,
		  { { 10, 110, 100, 0, 0, 1 }, { 20, 70, 70, 0, 0, 9 }, { 30, 80, 30, 0, 0, 1 } },
		  { 56, 42, 52 } },
		{ "static leaves what a claim does not need",
		  BL_POLICY_STATIC,
		  false,
		  200,
		  { { 10, 100, 80, 20, 80, 1 }, { 10, 100, 40, 90, 100, 1 }, { 10, 100, 80, 0, 80, 1 } },
		  { 80, 40, 80 } },
		{ "and gives back from what is free",
		  BL_POLICY_STATIC,
		  false,
		  230,
		  { { 10, 100, 80, 20, 80, 1 }, { 10, 100, 40, 0, 100, 1 }, { 10, 100, 80, 0, 80, 1 } },
		  { 80, 70, 80 } },
	};
	struct bl_policy *p = bl_policy_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_guest_in in[GUESTS];
		bl_pages got[GUESTS];

		for (size_t k = 0; k < GUESTS; k++)
			in[k] = (struct bl_guest_in){
				BL_PAGES(rows[i].in[k].min),	BL_PAGES(rows[i].in[k].max),
				BL_PAGES(rows[i].in[k].have),	BL_PAGES(rows[i].in[k].used),
				BL_PAGES(rows[i].in[k].demand), rows[i].in[k].weight
			};
		assert_int_equal(bl_policy_targets(p, rows[i].kind, rows[i].give, in, GUESTS,
						   BL_PAGES(rows[i].budget), got),
				 0);
		for (size_t k = 0; k < GUESTS; k++)
			if (got[k].n != rows[i].want[k])
				fail_msg("%s: %llu %llu %llu", rows[i].what, (unsigned long long)got[0].n,
					 (unsigned long long)got[1].n, (unsigned long long)got[2].n);
	}
	assert_int_equal(bl_policy_targets(p, BL_POLICY_DEMAND, true, NULL, 0, BL_PAGES(5), NULL), 0);
	bl_policy_free(p);
}

static void demand_rises_at_once(void **state)
{
	static const struct {
		uint64_t used;
		uint32_t pressure; /* hundredths of a percent */
		uint64_t want;
	} rows[] = {
		{ 100000, 0, 120000 },	   { 100000, 99, 120000 }, { 100000, 1000, 132000 },
		{ 100000, 10000, 240000 }, { 0, 10000, 0 },	   { UINT64_MAX, 10000, UINT64_MAX },
	};
	struct bl_settings s;

	(void)state;
	bl_settings_init(&s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_telemetry t = { .used = BL_PAGES(rows[i].used), .pressure = rows[i].pressure };

		assert_int_equal(bl_policy_demand(&s, &t, BL_PAGES(50), BL_MS(20)).n, rows[i].want);
	}
}

/* Half of the difference in a minute, however often one looks. */
static void demand_falls_slowly(void **state)
{
	static const uint64_t ticks[] = { 20, 50, 1000, 10000, 60000 };
	struct bl_telemetry t = { .used = BL_PAGES(1000000) };
	struct bl_settings s;

	(void)state;
	bl_settings_init(&s);
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		bl_pages last = BL_PAGES(1200000 + 800000), before;

		for (uint64_t ms = 0; ms < 60000; ms += ticks[i]) {
			before = last;
			last = bl_policy_demand(&s, &t, last, BL_MS(ticks[i]));
			assert_true(last.n <= before.n);
		}
		assert_in_range(last.n, 1200000 + 396000, 1200000 + 400000);
	}
	/* and it ends */
	assert_int_equal(bl_policy_demand(&s, &t, BL_PAGES(2000000), BL_MS(UINT64_MAX)).n, 1200000);
	assert_int_equal(bl_policy_demand(&s, &t, BL_PAGES(1200200), BL_MS(1)).n, 1200000);
}

/* Three alike, and a budget that does not divide: without its page of the
 * remainder, the share of each is the same. */
static void says_who_was_rounded_up(void **state)
{
	static const enum bl_policy_kind kinds[] = { BL_POLICY_DEMAND, BL_POLICY_PROPORTIONAL };
	struct bl_guest_in in[GUESTS];
	struct bl_policy *p = bl_policy_new();
	bl_pages ret[GUESTS];

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < GUESTS; i++)
		in[i] = (struct bl_guest_in){ BL_PAGES(10), BL_PAGES(100), BL_PAGES(100),
					      BL_PAGES(0),  BL_PAGES(100), 1 };
	for (size_t k = 0; k < 2; k++)
		for (uint64_t budget = 150; budget < 153; budget++) {
			assert_int_equal(bl_policy_targets(p, kinds[k], false, in, GUESTS, BL_PAGES(budget),
							   ret),
					 0);
			for (size_t i = 0; i < GUESTS; i++)
				assert_int_equal(ret[i].n - bl_policy_rounded_up(p, i), 50);
		}
	bl_policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets),
		cmocka_unit_test(says_who_was_rounded_up),
		cmocka_unit_test(demand_rises_at_once),
		cmocka_unit_test(demand_falls_slowly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
