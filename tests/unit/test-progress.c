/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is learned of a guest from how its pages follow its target: each row of
 * a story is one look at the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "lib/core/progress.h"

#define MIB UINT64_C(256)
#define S UINT64_C(1000)

#define AT_LIMIT (1U << 30) /* beside its flags: the hypervisor lets it have no more */

enum { PROVEN = 1, INCAPABLE = 2, NO_GIVE = 4, NO_TAKE = 8 };

struct look {
	uint64_t ms, tot, target;
	unsigned flags; /* of the domain */
	unsigned learned;
};

static unsigned learned(const struct bl_track *t, bl_ms now)
{
	(void)now;
	return (t->proven ? PROVEN : 0U) | (t->incapable ? INCAPABLE : 0U) |
	       (t->stuck & BL_STUCK_GIVING ? NO_GIVE : 0U) | (t->stuck & BL_STUCK_TAKING ? NO_TAKE : 0U);
}

static void tell(const char *what, const struct look *looks, size_t n, bl_pages trust)
{
	struct bl_progress p = { 0 };
	struct bl_settings s;
	struct bl_snapshot snap = { 0 };

	bl_settings_init(&s);
	for (size_t i = 0; i < n; i++) {
		struct bl_dom *d;
		unsigned got;

		bl_snapshot_reset(&snap);
		snap.now = BL_MS(1000000 + looks[i].ms);
		d = bl_snapshot_add(&snap);
		d->domid = 1;
		d->has_target = true;
		d->tot = BL_PAGES(looks[i].tot);
		d->target = BL_PAGES(looks[i].target);
		d->max_pages = looks[i].flags & AT_LIMIT ? d->tot : bl_pages_max(d->tot, d->target);
		d->flags = looks[i].flags & ~AT_LIMIT;
		assert_int_equal(bl_progress_update(&p, &s, &snap), 0);
		got = learned(bl_progress_find(&p, 1), snap.now);
		if (got != looks[i].learned)
			fail_msg("%s: look %zu: %u instead of %u", what, i, got, looks[i].learned);
	}
	if (bl_progress_find(&p, 1)->trust.n != trust.n)
		fail_msg("%s: trusted with %llu", what,
			 (unsigned long long)bl_progress_find(&p, 1)->trust.n);
	bl_progress_free(&p);
	bl_snapshot_free(&snap);
}

#define TELL(what, trust, ...)                                                                              \
	do {                                                                                                \
		static const struct look looks[] = { __VA_ARGS__ };                                         \
		tell(what, looks, sizeof(looks) / sizeof(looks[0]), BL_PAGES(trust));                       \
	} while (0)

static void proves_itself(void **state)
{
	(void)state;
	TELL("a driver that announces itself", UINT64_MAX, { 0, 5000, 5000, BL_DOM_ANNOUNCED, PROVEN });
	TELL("a probe answered at leisure", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 5000, 5000 - MIB, 0, 0 }, { 40, 4900, 5000 - MIB, 0, 0 },
	     { 60, 5000 - MIB, 5000 - MIB, 0, PROVEN });
	TELL("a probe that was under way when it was looked at", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 4900, 5000 - MIB, 0, 0 }, { 40, 5000 - MIB, 5000 - MIB, 0, PROVEN });
	TELL("a grant that was under way when it was looked at", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 5100, 5000 + MIB, 0, 0 }, { 40, 5000 + MIB, 5000 + MIB, 0, PROVEN });
	TELL("a probe answered between two looks", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 5000 - MIB, 5000 - MIB, 0, PROVEN });
	TELL("pages that move of themselves prove nothing", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 4000, 5000, 0, 0 }, { 40, 4000, 4000, 0, 0 });
	TELL("nor does a target that comes to the pages", UINT64_MAX, { 0, 5000, 5000, 0, 0 },
	     { 20, 5000, 4000, 0, 0 }, { 40, 4950, 4000, 0, 0 }, { 60, 4950, 4950, 0, 0 });
}

