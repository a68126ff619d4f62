/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets are learned from guests that stand still, and from no others; who is
 * being saved is found among the processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/xen/conflicts.h"
#include "daemon/xen/offset.h"
#include "daemon/xen/proc.h"
#include "daemon/xen/saving.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/fake-proc.h"

#define VIDEORAM BL_PAGES(4096)

/* A look each 100 ms for so long; from the time *now. */
static void look_for(struct bd_xen_offset *o, bl_ms *now, uint64_t tot, uint64_t target, bool untouched,
		     uint64_t ms)
{
	for (uint64_t end = now->n + ms; now->n < end; now->n += 100)
		bd_xen_offset_observe(o, BL_PAGES(tot), BL_PAGES(target), VIDEORAM, untouched, *now);
}

static void test_untouched(void **state)
{
	struct bd_xen_offset o = { 0 };
	bl_ms now = { 1000 };

	(void)state;
	look_for(&o, &now, 65552, 65536, true, 300);
	assert_false(o.known);
	assert_true(bd_xen_offset_soon(&o, now));
	look_for(&o, &now, 65552, 65536, true, 200);
	assert_true(o.known);
	assert_int_equal(o.value, 16);
	assert_false(bd_xen_offset_soon(&o, now));
	assert_int_equal(bd_xen_offset_add(&o, BL_PAGES(100)).n, 116);
	assert_int_equal(bd_xen_offset_sub(&o, BL_PAGES(100)).n, 84);
	assert_int_equal(bd_xen_offset_sub(&o, BL_PAGES(5)).n, 0);
	/* While it boots, firmware takes a little more; it still was never moved. */
	look_for(&o, &now, 65563, 65536, true, 600);
	assert_int_equal(o.value, 27);
}

/* Somebody may have sent it on its way before we looked: it must stand still for long. */
static void test_found_moved(void **state)
{
	struct bd_xen_offset o = { 0 };
	bl_ms now = { 1000 };

	(void)state;
	for (uint64_t tot = 65552; tot > 60016; tot -= 100)
		look_for(&o, &now, tot, 60000, false, 100);
	assert_false(o.known);
	look_for(&o, &now, 60016, 60000, false, 900);
	assert_false(o.known);
	look_for(&o, &now, 60016, 60000, false, 1000);
	assert_true(o.known);
	assert_int_equal(o.value, 16);
}

static void test_implausible(void **state)
{
	static const struct {
		uint64_t tot, target;
		bool known;
		int64_t value;
	} rows[] = {
		{ 70000, 60000, false, 0 }, /* stuck far above */
		{ 60000 + 4096 + 513, 60000, false, 0 },
		{ 60000 + 4096 + 512, 60000, true, 4608 },
		{ 60000, 60000, true, 0 },
		{ 59995, 60000, true, -5 }, /* the hole of a VGA */
		{ 59968, 60000, true, -32 },
		{ 59967, 60000, false, 0 },
		{ 30000, 60000, false, 0 }, /* it gave more than was asked */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bd_xen_offset o = { 0 };
		bl_ms now = { 1000 };

		look_for(&o, &now, rows[i].tot, rows[i].target, false, 5000);
		assert_int_equal(o.known, rows[i].known);
		assert_int_equal(o.value, rows[i].value);
		look_for(&o, &now, rows[i].tot, rows[i].target, false, 15000);
		assert_false(bd_xen_offset_soon(&o, now));
	}
}

/* One that got stuck a little above its target teaches nothing; two moves that
 * end at the same place do. */
static void test_corrected(void **state)
{
	struct bd_xen_offset o = { 0 };
	bl_ms now = { 1000 };

	(void)state;
	look_for(&o, &now, 65552, 65536, true, 1000);
	assert_int_equal(o.value, 16);
	look_for(&o, &now, 60316, 60000, true, 5000);
	assert_int_equal(o.value, 16);
	look_for(&o, &now, 59000 + 90, 59000, true, 5000);
	assert_int_equal(o.value, 16);
	look_for(&o, &now, 58000 + 90, 58000, true, 5000);
	assert_int_equal(o.value, 90);
	/* A wrong one is right again after the same. */
	look_for(&o, &now, 57000 + 16, 57000, true, 5000);
	look_for(&o, &now, 57000 + 17, 57000, true, 5000);
	look_for(&o, &now, 56000 + 90, 56000, true, 5000);
	look_for(&o, &now, 55000 + 16, 55000, true, 5000);
	assert_int_equal(o.value, 90);
	look_for(&o, &now, 54000 + 16, 54000, true, 5000);
	assert_int_equal(o.value, 16);
}

