/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated guests behave as the world's file says. */
#include "tests/unit/sim-fixture.h"

#include <errno.h>
#include <string.h>

static void moves_at_its_rate(void **state)
{
	struct host h = host(HOST GUEST "used = 500M\n");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 1000);
	assert_int_equal(mib(&h, "g"), 1948);
	run(&h, 60000);
	assert_int_equal(dom(&h, "g")->tot.n, 1024 * MIB);
	target(&h, "g", 1024 + 300);
	run(&h, 3000);
	assert_int_equal(dom(&h, "g")->tot.n, 1324 * MIB);
	end(&h);
}

static void maxmem_bounds_growth(void **state)
{
	struct host h = host(HOST GUEST);

	(void)state;
	apply(&h, "g", BL_ACT_TARGET, 3072 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048);
	apply(&h, "g", BL_ACT_MAXMEM, 2500 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2500);
	end(&h);
}

/* A target and the pages differ by what nobody else knows. */
static void offset_is_the_backends_business(void **state)
{
	struct host h = host(HOST GUEST "offset = 388K\n[guest n]\nmemory=1G\noffset=-1M\n");

	(void)state;
	assert_int_equal(dom(&h, "g")->target.n, dom(&h, "g")->tot.n);
	assert_int_equal(dom(&h, "n")->target.n, dom(&h, "n")->tot.n);
	target(&h, "g", 1024);
	target(&h, "n", 512);
	run(&h, 60000);
	assert_int_equal(dom(&h, "g")->tot.n, 1024 * MIB);
	assert_int_equal(dom(&h, "n")->tot.n, 512 * MIB);
	end(&h);
}

static void manners(void **state)
{
	struct host h = host(HOST "[guest stuck]\nmemory=512M\nbehaviour=stuck\n"
				  "[guest none]\nmemory=512M\nbehaviour=nodriver\n"
				  "[guest slow]\nmemory=512M\nrate=100M\nbehaviour=slow\n"
				  "[guest floor]\nmemory=512M\nbehaviour=floor:400M\n"
				  "[guest paused]\nmemory=512M\npaused=yes\n");
	static const char *const names[] = { "stuck", "none", "slow", "floor", "paused" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		target(&h, names[i], 256);
	run(&h, 10000);
	assert_int_equal(mib(&h, "stuck"), 512);
	assert_int_equal(mib(&h, "none"), 512);
	assert_int_equal(mib(&h, "slow"), 462);
	assert_int_equal(mib(&h, "floor"), 400);
	assert_int_equal(mib(&h, "paused"), 512);
	assert_true(dom(&h, "stuck")->flags & BL_DOM_ANNOUNCED);
	assert_false(dom(&h, "none")->flags & BL_DOM_ANNOUNCED);
	assert_false(dom(&h, "none")->tele.present);
	assert_true(dom(&h, "paused")->flags & BL_DOM_PAUSED);
	set(&h, "paused", "paused", "no");
	set(&h, "stuck", "behaviour", "normal");
	run(&h, 10000);
	assert_int_equal(mib(&h, "paused"), 256);
	assert_int_equal(mib(&h, "stuck"), 256);
	end(&h);
}

static void forgetful_takes_it_back(void **state)
{
	struct host h = host(HOST GUEST "behaviour = forgetful\n");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 11000);
	assert_int_equal(mib(&h, "g"), 1024);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048); /* its maxmem was left alone */
	apply(&h, "g", BL_ACT_TARGET, 1025 * MIB);
	run(&h, 10300);
	apply(&h, "g", BL_ACT_MAXMEM, 1025 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1025);
	end(&h);
}

