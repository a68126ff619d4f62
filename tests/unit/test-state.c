/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the process, whatever is found on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/state.h"

static char dir[] = "test-state-XXXXXX", folder[64];
static const bl_uuid boot = { { 1, 2, 3 } }, other_boot = { { 9 } };
static unsigned warnings;

static void count_warnings(int priority, const char *line)
{
	(void)line;
	warnings += priority <= LOG_WARNING;
}

static int set_up_all(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(folder, sizeof(folder), "%s/state", dir);
	bd_log_set_sink(count_warnings);
	return 0;
}

static int clean(void **state)
{
	char cmd[128];

	(void)state;
	warnings = 0;
	snprintf(cmd, sizeof(cmd), "rm -rf %s/*", dir);
	return system(cmd);
}

static int tear_down_all(void **state)
{
	clean(state);
	return rmdir(dir);
}

static bl_uuid uuid(uint8_t n)
{
	return (bl_uuid){ .b = { n, n, n, n, n, n, 0x40, n, 0x80, n, n, n, n, n, n, n } };
}

static struct bl_claim claim(uint8_t n)
{
	struct bl_claim c = {
		.id = uuid(n), .state = BL_CLAIM_HELD, .size = BL_PAGES(1000), .min = BL_PAGES(900),
		.overhead = BL_PAGES(10), .node = 3, .queue = true, .created = BL_MS(5000),
		.created_wall = 1700000000, .wait_until = BL_MS_NEVER, .ttl = BL_MS(600000),
		.expires = BL_MS(700000), .domid = BL_DOMID_NONE, .holder = 12,
		.staked = BL_PAGES(1000), .eta = BL_MS(1), .has_uuid = true, .uuid = uuid(200),
	};

	memcpy(c.handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	c.handle.b[15] = n;
	strcpy(c.name, "w\xc3\xa4rter \"x\"");
	strcpy(c.reason, "because");
	return c;
}

struct loaded {
	struct bd_state *s;
	struct bl_ledger ledger;
	struct bl_settings settings;
	bool paused;
};

static void load(struct loaded *l, const bl_uuid *b)
{
	struct bl_err e;

	*l = (struct loaded){ 0 };
	bl_settings_init(&l->settings);
	if (bd_state_open(folder, &l->s, &e) ||
	    bd_state_load(l->s, b, &l->ledger, &l->settings, &l->paused, &e))
		fail_msg("%s", e.msg);
}

static void unload(struct loaded *l)
{
	bd_state_close(l->s);
	bl_ledger_free(&l->ledger);
	bl_settings_free(&l->settings);
}

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

static void claims_come_back_as_they_were(void **state)
{
	struct bl_claim c = claim(1), *back;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);

	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1);
	back = l.ledger.claims[0];
	/* what the snapshot will tell is not remembered */
	assert_int_equal(back->holder, BL_DOMID_NONE);
	assert_int_equal(back->staked.n, 0);
	back->holder = c.holder;
	back->staked = c.staked;
	back->eta = c.eta;
	assert_memory_equal(back->handle.b, c.handle.b, 16);
	assert_string_equal(back->name, c.name);
	assert_string_equal(back->reason, c.reason);
	assert_int_equal(back->wait_until.n, UINT64_MAX);
	assert_int_equal(back->expires.n, 700000);
	assert_int_equal(back->size.n, 1000);
	assert_int_equal(back->min.n, 900);
	assert_int_equal(back->overhead.n, 10);
	assert_int_equal(back->node, 3);
	assert_true(back->queue && back->has_uuid && bl_uuid_equal(&back->uuid, &c.uuid));
	assert_int_equal(back->created.n, 5000);
	assert_int_equal(back->created_wall, 1700000000);
	assert_int_equal(back->state, BL_CLAIM_HELD);

	assert_int_equal(bd_state_drop_claim(l.s, &c.id), 0);
	assert_int_equal(bd_state_drop_claim(l.s, &c.id), 0);
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	assert_int_equal(warnings, 0);
}

