/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets are learned from guests that stand still, and from no others; who is
 * being saved is found among the processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host-xen-defeats.h"
#include "daemon/host-xen-offset.h"
#include "daemon/host-xen-saving.h"

#define VIDEORAM BL_PAGES(4096)

/* A look each 100 ms for so long; from the time *now. */
static void look_for(struct bd_xen_offset *o, bl_ms *now, uint64_t tot, uint64_t target,
		     bool untouched, uint64_t ms)
{
	for (uint64_t end = now->n + ms; now->n < end; now->n += 100)
		bd_xen_offset_look(o, BL_PAGES(tot), BL_PAGES(target), VIDEORAM, untouched, *now);
}

static void test_untouched(void **state)
{
	struct bd_xen_offset o = { 0 };
	bl_ms now = { 1000 };

	(void)state;
	look_for(&o, &now, 65552, 65536, true, 300);
	assert_false(o.known);
	assert_true(bd_xen_offset_hurry(&o, now));
	look_for(&o, &now, 65552, 65536, true, 200);
	assert_true(o.known);
	assert_int_equal(o.value, 16);
	assert_false(bd_xen_offset_hurry(&o, now));
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
		{ 70000, 60000, false, 0 },	 /* stuck far above */
		{ 60000 + 4096 + 513, 60000, false, 0 },
		{ 60000 + 4096 + 512, 60000, true, 4608 },
		{ 60000, 60000, true, 0 },
		{ 59995, 60000, true, -5 },	 /* the hole of a VGA */
		{ 59968, 60000, true, -32 },
		{ 59967, 60000, false, 0 },
		{ 30000, 60000, false, 0 },	 /* it gave more than was asked */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bd_xen_offset o = { 0 };
		bl_ms now = { 1000 };

		look_for(&o, &now, rows[i].tot, rows[i].target, false, 5000);
		assert_int_equal(o.known, rows[i].known);
		assert_int_equal(o.value, rows[i].value);
		look_for(&o, &now, rows[i].tot, rows[i].target, false, 15000);
		assert_false(bd_xen_offset_hurry(&o, now));
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
		       "8\0" "9\0" "12\0" "1\0"), 12, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "-1\0" "32751\0"), 32751, false },
		{ LINE("libxl-save-helper\0--restore-domain\0" "8\0" "9\0" "12\0"), 12, true },
		{ LINE("libxl-save-helper\0--restore\0" "8\0" "9\0" "12\0"), -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "12"), -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0"), -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "x\0"), -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "-3\0"), -1, false },
		{ LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "99999999999\0"), -1, false },
		{ LINE("my-libxl-save-helper\0--save-domain\0" "8\0" "9\0" "12\0"), -1, false },
		{ LINE(""), -1, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool restores = false;

		assert_int_equal(bd_xen_saving_parse(rows[i].text, rows[i].len, &restores),
				 rows[i].domid);
		assert_int_equal(restores, rows[i].restores);
	}
}

static void put(const char *dir, const char *pid, const char *file, const char *text, size_t len)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, pid);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, pid, file);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	fclose(out);
}

static void test_scan(void **state)
{
	char dir[] = "proc-XXXXXX", command[64];
	struct bd_xen_saving s;

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, "10", "comm", LINE("libxl-save-help\n"));
	put(dir, "10", "cmdline", LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "12\0"));
	put(dir, "11", "comm", LINE("xl\n"));
	put(dir, "11", "cmdline", LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "13\0"));
	put(dir, "12", "comm", LINE("libxl-save-help\n")); /* ended meanwhile */
	put(dir, "self", "comm", LINE("libxl-save-help\n"));
	put(dir, "self", "cmdline", LINE("libxl-save-helper\0--save-domain\0" "8\0" "9\0" "14\0"));
	assert_int_equal(bd_xen_saving_scan(dir, &s), 0);
	assert_int_equal(s.n, 1);
	assert_true(bd_xen_saving_has(&s, 12));
	assert_false(bd_xen_saving_has(&s, 13));
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	assert_true(bd_xen_saving_scan(dir, &s) < 0);
	assert_int_equal(s.n, 0);
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
		if (bd_xen_defeats_autoballoon(rows[i].conf, rows[i].cmdline) != rows[i].on)
			fail_msg("row %zu", i);
}

static void test_balancer(void **state)
{
	char proc[] = "proc-XXXXXX", name[BD_XEN_BALANCER_MAX], path[64];
	static const char *const names[] = { "bash\n", "squeezed2\n", "squeezed\n" };

	(void)state;
	assert_non_null(mkdtemp(proc));
	for (int i = 0; i < 3; i++) {
		FILE *f;

		snprintf(path, sizeof(path), "%s/%d", proc, i + 1);
		assert_int_equal(mkdir(path, 0700), 0);
		strcat(path, "/comm");
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(names[i], f);
		fclose(f);
		bd_xen_defeats_balancer(proc, name);
		assert_string_equal(name, i == 2 ? "squeezed" : "");
	}
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%d/comm", proc, i + 1);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%d", proc, i + 1);
		rmdir(path);
	}
	rmdir(proc);
	bd_xen_defeats_balancer(proc, name);
	assert_string_equal(name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_found_moved),
		cmocka_unit_test(test_implausible),
		cmocka_unit_test(test_corrected),
		cmocka_unit_test(test_command_lines),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_autoballoon),
		cmocka_unit_test(test_balancer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
