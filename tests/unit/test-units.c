/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversions and sums at the edges of a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/core/units.h"

#define MAX UINT64_MAX

static void converts(void **state)
{
	static const struct {
		uint64_t bytes, floor, ceil;
	} rows[] = {
		{ 0, 0, 0 },	{ 1, 0, 1 },	{ 4095, 0, 1 },
		{ 4096, 1, 1 }, { 4097, 1, 2 }, { MAX, MAX / 4096, MAX / 4096 + 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(bl_pages_from_bytes_floor(BL_BYTES(rows[i].bytes)).n, rows[i].floor);
		assert_int_equal(bl_pages_from_bytes_ceil(BL_BYTES(rows[i].bytes)).n, rows[i].ceil);
	}
	assert_int_equal(bl_pages_from_kib_floor(BL_KIB(7)).n, 1);
	assert_int_equal(bl_pages_from_kib_ceil(BL_KIB(5)).n, 2);
	assert_int_equal(bl_pages_from_kib_ceil(BL_KIB(MAX)).n, MAX / 4 + 1);
	assert_int_equal(bl_pages_to_bytes(BL_PAGES(3)).n, 12288);
	assert_int_equal(bl_pages_to_kib(BL_PAGES(3)).n, 12);
}

static void nothing_wraps(void **state)
{
	(void)state;
	assert_int_equal(bl_pages_add(BL_PAGES(MAX), BL_PAGES(1)).n, MAX);
	assert_int_equal(bl_pages_add(BL_PAGES(MAX - 1), BL_PAGES(1)).n, MAX);
	assert_int_equal(bl_pages_sub(BL_PAGES(1), BL_PAGES(2)).n, 0);
	assert_int_equal(bl_pages_to_bytes(BL_PAGES(MAX / 4096 + 1)).n, MAX);
	assert_int_equal(bl_pages_to_kib(BL_PAGES(MAX)).n, MAX / 4096 * 4);
	assert_int_equal(bl_ms_add(BL_MS(MAX), BL_MS(1)).n, MAX);
	assert_int_equal(bl_ms_add(BL_MS_NEVER, BL_MS(1)).n, BL_MS_NEVER.n);
	assert_int_equal(bl_ms_since(BL_MS(1), BL_MS(2)).n, 0);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(MAX), 200).n, MAX);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(MAX), 100).n, MAX);
}

static void shares_round_up(void **state)
{
	(void)state;
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(0), 50).n, 0);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(1), 1).n, 1);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(200), 1).n, 2);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(201), 1).n, 3);
	assert_int_equal(bl_pages_percent_ceil(BL_PAGES(201), 0).n, 0);
}

static void clamps(void **state)
{
	(void)state;
	assert_int_equal(bl_pages_clamp(BL_PAGES(5), BL_PAGES(1), BL_PAGES(9)).n, 5);
	assert_int_equal(bl_pages_clamp(BL_PAGES(0), BL_PAGES(1), BL_PAGES(9)).n, 1);
	assert_int_equal(bl_pages_clamp(BL_PAGES(10), BL_PAGES(1), BL_PAGES(9)).n, 9);
	/* a max below min: min wins */
	assert_int_equal(bl_pages_clamp(BL_PAGES(5), BL_PAGES(8), BL_PAGES(3)).n, 8);
}

static void compares(void **state)
{
	static const uint64_t n[] = { 0, 1, MAX - 1, MAX };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(bl_pages_is_zero(BL_PAGES(n[i])), i == 0);
		assert_int_equal(bl_ms_is_never(BL_MS(n[i])), i == 3);
		for (size_t k = 0; k < 4; k++) {
			bl_pages p = BL_PAGES(n[i]), q = BL_PAGES(n[k]);

			assert_int_equal(bl_pages_lt(p, q), i < k);
			assert_int_equal(bl_pages_le(p, q), i <= k);
			assert_int_equal(bl_pages_gt(p, q), i > k);
			assert_int_equal(bl_pages_ge(p, q), i >= k);
			assert_int_equal(bl_pages_eq(p, q), i == k);
			assert_int_equal(bl_ms_lt(BL_MS(n[i]), BL_MS(n[k])), i < k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(converts),	   cmocka_unit_test(nothing_wraps),
		cmocka_unit_test(shares_round_up), cmocka_unit_test(clamps),
		cmocka_unit_test(compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