static void lags(void **state)
{
	(void)state;
	TELL("nothing for stuck-after", UINT64_MAX, { 0, 9000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 20, 9000, 4000, BL_DOM_DRIVER, PROVEN }, { 5 * S + 19, 9000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 5 * S + 20, 9000, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     /* and it comes round */
	     { 9 * S, 8000, 4000, BL_DOM_DRIVER, PROVEN });
	TELL("a page now and then is nothing", UINT64_MAX, { 0, 9000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 20, 9000, 4000, BL_DOM_DRIVER, PROVEN }, { 3 * S, 8900, 4000, BL_DOM_DRIVER, PROVEN },
	     { 6 * S, 8800, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 12 * S, 8700, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 18 * S, 8600, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE });
	TELL("told something else meanwhile, it still lags", UINT64_MAX,
	     { 0, 9000, 9000, BL_DOM_DRIVER, PROVEN }, { 20, 9000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 6 * S, 9000, 5000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     /* asked for nothing any more it is what it was, until its pages move */
	     { 7 * S, 9000, 9000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 900 * S, 9000, 9000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 901 * S, 9000, 7000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 902 * S, 8000, 7000, BL_DOM_DRIVER, PROVEN });
	TELL("a grant not taken", 4000 / 12, { 0, 4000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 20, 4000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 6 * S, 4000, 9000, BL_DOM_DRIVER, PROVEN | NO_TAKE });
	TELL("and trust that grows again", 4000 / 12 * 2, { 0, 4000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 20, 4000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 6 * S, 4000, 9000, BL_DOM_DRIVER, PROVEN | NO_TAKE },
	     { 7 * S, 4000, 4000 + MIB, BL_DOM_DRIVER, PROVEN | NO_TAKE },
	     { 8 * S, 4000 + MIB, 4000 + MIB, BL_DOM_DRIVER, PROVEN });
	TELL("whichever way they move", UINT64_MAX, { 0, 9000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 20, 9000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 6 * S, 9000, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 7 * S, 9000, 12000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
	     { 8 * S, 12000, 12000, BL_DOM_DRIVER, PROVEN });
}

/* A coarse balloon, and one that ends a little off each target, are as good as others. */
static void is_a_little_inexact(void **state)
{
	const uint64_t size = 6 * 1024 * MIB, probe = size - 40 * MIB;

	(void)state;
	assert_int_equal(bl_tolerance(BL_PAGES(size)).n, 16 * MIB);
	assert_int_equal(bl_tolerance(BL_PAGES(256 * MIB)).n, 8 * MIB);
	assert_int_equal(bl_probe(BL_PAGES(size)).n, 40 * MIB);
	assert_int_equal(bl_probe(BL_PAGES(120 * MIB)).n, 10 * MIB);
	tell("a probe that ends 16 MiB and a superpage short",
	     (const struct look[]){ { 0, size, size, 0, 0 },
				    { 20, size, probe, 0, 0 },
				    { 40, probe + 16 * MIB, probe, 0, PROVEN },
				    { 600 * S, probe + 16 * MIB, probe, 0, PROVEN } },
	     4, BL_PAGES(UINT64_MAX));
	tell("less than half of a probe proves nothing",
	     (const struct look[]){ { 0, size, size, 0, 0 },
				    { 20, size, probe, 0, 0 },
				    { 40, size - 19 * MIB, probe, 0, 0 },
				    { 5 * S + 60, size - 19 * MIB, probe, 0, NO_GIVE } },
	     4, BL_PAGES(UINT64_MAX));
	tell("more than half of a probe at once proves a balloon, though it ends too far away",
	     (const struct look[]){ { 0, size, size, 0, 0 },
				    { 20, size - 23 * MIB, probe, 0, 0 },
				    { 5 * S + 60, size - 23 * MIB, probe, 0, PROVEN | NO_GIVE },
				    { 600 * S, size - 23 * MIB, probe, 0, PROVEN | NO_GIVE } },
	     4, BL_PAGES(UINT64_MAX));
	tell("one page short for ever is no fault",
	     (const struct look[]){ { 0, size, size, BL_DOM_DRIVER, PROVEN },
				    { 20, size, size / 2, BL_DOM_DRIVER, PROVEN },
				    { 40, size / 2 + 1, size / 2, BL_DOM_DRIVER, PROVEN },
				    { 600 * S, size / 2 + 1, size / 2, BL_DOM_DRIVER, PROVEN } },
	     4, BL_PAGES(UINT64_MAX));
}

static void has_no_balloon(void **state)
{
	(void)state;
	TELL("a probe without an answer for boot-grace", UINT64_MAX, { 0, 9000, 9000, 0, 0 },
	     { 20, 9000, 9000 - MIB, 0, 0 }, { 6 * S, 9000, 9000 - MIB, 0, NO_GIVE },
	     { 60 * S, 9000, 9000 - MIB, 0, NO_GIVE },
	     { 60 * S + 20, 9000, 9000 - MIB, 0, NO_GIVE | INCAPABLE },
	     /* its driver was loaded late */
	     { 90 * S, 9000 - MIB, 9000 - MIB, 0, PROVEN });
}

static void time_stands_still(void **state)
{
	static const unsigned frozen[] = { BL_DOM_PAUSED, BL_DOM_MIGRATING, BL_DOM_BUILDING, BL_DOM_DYING };

	(void)state;
	for (size_t i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++) {
		const struct look looks[] = {
			{ 0, 9000, 9000, BL_DOM_DRIVER, PROVEN },
			{ 20, 9000, 4000, BL_DOM_DRIVER, PROVEN },
			{ 4 * S, 9000, 4000, BL_DOM_DRIVER | frozen[i], PROVEN },
			{ 100 * S, 9000, 4000, BL_DOM_DRIVER | frozen[i], PROVEN },
			{ 104 * S, 9000, 4000, BL_DOM_DRIVER, PROVEN },
			{ 110 * S, 9000, 4000, BL_DOM_DRIVER, PROVEN | NO_GIVE },
		};

		tell("frozen", looks, sizeof(looks) / sizeof(looks[0]), BL_PAGES(UINT64_MAX));
	}
}

/* Where its limit keeps it, it is not its balloon that fails. */
static void held_at_its_limit(void **state)
{
	(void)state;
	TELL("a target above its limit", UINT64_MAX, { 0, 4000, 4000, BL_DOM_DRIVER, PROVEN },
	     { 20, 4000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 3 * S, 5000, 9000, BL_DOM_DRIVER | AT_LIMIT, PROVEN },
	     { 90 * S, 5000, 9000, BL_DOM_DRIVER | AT_LIMIT, PROVEN },
	     /* from where its limit rises it has its time */
	     { 91 * S, 5000, 9000, BL_DOM_DRIVER, PROVEN }, { 95 * S, 5000, 9000, BL_DOM_DRIVER, PROVEN },
	     { 97 * S, 9000, 9000, BL_DOM_DRIVER, PROVEN });
}

static void comes_and_goes(void **state)
{
	struct bl_progress p = { 0 };
	struct bl_settings s;
	struct bl_snapshot snap = { .now = BL_MS(1000) };
	struct bl_dom *d;

	(void)state;
	bl_settings_init(&s);
	bl_snapshot_add(&snap)->domid = 1;
	bl_snapshot_add(&snap)->domid = 2;
	d = bl_snapshot_add(&snap);
	d->domid = 3;
	d->flags = BL_DOM_HOLDER;
	bl_progress_update(&p, &s, &snap);
	assert_non_null(bl_progress_find(&p, 1));
	assert_null(bl_progress_find(&p, 3));
	assert_false(bl_track_booting(bl_progress_find(&p, 1), &s, snap.now));
	/* 1 goes, its domid comes round; 4 is new */
	snap.now = BL_MS(2000);
	snap.doms[0].uuid.b[0] = 1;
	snap.doms[1].domid = 4;
	bl_progress_update(&p, &s, &snap);
	assert_true(bl_track_booting(bl_progress_find(&p, 1), &s, snap.now));
	assert_true(bl_track_booting(bl_progress_find(&p, 4), &s, BL_MS(61999)));
	assert_false(bl_track_booting(bl_progress_find(&p, 4), &s, BL_MS(62000)));
	assert_null(bl_progress_find(&p, 2));
	assert_int_equal(HASH_COUNT(p.tracks), 2);
	bl_progress_free(&p);
	bl_snapshot_free(&snap);
}

static void telemetry_grows_stale(void **state)
{
	struct bl_progress p = { 0 };
	struct bl_settings s;
	struct bl_snapshot snap = { .now = BL_MS(1000) };
	struct bl_dom *d = bl_snapshot_add(&snap);

	(void)state;
	bl_settings_init(&s);
	d->domid = 1;
	d->tele = (struct bl_telemetry){ .present = true, .at = BL_MS(1000), .used = BL_PAGES(1000) };
	bl_progress_update(&p, &s, &snap);
	assert_true(bl_progress_find(&p, 1)->fresh);
	assert_true(bl_progress_find(&p, 1)->proven);
	assert_int_equal(bl_progress_find(&p, 1)->demand.n, 1200);
	snap.now = BL_MS(31001);
	bl_progress_update(&p, &s, &snap);
	assert_false(bl_progress_find(&p, 1)->fresh);
	assert_int_equal(bl_progress_find(&p, 1)->demand.n, 0);
	bl_progress_free(&p);
	bl_snapshot_free(&snap);
}

/* What came into use since the report before is wanted once more, until the next. */
static void demand_runs_ahead(void **state)
{
	static const struct {
		uint64_t ms, at, used, oom, want;
	} rows[] = {
		{ 1000, 1000, 1000000, 5, 1200000 },
		{ 1020, 1000, 1000000, 5, 1200000 },
		{ 2000, 2000, 1100000, 5, 1320000 + 100000 },
		{ 2500, 2000, 1100000, 5, 1320000 + 100000 }, /* no newer one */
		{ 3000, 3000, 1100000, 5, 1320000 },
		{ 4000, 4000, 1100000, 6, 2640000 }, /* its kernel killed somebody */
		{ 64000, 4000, 1100000, 6, 0 },
		{ 65000, 65000, 1300000, 7, 1560000 }, /* after a silence, as at first */
		{ 66000, 66000, UINT64_MAX, 7, UINT64_MAX },
	};
	struct bl_progress p = { 0 };
	struct bl_settings s;
	struct bl_snapshot snap = { 0 };
	struct bl_dom *d = bl_snapshot_add(&snap);

	(void)state;
	bl_settings_init(&s);
	d->domid = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snap.now = BL_MS(rows[i].ms);
		d->tele = (struct bl_telemetry){ .present = true,
						 .at = BL_MS(rows[i].at),
						 .used = BL_PAGES(rows[i].used),
						 .has_oom_kills = true,
						 .oom_kills = rows[i].oom };
		bl_progress_update(&p, &s, &snap);
		if (bl_progress_find(&p, 1)->demand.n != rows[i].want)
			fail_msg("at %" PRIu64 " it wants %" PRIu64, rows[i].ms,
				 bl_progress_find(&p, 1)->demand.n);
	}
	bl_progress_free(&p);
	bl_snapshot_free(&snap);
}

static void measures_rates(void **state)
{
	struct bl_progress p = { 0 };
	struct bl_settings s;
	struct bl_snapshot snap = { 0 };
	struct bl_dom *d = bl_snapshot_add(&snap);

	(void)state;
	bl_settings_init(&s);
	d->domid = 1;
	d->has_target = true;
	d->target = d->tot = BL_PAGES(100000);
	for (uint64_t ms = 0; ms <= 1000; ms += 50) {
		snap.now = BL_MS(ms);
		bl_progress_update(&p, &s, &snap);
		d->target = BL_PAGES(1000);
		if (ms >= 50)
			d->tot.n -= 1000;
	}
	assert_int_equal(bl_progress_find(&p, 1)->rate, 20000);
	bl_progress_free(&p);
	bl_snapshot_free(&snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proves_itself),       cmocka_unit_test(lags),
		cmocka_unit_test(is_a_little_inexact), cmocka_unit_test(has_no_balloon),
		cmocka_unit_test(time_stands_still),   cmocka_unit_test(held_at_its_limit),
		cmocka_unit_test(comes_and_goes),      cmocka_unit_test(telemetry_grows_stale),
		cmocka_unit_test(demand_runs_ahead),   cmocka_unit_test(measures_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
