/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is found on the disk. */
#include "tests/unit/state-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void put_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The remains of a write that was cut off. */
static void remnants_are_removed(void **state)
{
	struct bl_claim c = claim(1);
	struct loaded l;
	char id[BL_UUID_STR], tmp[128];

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);
	bl_uuid_format(&c.id, id);
	snprintf(tmp, sizeof(tmp), "claims/%s.tmp", id);
	put_file(tmp, "{\"half");
	put_file("domains/x.tmp", "");
	put_file("paused.tmp", "");
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1);
	assert_false(l.paused);
	assert_false(exists(tmp) || exists("domains/x.tmp") || exists("paused.tmp"));
	unload(&l);
	assert_int_equal(warnings, 0);
}

#define ID "01010101-0101-4001-8001-010101010101"
#define BOOT "01020300-0000-0000-0000-000000000000"

/* A sound file with one member changed. */
static void put_claim(const char *member, const char *value)
{
	static const char *const members[][2] = { { "format", "1" },
						  { "boot", "\"" BOOT "\"" },
						  { "order", "0" },
						  { "id", "\"" ID "\"" },
						  { "handle", "\"ba11002d-c1a1-0000-0000-000000000001\"" },
						  { "state", "\"held\"" },
						  { "name", "\"\"" },
						  { "uuid", "null" },
						  { "size_pages", "10" },
						  { "min_pages", "10" },
						  { "overhead_pages", "0" },
						  { "node", "-1" },
						  { "queue", "false" },
						  { "pooled_pages", "9" },
						  { "created_ms", "1" },
						  { "created_wall_seconds", "1" },
						  { "wait_until_ms", "null" },
						  { "patience_ms", "60000" },
						  { "ttl_ms", "1000" },
						  { "expires_ms", "5" },
						  { "domid", "-1" },
						  { "reason", "\"\"" },
						  { "ends", "\"expired\"" } };
	char text[4096] = "{";
	size_t n = sizeof(members) / sizeof(members[0]);
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		bool this = member && !strcmp(member, members[i][0]);

		if (this && !value)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\"%s\":%s", first ? "" : ",",
			 members[i][0], this ? value : members[i][1]);
		first = false;
	}
	strcat(text, "}");
	put_file("claims/" ID, text);
}

static void hostile_claims_are_set_aside(void **state)
{
	static const struct {
		const char *member, *value;
	} rows[] = {
		{ "format", "0" },
		{ "format", "\"2\"" },
		{ "boot", "\"x\"" },
		{ "boot", NULL },
		{ "order", "-1" },
		{ "order", "9223372036854775807" },
		{ "order", "1e3" },
		{ "id", "7" },
		{ "id", "\"02020202-0202-4002-8002-020202020202\"" },
		{ "handle", "\"00000000-c1a1-0000-0000-000000000001\"" },
		{ "handle", "null" },
		{ "state", "\"flying\"" },
		{ "state", "[]" },
		{ "name", "\"\\u0001\"" },
		{ "name", "null" },
		{ "uuid", "\"\"" },
		{ "size_pages", "0" },
		{ "size_pages", "-5" },
		{ "size_pages", "9223372036854775807" },
		{ "size_pages", "1099511627777" },
		{ "pooled_pages", "1125899906842624" },
		{ "overhead_pages", "1125899906842624" },
		{ "size_pages", "10.5" },
		{ "min_pages", "11" },
		{ "min_pages", "0" },
		{ "overhead_pages", "-1" },
		{ "node", "64" },
		{ "node", "-2" },
		{ "pooled_pages", "-1" },
		{ "queue", "1" },
		{ "created_ms", "-1" },
		{ "patience_ms", "-1" },
		{ "patience_ms", "null" },
		{ "ttl_ms", "\"x\"" },
		{ "expires_ms", "{}" },
		{ "expires_ms", NULL },
		{ "domid", "4294967296" },
		{ "state", "\"building\"" },
		{ "reason", "\"a\\nb\"" },
		{ "ends", "\"held\"" },
		{ "ends", "\"flying\"" },
		{ "ends", "null" },
	};
	struct loaded l;

	(void)state;
	load(&l, &boot);
	unload(&l);
	put_claim(NULL, NULL);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1); /* the table's own file is sound */
	unload(&l);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_claim(rows[i].member, rows[i].value);
		warnings = 0;
		load(&l, &boot);
		if (l.ledger.n || warnings != 1 || exists("claims/" ID) || !exists("claims/" ID ".bad"))
			fail_msg("%s = %s: %zu claims, %u warnings", rows[i].member, rows[i].value,
				 l.ledger.n, warnings);
		unload(&l);
	}
	put_claim("pooled_pages", NULL); /* it was not always there */
	load(&l, &boot);
	assert_int_equal(l.ledger.claims[0]->pooled.n, 0);
	unload(&l);
	put_claim("patience_ms", NULL); /* nor was this */
	load(&l, &boot);
	assert_int_equal(l.ledger.claims[0]->patience.n, 0);
	unload(&l);
	put_claim("newer", "1"); /* what a newer daemon added is no reason to lose a claim */
	put_claim("state", "\"done\"");
	warnings = 0;
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 0);
	assert_false(exists("claims/" ID));
	assert_int_equal(warnings, 0);
	unload(&l);
}