static void vanishes(void **state)
{
	struct host h = host(HOST GUEST "behaviour = vanish:5s\n");
	struct bl_sim_physinfo p;

	(void)state;
	assert_int_equal(bl_sim_next_change(h.s).n, bl_sim_now(h.s).n + 5000);
	run(&h, 4990);
	assert_non_null(dom(&h, "g"));
	run(&h, 10);
	assert_true(dom(&h, "g")->flags & BL_DOM_DYING);
	run(&h, 1000);
	assert_null(dom(&h, "g"));
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.free.n, 7 * 1024 * MIB - BL_SIM_EMPTY_PAGES);
	assert_int_equal(bl_sim_next_change(h.s).n, UINT64_MAX);
	end(&h);
}

/* A coarse balloon: from above it ends above its target, from below below it. */
static void ends_short(void **state)
{
	struct host h = host(HOST GUEST "behaviour = short:4M\n");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1028);
	target(&h, "g", 1025);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1028); /* nearer than it can come */
	target(&h, "g", 1324);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1320);
	end(&h);
}

static void zombies(void **state)
{
	struct host h = host(HOST GUEST "behaviour = vanish:5s, zombie:512M\n");
	struct bl_sim_physinfo p;

	(void)state;
	run(&h, 4990);
	assert_int_equal(mib(&h, "g"), 2048);
	run(&h, 10000);
	assert_true(dom(&h, "g")->flags & BL_DOM_DYING);
	assert_int_equal(mib(&h, "g"), 512);
	run(&h, 3600000);
	assert_int_equal(mib(&h, "g"), 512);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.free.n, (7 * 1024 - 512) * MIB - 2 * BL_SIM_EMPTY_PAGES -
					   (BL_PAGES_PER_MIB + 2 * 4096)); /* its paging pool stays */
	end(&h);
}

/* At its last target, by whom it was made; once. */
static void reboots(void **state)
{
	struct host h = host(HOST GUEST "behaviour = reboot:30s\noffset = 1M\n[thief t]\nat=1s\nsize=5G\n");
	struct bl_dom before = *dom(&h, "g");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 29990);
	assert_int_equal(mib(&h, "g"), 1024);
	run(&h, 10);
	assert_int_equal(dom(&h, "g")->flags & (BL_DOM_DYING | BL_DOM_REBOOTING),
			 BL_DOM_DYING | BL_DOM_REBOOTING);
	run(&h, 900);
	assert_int_equal(mib(&h, "g"), 1024);
	run(&h, 1100);
	assert_null(dom(&h, "g"));
	run(&h, 3000);
	assert_int_equal(mib(&h, "g"), 1024);
	assert_int_equal(dom(&h, "g")->flags & (BL_DOM_DYING | BL_DOM_REBOOTING | BL_DOM_BUILDING), 0);
	assert_int_not_equal(dom(&h, "g")->domid, before.domid);
	assert_true(bl_uuid_equal(&dom(&h, "g")->uuid, &before.uuid));
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1024);
	end(&h);
}

/* Linux's own driver: on a full host it tries again after 2, 4 and 8 s, then
 * never, whatever becomes free, until its target has another value. */
static void gives_up(void **state)
{
	struct host h = host("[host]\nmemory=4G\ndom0=1G\n" GUEST "type=pv\nbehaviour=gives-up\n"
			     "[guest other]\nmemory=1023M\ntype=pv\n");

	(void)state;
	target(&h, "g", 3072);
	run(&h, 13000); /* 0, 2 and 6 s: refused */
	target(&h, "other", 767);
	run(&h, 10000); /* 14 s: not */
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	run(&h, 20000); /* refused for good: 256 MiB were all */
	target(&h, "other", 512);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	set(&h, "g", "target", "3G"); /* the same value of somebody else wakes nobody */
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	apply(&h, "g", BL_ACT_NUDGE, 3072 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256 + 255);
	assert_int_equal(dom(&h, "g")->target.n, 3072 * MIB);
	run(&h, 20000);
	target(&h, "other", 256);
	run(&h, 20000);				   /* refused for good once more */
	apply(&h, "g", BL_ACT_TARGET, 3072 * MIB); /* ours wakes it, though the value is there */
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256 + 255 + 256);
	end(&h);
}