/* First come, first served, also after a restart and for the same millisecond. */
static void the_queue_keeps_its_order(void **state)
{
	static const uint8_t order[] = { 9, 3, 7, 1, 8 };
	struct bl_claim c;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	for (size_t i = 0; i < 3; i++) {
		c = claim(order[i]);
		assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	}
	unload(&l);
	load(&l, &boot);
	c = claim(order[0]); /* saved again it stays where it was */
	c.state = BL_CLAIM_RECLAIMING;
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	for (size_t i = 3; i < 5; i++) {
		c = claim(order[i]);
		assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	}
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(l.ledger.claims[i]->id.b[0], order[i]);
	unload(&l);
}

static void claims_of_another_boot_are_gone(void **state)
{
	struct bl_claim c = claim(1);
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);
	load(&l, &other_boot);
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	load(&l, &boot); /* for good */
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	assert_int_equal(warnings, 0);
}

static void limits_come_back(void **state)
{
	bl_uuid u = uuid(5), v = uuid(6);
	struct bl_dom_memory *m;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	m = bl_settings_remember(&l.settings, &u);
	m->base = BL_PAGES(5000);
	m->external = true;
	m->set = (struct bl_override){ .has_mode = true, .mode = BL_MODE_MANUAL, .has_min = true,
				       .min = { .pages = { 77 } }, .has_max = true, .max = { 99 },
				       .has_weight = true, .weight = 3 };
	assert_int_equal(bd_state_save_memory(l.s, m), 0);
	m = bl_settings_remember(&l.settings, &v);
	m->set = (struct bl_override){ .has_min = true, .min = { .is_percent = true, .percent = 40 } };
	assert_int_equal(bd_state_save_memory(l.s, m), 0);
	unload(&l);

	load(&l, &other_boot); /* limits outlive the host's boot */
	m = bl_settings_find(&l.settings, &u);
	assert_non_null(m);
	assert_true(m->external && m->persist);
	assert_int_equal(m->base.n, 5000);
	assert_int_equal(m->set.mode, BL_MODE_MANUAL);
	assert_int_equal(m->set.min.pages.n, 77);
	assert_int_equal(m->set.max.n, 99);
	assert_int_equal(m->set.weight, 3);
	m = bl_settings_find(&l.settings, &v);
	assert_true(m->set.has_min && m->set.min.is_percent && m->set.min.percent == 40);
	assert_true(!m->set.has_max && !m->set.has_mode && !m->set.has_weight && !m->external);
	assert_int_equal(bd_state_drop_memory(l.s, &u), 0);
	unload(&l);
	load(&l, &boot);
	assert_null(bl_settings_find(&l.settings, &u));
	unload(&l);
}

/* `set --no-persist` does not replace what was set to stay. */
static void what_is_not_to_stay_does_not(void **state)
{
	bl_uuid u = uuid(5);
	struct bl_dom_memory *m;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	m = bl_settings_remember(&l.settings, &u);
	m->set = (struct bl_override){ .has_max = true, .max = { 99 } };
	assert_int_equal(bd_state_save_memory(l.s, m), 0);
	m->set.max = BL_PAGES(11);
	m->base = BL_PAGES(500);
	m->persist = false;
	assert_int_equal(bd_state_save_memory(l.s, m), 0);
	unload(&l);
	load(&l, &boot);
	m = bl_settings_find(&l.settings, &u);
	assert_int_equal(m->set.max.n, 99);
	assert_int_equal(m->base.n, 500);
	unload(&l);
}

static void paused_comes_back(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_false(l.paused);
	assert_int_equal(bd_state_set_paused(l.s, true), 0);
	assert_int_equal(bd_state_set_paused(l.s, true), 0);
	unload(&l);
	load(&l, &boot);
	assert_true(l.paused);
	assert_int_equal(bd_state_set_paused(l.s, false), 0);
	assert_int_equal(bd_state_set_paused(l.s, false), 0);
	unload(&l);
	load(&l, &boot);
	assert_false(l.paused);
	unload(&l);
}

