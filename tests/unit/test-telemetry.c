/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest writes is hostile: each row is taken, or is as if it were not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/core/telemetry.h"

static const struct {
	const char *text;
	bool good;
	uint64_t seq, used, available;
	uint32_t pressure;
} stats[] = {
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4", true, 1, 2, 3, 4 },
	{ "v=1 psi=10000 avail_kib=0 used_kib=17592186044416 seq=9999999999999999999", true,
	  9999999999999999999U, UINT64_C(17592186044416), 0, 10000 },
	{ "v=1 seq=01 used_kib=2 avail_kib=3 psi=4", true, 1, 2, 3, 4 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 new=77", true, 1, 2, 3, 4 },
	{ "v=1 seq=1 state=3 reason=2 used_kib=2 avail_kib=3 psi=4 oom=1", true, 1, 2, 3, 4 },
	{ "v=1 seq=1 state=99 reason=9999999999999999999 used_kib=2 avail_kib=3 psi=4", true, 1, 2, 3, 4 },
	{ "v=1 seq=1 min_kib=17592186044416 used_kib=2 avail_kib=3 psi=4", true, 1, 2, 3, 4 },
	{ "v=1 state=0 reason=0 current_kib=1 target_kib=1 min_kib=1 max_kib=1 total_kib=1 swap_kib=1 "
	  "psi_full=1 refaults=1 oom=1",
	  false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 min_kib=1 min_kib=1", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 state=3 state=0", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 oom=0 reason=1 oom=0", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 min_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 max_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 swap_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 current_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 target_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 total_kib=17592186044417", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 psi_full=10001", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 state=-1", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 reason=", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 oom=99999999999999999999", false, 0, 0, 0, 0 },
	{ "", false, 0, 0, 0, 0 },
	{ "v=1", false, 0, 0, 0, 0 },
	{ "v=1 ", false, 0, 0, 0, 0 },
	{ "v=2 seq=1 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=11 seq=1 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "seq=1 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 ", false, 0, 0, 0, 0 },
	{ "v=1  seq=1 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 seq=1 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=-2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=0x2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib= avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 =2 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=17592186044417 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=10001", false, 0, 0, 0, 0 },
	{ "v=1 seq=99999999999999999999 used_kib=2 avail_kib=3 psi=4", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4\n", false, 0, 0, 0, 0 },
	{ "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 new=x", false, 0, 0, 0, 0 },
};

static void test_stat(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		struct bl_telemetry_stat got = { .seq = 77 };
		bool good = bl_telemetry_parse_stat(stats[i].text, strlen(stats[i].text), &got);

		if (good != stats[i].good)
			fail_msg("'%s' was %s", stats[i].text, good ? "taken" : "refused");
		assert_int_equal(got.seq, good ? stats[i].seq : 77);
		if (!good)
			continue;
		assert_int_equal(got.used.n, stats[i].used);
		assert_int_equal(got.available.n, stats[i].available);
		assert_int_equal(got.pressure, stats[i].pressure);
	}
}

/* Every key comes to its own place, and says that it came. */
static void test_stat_whole(void **state)
{
	static const char old[] = "v=1 seq=1 used_kib=2 avail_kib=3 psi=4";
	static const char all[] =
		"v=1 seq=1 state=3 reason=5 current_kib=11 target_kib=12 min_kib=13 max_kib=14 used_kib=15 "
		"avail_kib=16 total_kib=17 swap_kib=18 psi=19 psi_full=20 refaults=21 oom=22";
	struct bl_telemetry_stat got;

	(void)state;
	assert_true(bl_telemetry_parse_stat(all, strlen(all), &got));
	assert_int_equal(got.has, (1U << 11) - 1);
	assert_int_equal(got.state, BL_STAT_REFUSES);
	assert_int_equal(got.reason, BL_STAT_NO_PAGES);
	assert_int_equal(got.current.n, 11);
	assert_int_equal(got.target.n, 12);
	assert_int_equal(got.min.n, 13);
	assert_int_equal(got.max.n, 14);
	assert_int_equal(got.used.n, 15);
	assert_int_equal(got.available.n, 16);
	assert_int_equal(got.total.n, 17);
	assert_int_equal(got.swap.n, 18);
	assert_int_equal(got.pressure, 19);
	assert_int_equal(got.pressure_full, 20);
	assert_int_equal(got.refaults, 21);
	assert_int_equal(got.oom, 22);
	assert_true(bl_telemetry_parse_stat(old, strlen(old), &got));
	assert_int_equal(got.has, 0);
	assert_int_equal(got.min.n, 0);
}

static void test_stat_bytes(void **state)
{
	char big[BL_TELEMETRY_STAT_MAX + 2];
	static const char nul[] = "v=1 seq=1 used_kib=2 avail_kib=3 psi=4\0x";
	static const char start[] = "v=1 seq=1 used_kib=2 avail_kib=3 psi=4 ";
	struct bl_telemetry_stat got;

	(void)state;
	assert_false(bl_telemetry_parse_stat(nul, sizeof(nul) - 1, &got));
	memset(big, 'k', sizeof(big));
	memcpy(big, start, strlen(start));
	memcpy(big + BL_TELEMETRY_STAT_MAX - 2, "=1", 2);
	assert_true(bl_telemetry_parse_stat(big, BL_TELEMETRY_STAT_MAX, &got));
	memcpy(big + BL_TELEMETRY_STAT_MAX - 1, "=1", 2);
	assert_false(bl_telemetry_parse_stat(big, BL_TELEMETRY_STAT_MAX + 1, &got));
}

static void test_kib(void **state)
{
	static const char *const bad[] = {
		"",   " 1", "1 ", "-1", "+1", "1K", "0x1", "1.0", "17592186044417", "99999999999999999999",
		"1\n"
	};
	bl_kib got = { 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (bl_telemetry_parse_kib(bad[i], strlen(bad[i]), &got))
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(got.n, 5);
	assert_true(bl_telemetry_parse_kib("17592186044416", 14, &got));
	assert_int_equal(got.n, BL_TELEMETRY_KIB_MAX);
	assert_true(bl_telemetry_parse_kib("0", 1, &got));
	assert_int_equal(got.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_whole),
		cmocka_unit_test(test_stat_bytes),
		cmocka_unit_test(test_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