/* Telemetry: honest, absent, stale, and lies that change by the second. */
static void telemetry(void **state)
{
	struct host h = host(HOST GUEST "used = 900M\n"
					"[guest liar]\nmemory=1G\ntelemetry=lies\n"
					"[guest mute]\nmemory=1G\ntelemetry=no\n");
	uint64_t before;
	bool absurd = false;

	(void)state;
	assert_true(dom(&h, "g")->tele.present);
	assert_int_equal(dom(&h, "g")->tele.used.n, 900 * MIB);
	assert_int_equal(dom(&h, "g")->tele.available.n, 1148 * MIB);
	assert_int_equal(dom(&h, "g")->tele.pressure, 0);
	assert_false(dom(&h, "mute")->tele.present);
	assert_false(dom(&h, "mute")->flags & BL_DOM_ANNOUNCED);
	run(&h, 1500);
	before = dom(&h, "g")->tele.at.n;
	assert_int_equal(before, bl_sim_now(h.s).n - 500);
	set(&h, "g", "used", "2100M");
	assert_true(dom(&h, "g")->tele.pressure > 1000);
	set(&h, "g", "telemetry", "no");
	run(&h, 30000);
	assert_true(dom(&h, "g")->tele.present); /* the last report stays */
	assert_int_equal(bl_sim_now(h.s).n - dom(&h, "g")->tele.at.n, 30000);
	for (int i = 0; i < 20; i++) {
		const struct bl_telemetry *t = &dom(&h, "liar")->tele;

		absurd |= t->used.n > 1 << 30 || t->available.n > 1 << 30;
		assert_true(t->pressure <= 10000);
		run(&h, 1000);
	}
	assert_true(absurd);
	end(&h);
}

/* What its driver says when it stays above its target, or before. */
static void refusals(void **state)
{
	struct host h = host(HOST "[guest felt]\nmemory=512M\nused=100M\nbehaviour=floor:400M\n"
				  "[guest told]\nmemory=512M\nused=100M\nbehaviour=own-min:400M\n"
				  "[guest mute]\nmemory=512M\nbehaviour=floor:400M\ntelemetry=no\n");

	(void)state;
	assert_int_equal(dom(&h, "felt")->tele.refusal, BL_REFUSES_NOT);
	assert_false(dom(&h, "felt")->tele.has_min);
	assert_true(dom(&h, "told")->tele.has_min);
	assert_int_equal(dom(&h, "told")->tele.min.n, 400 * MIB);
	target(&h, "felt", 256);
	target(&h, "told", 256);
	target(&h, "mute", 256);
	run(&h, 10000);
	assert_int_equal(mib(&h, "told"), 400);
	assert_int_equal(dom(&h, "felt")->tele.refusal, BL_REFUSES_PRESSURE);
	assert_int_equal(dom(&h, "told")->tele.refusal, BL_REFUSES_MIN);
	assert_int_equal(dom(&h, "mute")->tele.refusal, BL_REFUSES_NOT);
	target(&h, "felt", 400);
	assert_int_equal(dom(&h, "felt")->tele.refusal, BL_REFUSES_NOT);
	end(&h);
}

/* Somebody's xl: it comes when it comes, stakes, and waits for room. */
static void appears(void **state)
{
	struct host h = host(HOST "[guest big]\nmemory=6G\n"
				  "[guest late]\nmemory=1G\nappear=5s\n");
	uint64_t changes = bl_sim_changes(h.s);

	(void)state;
	run(&h, 6000);
	assert_null(dom(&h, "late")); /* the structures left too little */
	target(&h, "big", 5000);
	run(&h, 9000); /* it tries again after ten seconds */
	assert_non_null(dom(&h, "late"));
	assert_true(dom(&h, "late")->flags & BL_DOM_BUILDING);
	assert_false(dom(&h, "late")->has_target);
	assert_true(dom(&h, "late")->outstanding.n > 0 || dom(&h, "late")->tot.n == 1024 * MIB);
	run(&h, 1000);
	assert_false(dom(&h, "late")->flags & BL_DOM_BUILDING);
	assert_int_equal(dom(&h, "late")->tot.n, 1024 * MIB);
	assert_int_equal(dom(&h, "late")->outstanding.n, 0);
	assert_true(bl_sim_changes(h.s) > changes);
	end(&h);
}