static void one_daemon_a_folder(void **state)
{
	struct bd_state *two;
	struct loaded l;
	struct bl_err e;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_open(folder, &two, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "another balloond"));
	unload(&l);
	load(&l, &boot);
	unload(&l);
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
	static const char *const members[][2] = {
		{ "format", "1" }, { "boot", "\"" BOOT "\"" }, { "order", "0" }, { "id", "\"" ID "\"" },
		{ "handle", "\"ba11002d-c1a1-0000-0000-000000000001\"" }, { "state", "\"held\"" },
		{ "name", "\"\"" }, { "uuid", "null" }, { "size_pages", "10" }, { "min_pages", "10" },
		{ "overhead_pages", "0" }, { "node", "-1" }, { "queue", "false" },
		{ "created_ms", "1" }, { "created_wall_seconds", "1" }, { "wait_until_ms", "null" },
		{ "ttl_ms", "1000" }, { "expires_ms", "5" }, { "domid", "-1" }, { "reason", "\"\"" } };
	char text[4096] = "{";
	size_t n = sizeof(members) / sizeof(members[0]);
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		bool this = member && !strcmp(member, members[i][0]);

		if (this && !value)
			continue;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\"%s\":%s",
			 first ? "" : ",", members[i][0], this ? value : members[i][1]);
		first = false;
	}
	strcat(text, "}");
	put_file("claims/" ID, text);
}

static void hostile_claims_are_set_aside(void **state)
{
	static const struct { const char *member, *value; } rows[] = {
		{ "format", "2" }, { "boot", "\"x\"" }, { "boot", NULL }, { "order", "-1" },
		{ "order", "9223372036854775807" }, { "order", "1e3" }, { "id", "7" },
		{ "id", "\"02020202-0202-4002-8002-020202020202\"" },
		{ "handle", "\"00000000-c1a1-0000-0000-000000000001\"" }, { "handle", "null" },
		{ "state", "\"flying\"" }, { "state", "[]" }, { "name", "\"\\u0001\"" },
		{ "name", "null" }, { "uuid", "\"\"" }, { "size_pages", "0" }, { "size_pages", "-5" },
		{ "size_pages", "9223372036854775807" }, { "size_pages", "10.5" },
		{ "min_pages", "11" }, { "min_pages", "0" }, { "overhead_pages", "-1" },
		{ "node", "64" }, { "node", "-2" }, { "queue", "1" }, { "created_ms", "-1" },
		{ "ttl_ms", "\"x\"" }, { "expires_ms", "{}" }, { "expires_ms", NULL },
		{ "domid", "4294967296" }, { "state", "\"building\"" }, { "reason", "\"a\\nb\"" },
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
	put_claim("newer", "1"); /* what a newer daemon added is no reason to lose a claim */
	put_claim("state", "\"done\"");
	warnings = 0;
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 0);
	assert_false(exists("claims/" ID));
	assert_int_equal(warnings, 0);
	unload(&l);
}

static void odd_files_are_set_aside(void **state)
{
	static const char *const texts[] = { "", "{", "null", "[]", "{}", "{\"format\":1}",
					     "\xff\xfe", "{\"uuid\":1,\"uuid\":2}",
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
		assert_null(l.settings.memory);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(claims_come_back_as_they_were, clean),
		cmocka_unit_test_teardown(the_queue_keeps_its_order, clean),
		cmocka_unit_test_teardown(claims_of_another_boot_are_gone, clean),
		cmocka_unit_test_teardown(limits_come_back, clean),
		cmocka_unit_test_teardown(what_is_not_to_stay_does_not, clean),
		cmocka_unit_test_teardown(paused_comes_back, clean),
		cmocka_unit_test_teardown(one_daemon_a_folder, clean),
		cmocka_unit_test_teardown(remnants_are_removed, clean),
		cmocka_unit_test_teardown(hostile_claims_are_set_aside, clean),
		cmocka_unit_test_teardown(odd_files_are_set_aside, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