static void hostile_runs_are_set_aside(void **state)
{
	static const char whole[] = "\"boot\":\"" BOOT "\",\"domid\":7,\"end\":\"reboot\","
				    "\"ended_ms\":5,\"lived_at_pages\":9,\"base_from\":\"unseen\"";
	static const char *const runs[] = {
		"\"boot\":\"" BOOT "\"",
		"\"boot\":7,\"domid\":7,\"end\":\"reboot\"",
		"\"boot\":\"" BOOT
		"\",\"domid\":-1,\"end\":\"reboot\",\"ended_ms\":5,\"lived_at_pages\":9,\"base_from\":\"unseen\"",
		"\"boot\":\"" BOOT
		"\",\"domid\":7,\"end\":\"flown\",\"ended_ms\":5,\"lived_at_pages\":9,\"base_from\":\"unseen\"",
		"\"boot\":\"" BOOT
		"\",\"domid\":7,\"end\":\"over\",\"ended_ms\":5,\"lived_at_pages\":-9,\"base_from\":\"unseen\"",
		"\"boot\":\"" BOOT
		"\",\"domid\":7,\"end\":\"over\",\"ended_ms\":5,\"lived_at_pages\":9,\"base_from\":1",
	};
	static const char form[] = "{\"format\":1,\"uuid\":\"" ID
				   "\",\"base_pages\":5,\"external\":false,%s,"
				   "\"set\":{}}";
	char text[1024];
	struct loaded l;

	(void)state;
	load(&l, &boot);
	unload(&l);
	snprintf(text, sizeof(text), form, whole);
	put_file("domains/" ID, text);
	load(&l, &boot);
	assert_true(l.settings.dom_records && l.settings.dom_records->run.domid == 7);
	unload(&l);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		snprintf(text, sizeof(text), form, runs[i]);
		put_file("domains/" ID, text);
		warnings = 0;
		load(&l, &boot);
		if (l.settings.dom_records || warnings != 1)
			fail_msg("%s: %u warnings", runs[i], warnings);
		unload(&l);
	}
}

static void odd_files_are_set_aside(void **state)
{
	static const char *const texts[] = { "",
					     "{",
					     "null",
					     "[]",
					     "{}",
					     "{\"format\":1}",
					     "\xff\xfe",
					     "{\"uuid\":1,\"uuid\":2}",
					     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" };
	char path[256], big[20000];
	struct loaded l;

	(void)state;
	load(&l, &boot);
	unload(&l);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file("claims/" ID, texts[i]);
		put_file("domains/" ID, texts[i]);
		warnings = 0;
		load(&l, &boot);
		assert_int_equal(warnings, 2);
		assert_int_equal(l.ledger.n, 0);
		assert_null(l.settings.dom_records);
		unload(&l);
	}
	memset(big, ' ', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	put_file("claims/" ID, big);
	put_file("claims/no-uuid", "{}");
	snprintf(path, sizeof(path), "%s/domains/%s", folder, ID);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/domains/01010101-0101-4001-8001-010101010102", folder);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not block */
	snprintf(path, sizeof(path), "%s/domains/01010101-0101-4001-8001-010101010103", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	warnings = 0;
	load(&l, &boot);
	assert_int_equal(warnings, 5);
	unload(&l);
	warnings = 0;
	load(&l, &boot); /* said once */
	assert_int_equal(warnings, 0);
	unload(&l);
}

/* ---- a newer balloond's ---------------------------------------------------------- */

static void add_problem(void *ud, const char *line)
{
	snprintf(ud, 1024, "%s", line);
}

/* A claim of a format to come stays where it is, and keeps what it has. */
static void newer_claims_are_kept(void **state)
{
	static const char strange[] = "{\"format\":3,\"id\":\"" ID "\",\"size\":{\"pages\":10}}";
	char problem[1024] = "";
	struct bl_claim *c;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	unload(&l);
	put_claim("format", "2");
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1);
	c = l.ledger.claims[0];
	assert_true(c->foreign);
	assert_int_equal(c->pooled.n, 9);
	assert_int_equal(bl_ledger_pooled(&l.ledger, -1).n, 9);
	assert_ptr_equal(bl_ledger_by_handle(&l.ledger, &c->handle), c);
	assert_false(bd_state_has_unknown_claims(l.s));
	bd_state_problems(l.s, add_problem, problem);
	assert_non_null(strstr(problem, "claims/" ID));
	assert_non_null(strstr(problem, "newer balloond"));
	/* Whatever is saved: it is not written over. */
	assert_int_equal(bd_state_save_claim(l.s, c), 0);
	unload(&l);
	load(&l, &boot);
	assert_true(l.ledger.n == 1 && l.ledger.claims[0]->foreign);
	unload(&l);
	put_file("claims/" ID, strange);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 0);
	assert_true(bd_state_has_unknown_claims(l.s)); /* nobody knows what it holds */
	unload(&l);
	assert_true(exists("claims/" ID) && !exists("claims/" ID ".bad"));
}