static void test_command_lines(void **state)
{
#define LINE(s) s, sizeof(s) - 1
	static const struct {
		const char *text;
		size_t len;
		int64_t domid;
		bool restores;
	} rows[] = {
		{ LINE("/usr/lib/xen-4.17/bin/libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "12\0"
		       "1\0"),
		  12, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "-1\0"
		       "32751\0"),
		  32751, false },
		{ LINE("libxl-save-helper\0--restore-domain\0"
		       "8\0"
		       "9\0"
		       "12\0"),
		  12, true },
		{ LINE("libxl-save-helper\0--restore\0"
		       "8\0"
		       "9\0"
		       "12\0"),
		  -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "12"),
		  -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"),
		  -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "x\0"),
		  -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "-3\0"),
		  -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "99999999999\0"),
		  -1, false },
		{ LINE("my-libxl-save-helper\0--save-domain\0"
		       "8\0"
		       "9\0"
		       "12\0"),
		  -1, false },
		{ LINE(""), -1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool restores = false;

		assert_int_equal(bd_xen_saving_parse(rows[i].text, rows[i].len, &restores), rows[i].domid);
		assert_int_equal(restores, rows[i].restores);
	}
}

static void test_scan(void **state)
{
	const char *dir = fake_proc_begin();
	struct bd_xen_saving s;

	(void)state;
	fake_proc_helper(10, ROOT, "--save-domain", 12);
	fake_proc_helper(11, ROOT, "--restore-domain", 13);
	fake_proc_add(12, "xl", ROOT,
		      LINE("libxl-save-helper\0--save-domain\0"
			   "8\0"
			   "9\0"
			   "14\0"));
	fake_proc_helper(13, ROOT, "--save-domain", 32751);
	fake_proc_add(14, "libxl-save-help", ROOT, "", 0); /* ends: a zombie has no words */
	bd_xen_saving_scan(dir, &s);
	assert_int_equal(s.doubt, 0);
	assert_true(s.any);
	assert_true(bd_xen_saving_has(&s, 12));
	assert_true(bd_xen_saving_has(&s, 32751));
	assert_false(bd_xen_saving_has(&s, 13));
	assert_true(bd_xen_saving_restores(&s, 13));
	assert_false(bd_xen_saving_restores(&s, 12));
	assert_false(bd_xen_saving_has(&s, 14));
	assert_false(bd_xen_saving_has(&s, UINT32_MAX));
	fake_proc_remove(10);
	fake_proc_remove(13);
	bd_xen_saving_scan(dir, &s);
	assert_false(s.any);
	assert_false(bd_xen_saving_has(&s, 12));
	fake_proc_end();
}

/* A process that is not root's with all four of its uids marks no domain, and no number
 * of such processes hides one of root's. */
static void test_scan_strangers(void **state)
{
	static const char *const uids[] = {
		"65534\t65534\t65534\t65534",
		"1000\t0\t0\t0",
		"0\t1000\t0\t0",
		"0\t0\t1000\t0",
		"0\t0\t0\t1000",
		"4294967296\t0\t0\t0",
		"",
		"0\t0\t0",
	};
	const char *dir = fake_proc_begin();
	struct bd_xen_saving s;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		fake_proc_helper(100 + i, uids[i % (sizeof(uids) / sizeof(*uids))], "--save-domain",
				 1000 + i);
	/* Root has as many: each is seen. */
	for (unsigned i = 0; i < 100; i++)
		fake_proc_helper(500 + i, ROOT, "--save-domain", 2000 + i);
	bd_xen_saving_scan(dir, &s);
	assert_int_equal(s.doubt, 0);
	for (unsigned i = 0; i < 200; i++)
		if (bd_xen_saving_has(&s, 1000 + i))
			fail_msg("a process of %s is believed", uids[i % (sizeof(uids) / sizeof(*uids))]);
	for (unsigned i = 0; i < 100; i++)
		assert_true(bd_xen_saving_has(&s, 2000 + i));
	fake_proc_end();
}

static void expect_doubt(const char *dir, int doubt)
{
	struct bd_xen_saving s;

	bd_xen_saving_scan(dir, &s);
	assert_int_equal(s.doubt, doubt);
	assert_int_equal(bd_xen_saving_has(&s, 12), doubt != 0);
	assert_int_equal(*bd_xen_saving_doubt(&s) != '\0', doubt != 0);
	/* dom0 goes nowhere. */
	assert_false(bd_xen_saving_has(&s, 0));
}