static void thief_takes_what_is_unclaimed(void **state)
{
	static const bl_uuid id = { { 1, 2, 3 } };
	bl_uuid handle = { { 0 } };
	struct host h = host(HOST "[guest g]\nmemory=1G\n[thief t]\nat=1s\nsize=9G\nrate=10G\n");
	struct bl_sim_physinfo p;
	struct bl_err e;
	uint32_t holder;

	(void)state;
	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(3072), -1, &holder, &e), 0);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(1), 0, &holder, &e), -EOPNOTSUPP);
	run(&h, 30000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 3072 * MIB);
	assert_int_equal(p.free.n, p.outstanding.n);
	assert_true(dom(&h, "t")->flags & BL_DOM_BUILDING);
	assert_int_equal(bl_sim_next_change(h.s).n, UINT64_MAX); /* waits for room, not for time */
	assert_int_equal(bl_sim_unstake(h.s, dom(&h, "g")->domid, &handle), -ENOENT);
	assert_int_equal(bl_sim_unstake(h.s, holder, &handle), 0);
	run(&h, 30000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.free.n, 0);
	end(&h);
}

/* `sim create` on a held claim takes that memory and no other. */
static void launch_on_a_claim(void **state)
{
	static const bl_uuid id = { { 1, 2, 3 } };
	bl_uuid handle = { { 0 } };
	struct host h = host(HOST "[guest g]\nmemory=1G\n");
	struct bl_sim_launch l = { .name = "new", .size = BL_MIB_PAGES(4096), .max = BL_MIB_PAGES(4096) };
	struct bl_sim_physinfo p;
	struct bl_err e;
	uint32_t holder, domid;

	(void)state;
	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(4096), -1, &holder, &e), 0);
	assert_string_equal(dom(&h, "balloond-claim-01020300-0000-0000-0000-000000000000")->name + 15,
			    "01020300-0000-0000-0000-000000000000");
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOMEM);
	assert_int_equal(e.id, BL_ERR_NO_MEMORY);
	l.holder = &id; /* nobody's handle */
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOENT);
	l.holder = &handle;
	l.size = l.max = BL_MIB_PAGES(7000);
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOMEM);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 4096 * MIB); /* the claim still stands */
	l.size = l.max = BL_MIB_PAGES(4096);
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), 0);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 4096 * MIB);
	assert_int_equal(bl_sim_unstake(h.s, holder, &handle), -ENOENT);
	run(&h, 2000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 0);
	assert_int_equal(mib(&h, "new"), 4096);
	end(&h);
}

static void external_writers_show(void **state)
{
	struct host h = host(HOST GUEST);

	(void)state;
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	target(&h, "g", 1500);
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	set(&h, "g", "target", "1800M");
	assert_true(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1800);
	assert_true(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	bl_sim_adopt(h.s, dom(&h, "g")->domid);
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_at_its_rate),
		cmocka_unit_test(maxmem_bounds_growth),
		cmocka_unit_test(offset_is_the_backends_business),
		cmocka_unit_test(manners),
		cmocka_unit_test(forgetful_takes_it_back),
		cmocka_unit_test(vanishes),
		cmocka_unit_test(ends_short),
		cmocka_unit_test(zombies),
		cmocka_unit_test(reboots),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(telemetry),
		cmocka_unit_test(refusals),
		cmocka_unit_test(appears),
		cmocka_unit_test(thief_takes_what_is_unclaimed),
		cmocka_unit_test(launch_on_a_claim),
		cmocka_unit_test(external_writers_show),
	};

	return cmocka_run_group_tests_name("sim-guests", tests, NULL, NULL);
}