static void newer_limits_are_kept(void **state)
{
	static const char text[] = "{\"format\":2,\"uuid\":\"" ID "\",\"base_pages\":500,"
				   "\"external\":false,\"set\":{\"max_pages\":99},\"new\":true}";
	struct bl_dom_record *m;
	struct loaded l;
	bl_uuid u;
	char path[128], found[256] = "";
	FILE *f;

	(void)state;
	assert_true(bl_uuid_parse(ID, &u));
	load(&l, &boot);
	unload(&l);
	put_file("domains/" ID, text);
	load(&l, &boot);
	m = bl_settings_find(&l.settings, &u);
	assert_true(m && m->set.max.n == 99 && bd_state_is_kept(l.s, BD_STATE_DOMAIN, &u));
	m->base = BL_PAGES(700);
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	assert_int_equal(bd_state_written(l.s, BD_STATE_DOMAIN, &u, m->saved_seq), 0);
	unload(&l);
	snprintf(path, sizeof(path), "%s/domains/" ID, folder);
	f = fopen(path, "re");
	assert_true(f && fgets(found, sizeof(found), f));
	fclose(f);
	assert_string_equal(found, text);
}

/* Nobody knows what was set for that guest: nothing is done to it. */
static void newer_limits_without_a_sense_keep_the_guest(void **state)
{
	static const char *const texts[] = { "{\"format\":2,\"uuid\":\"" ID "\",\"base_pages\":500,"
					     "\"external\":false,\"set\":{\"floor\":99}}",
					     "{\"format\":3,\"id\":1}" };
	struct bl_dom_record *m;
	struct loaded l;
	bl_uuid u;

	(void)state;
	assert_true(bl_uuid_parse(ID, &u));
	load(&l, &boot);
	unload(&l);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file("domains/" ID, texts[i]);
		load(&l, &boot);
		m = bl_settings_find(&l.settings, &u);
		assert_true(m && m->set.has_mode && m->set.mode == BL_MODE_IGNORE);
		assert_true(bd_state_is_kept(l.s, BD_STATE_DOMAIN, &u));
		unload(&l);
	}
	assert_true(exists("domains/" ID) && !exists("domains/" ID ".bad"));
}

/* An older balloond had claims' records where people's limits are. */
static void old_claims_are_moved(void **state)
{
	char claims[80], path[160];
	struct loaded l;
	struct bd_state *s;
	struct bl_ledger ledger = { 0 };
	struct bl_settings settings;
	struct bl_err e;
	bool paused;

	(void)state;
	load(&l, &boot);
	unload(&l);
	put_claim(NULL, NULL);
	snprintf(claims, sizeof(claims), "%s-run/claims", folder);
	for (int again = 0; again < 2; again++) {
		bl_settings_init(&settings);
		if (bd_state_open(folder, claims, &s, &e) ||
		    bd_state_load(s, &boot, &ledger, &settings, &paused, &e))
			fail_msg("%s", e.msg);
		assert_int_equal(ledger.n, 1);
		assert_false(exists("claims"));
		snprintf(path, sizeof(path), "%s/" ID, claims);
		assert_int_equal(access(path, F_OK), 0);
		bd_state_close(s);
		bl_ledger_free(&ledger);
		bl_settings_free(&settings);
	}
	assert_int_equal(warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(remnants_are_removed, clean),
		cmocka_unit_test_teardown(hostile_claims_are_set_aside, clean),
		cmocka_unit_test_teardown(hostile_runs_are_set_aside, clean),
		cmocka_unit_test_teardown(odd_files_are_set_aside, clean),
		cmocka_unit_test_teardown(newer_claims_are_kept, clean),
		cmocka_unit_test_teardown(newer_limits_are_kept, clean),
		cmocka_unit_test_teardown(newer_limits_without_a_sense_keep_the_guest, clean),
		cmocka_unit_test_teardown(old_claims_are_moved, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