/* Where one of root's could not be seen, any domain may be that one's. */
static void test_scan_doubts(void **state)
{
	static const char *const files[] = { "comm", "status", "cmdline" };
	const char *dir = fake_proc_begin();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		fake_proc_helper(100 + i, ROOT, "--save-domain", 5);
		expect_doubt(dir, 0);
		fake_proc_spoil(100 + i, files[i]);
		expect_doubt(dir, EISDIR);
		fake_proc_remove(100 + i);
	}
	/* Mounted with hidepid: those of root are not there, or cannot be read. */
	fake_proc_remove(1);
	expect_doubt(dir, EACCES);
	fake_proc_end();
	expect_doubt("no-such-folder", ENOENT);
}

/* More processes than a look may take the loop's time for. */
static void test_scan_too_many(void **state)
{
	const char *dir = fake_proc_begin();
	char path[64];

	(void)state;
	for (unsigned i = 0; i < BD_XEN_PROCESSES_MAX - 1; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, 10 + i);
		assert_int_equal(symlink("ended", path), 0);
	}
	expect_doubt(dir, 0);
	fake_proc_helper(2, ROOT, "--save-domain", 5);
	expect_doubt(dir, E2BIG);
	fake_proc_end();
}

static void test_autoballoon(void **state)
{
	static const struct {
		const char *conf, *cmdline;
		bool on;
	} rows[] = {
		{ "", "", true },
		{ "", "dom0_mem=4G,max:4G com1=115200", false },
		{ "", "com1=115200 dom0_mem=4G", false },
		{ "", "x-dom0_mem=4G", true },
		{ "#autoballoon=\"off\"\n", "", true },
		{ "autoballoon=\"off\"", "", false },
		{ "claim_mode=1\n\n autoballoon = 'off' # why\n", "", false },
		{ "autoballoon=0\n", "", false },
		{ "autoballoon=\"auto\"\n", "dom0_mem=1G", false },
		{ "autoballoon=\"auto\"\n", "", true },
		{ "autoballoon=\"on\"\nxautoballoon=0\n", "dom0_mem=1G", true },
		{ "autoballoon=on\nautoballoon=\"off\"\n", "", false },
		{ "autoballoon\n", "dom0_mem=1G", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bd_xen_conflicts_autoballoon(rows[i].conf, rows[i].cmdline) != rows[i].on)
			fail_msg("row %zu", i);
}

static void test_balancer(void **state)
{
	static const struct {
		const char *comm, *uids, *found;
	} rows[] = {
		{ "bash", ROOT, "" },
		{ "squeezed2", ROOT, "" },
		{ "squeezed", "65534\t65534\t65534\t65534", "" },
		{ "qmemman", "1000\t0\t0\t0", "" },
		{ "squeezed", ROOT, "squeezed" },
	};
	const char *proc = fake_proc_begin();
	char name[BD_XEN_BALANCER_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_proc_add(i + 2, rows[i].comm, rows[i].uids, "", 0);
		bd_xen_conflicts_balancer(proc, name);
		assert_string_equal(name, rows[i].found);
	}
	fake_proc_end();
	bd_xen_conflicts_balancer("no-such-folder", name);
	assert_string_equal(name, "");
}

/* The process is seen by a look a minute later, which nobody waits for. */
static void test_looks_again(void **state)
{
	const char *proc = fake_proc_begin(), *was = bd_xen_proc;
	struct event_base *base = event_base_new();
	struct bd_xen_conflicts *d;

	(void)state;
	bd_xen_proc = proc;
	d = bd_xen_conflicts_new(base, "dom0_mem=1G");
	assert_non_null(d);
	fake_proc_add(2, "squeezed", ROOT, "", 0);
	fake_clock_pass(BL_MS(59000));
	assert_string_equal(bd_xen_conflicts_known(d)->balancer, "");
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	fake_clock_pass(BL_MS(1000));
	assert_string_equal(bd_xen_conflicts_known(d)->balancer, "");
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_string_equal(bd_xen_conflicts_known(d)->balancer, "squeezed");
	bd_xen_conflicts_free(d);
	event_base_free(base);
	bd_xen_proc = was;
	fake_proc_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched),      cmocka_unit_test(test_found_moved),
		cmocka_unit_test(test_implausible),    cmocka_unit_test(test_corrected),
		cmocka_unit_test(test_command_lines),  cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_strangers), cmocka_unit_test(test_scan_doubts),
		cmocka_unit_test(test_scan_too_many),  cmocka_unit_test(test_autoballoon),
		cmocka_unit_test(test_balancer),       cmocka_unit_test(test_looks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
