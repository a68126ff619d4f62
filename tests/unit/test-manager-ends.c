/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How claims end where a kill or a disk comes between: on a hypervisor with a pool, and on
 * one without. */
#include "tests/unit/pool-fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"

static unsigned released, expired, failed, done_with, gone_text;

static void note(int priority, const char *line)
{
	(void)priority;
	released += strstr(line, ": released") != NULL;
	expired += strstr(line, ": expired") != NULL;
	failed += strstr(line, ": failed") != NULL;
	done_with += strstr(line, ": done") != NULL;
	gone_text += strstr(line, "while balloond was not running") != NULL;
}

static int on_pool(void **state)
{
	int r = begin(state);

	released = expired = failed = done_with = gone_text = 0;
	bd_log_set_sink(note);
	return r;
}

static int on_stock(void **state)
{
	int r = on_pool(state);

	fake_xen.patched = false;
	return r;
}

/* ---- a kill ---------------------------------------------------------------------- */

static char *record(uint8_t n, const char *suffix)
{
	static char path[128];
	char text[BL_UUID_STR];
	bl_uuid id = uuid(n);

	bl_uuid_format(&id, text);
	snprintf(path, sizeof(path), "%s/claims/%s%s", folder, text, suffix);
	return path;
}

static void copy(const char *from, const char *to)
{
	char text[4096];
	FILE *f = fopen(from, "re");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	f = fopen(to, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

/* The record as a kill right after the holder's end would leave it. */
static void keep_record(void)
{
	char from[128];

	snprintf(from, sizeof(from), "%s", record(1, ""));
	if (access(from, F_OK) == 0)
		copy(from, record(1, ".bad"));
}

static void killed_there(struct daemon *d)
{
	char to[128];

	fake_xen.on_destroy = NULL;
	stop(d);
	snprintf(to, sizeof(to), "%s", record(1, ""));
	copy(record(1, ".bad"), to);
	released = expired = failed = done_with = 0;
	*d = start();
	run(d, 50000);
}

static void a_release_that_is_cut_off(void **state)
{
	struct daemon d = start();
	struct bl_err err;

	(void)state;
	claimed(&d, 1, 1000, -1);
	fake_xen.on_destroy = keep_record;
	assert_int_equal(release(&d, 1, &err), 0);
	killed_there(&d);
	assert_null(find(&d, 1));
	assert_true(released == 1 && !failed);
	assert_int_equal(access(record(1, ""), F_OK), -1);
	stop(&d);
}

static void a_lease_whose_end_is_cut_off(void **state)
{
	struct daemon d = start();
	struct bl_claim *c;

	(void)state;
	claimed(&d, 1, 1000, -1);
	fake_xen.on_destroy = keep_record;
	c = find(&d, 1);
	c->expires = BL_MS(1);
	for (int i = 0; i < 100 && find(&d, 1); i++) {
		bd_manager_rebalance(d.m);
		run(&d, 20000);
	}
	killed_there(&d);
	assert_null(find(&d, 1));
	assert_true(expired == 1 && !failed);
	stop(&d);
}

/* It was not us: somebody did it while nobody looked. */
static void a_holder_that_was_destroyed_meanwhile(void **state)
{
	struct daemon d = start();
	uint32_t holder;

	(void)state;
	claimed(&d, 1, 1000, -1);
	holder = find(&d, 1)->holder;
	stop(&d);
	fake_xen_find(holder)->used = false;
	d = start();
	run(&d, 50000);
	assert_null(find(&d, 1));
	assert_true(failed == 1 && gone_text == 1);
	stop(&d);
}

/* The room was left to a build without the hook, which went on to its end. */
static void a_build_that_is_over_by_then(void **state)
{
	struct daemon d = start();
	struct bd_claim_request req = {
		.has_id = true, .id = uuid(1), .size = BL_PAGES(1000), .node = -1, .name = "web"
	};
	struct answer a = { 0 };
	struct fake_domain *b;

	(void)state;
	bd_manager_claim(d.m, &req, done, &a);
	run(&d, 30000);
	assert_true(a.n == 1 && a.held);
	fake_xen.on_destroy = keep_record;
	b = built(7, 1000);
	fake_store_setf(7, "name", "web");
	for (int i = 0; i < 100 && find(&d, 1)->state != BL_CLAIM_BUILDING; i++) {
		bd_manager_rebalance(d.m);
		run(&d, 20000);
	}
	assert_true(find(&d, 1)->let_go);
	b->flags &= ~(uint32_t)2; /* paused */
	b->cpu_time = 1;
	b->tot = 1000;
	b->outstanding = 0;
	fake_store_introduce(7);
	killed_there(&d);
	for (int i = 0; i < 100 && find(&d, 1); i++)
		run(&d, 20000);
	assert_null(find(&d, 1));
	assert_true(done_with == 1 && !failed);
	stop(&d);
}

/* ---- a disk ---------------------------------------------------------------------- */

/* While a folder stands in its place, the record is neither written nor removed. */
static void block(uint8_t n)
{
	assert_int_equal(unlink(record(n, "")), 0);
	assert_int_equal(mkdir(record(n, ""), 0700), 0);
}

static void unblock(uint8_t n)
{
	assert_int_equal(rmdir(record(n, "")), 0);
}

static void add_problem(void *ud, const char *line)
{
	*(bool *)ud |= strstr(line, "state cannot be saved") != NULL;
}

static bool is_a_problem(struct daemon *d)
{
	bool is = false;

	bd_manager_problems(d->m, add_problem, &is);
	return is;
}

static void until_gone(struct daemon *d, uint8_t n)
{
	for (int i = 0; i < 200 && find(d, n); i++)
		run(d, 20000); /* at its own ticks */
	assert_null(find(d, n));
}

/* The record would take pages of another claim: they stay until it can go. */
static void a_record_that_cannot_go_keeps_its_pages(void **state)
{
	struct daemon d = start();
	struct bl_err err;

	(void)state;
	claimed(&d, 1, 1000, -1);
	claimed(&d, 2, 2000, -1);
	block(1);
	assert_true(release(&d, 1, &err) < 0);
	assert_int_equal(fake_xen.pool[ANY], 3000);
	run(&d, 50000);
	assert_int_equal(fake_xen.pool[ANY], 3000);
	assert_true(is_a_problem(&d));
	/* It is nobody's any more. */
	assert_true(renew(&d, 1, 1000, &err) == -EBUSY);
	assert_int_equal(ask(&d, 1, 1000, -1).err.id, BL_ERR_BAD_STATE);
	built(7, 1000);
	assert_false(hand(&d, 1, 7, 1000).held);
	assert_int_equal(fake_xen.pool[ANY], 3000);
	unblock(1);
	until_gone(&d, 1);
	assert_int_equal(fake_xen.pool[ANY], 2000);
	assert_int_equal(released, 1);
	run(&d, 50000);
	assert_false(is_a_problem(&d));
	is(&d, 2, BL_CLAIM_HELD, 2000);
	stop(&d);
}

/* Of a holder the memory is given back at once, and the record goes when it can. */
static void a_holder_goes_all_the_same(void **state)
{
	struct daemon d = start();
	struct bl_err err;

	(void)state;
	claimed(&d, 1, 1000, -1);
	block(1);
	assert_int_equal(release(&d, 1, &err), 0);
	assert_null(find(&d, 1));
	assert_int_equal(fake_xen_outstanding(), 0);
	run(&d, 50000);
	assert_true(is_a_problem(&d));
	unblock(1);
	copy("/dev/null", record(1, ""));
	for (int i = 0; i < 200 && is_a_problem(&d); i++)
		run(&d, 20000);
	assert_false(is_a_problem(&d));
	assert_int_equal(access(record(1, ""), F_OK), -1);
	/* The id may come again; nothing removes that one's record. */
	claimed(&d, 1, 1000, -1);
	run(&d, 100000);
	assert_int_equal(access(record(1, ""), F_OK), 0);
	stop(&d);
}

/* What leaves the pool for a build without the hook is written down first. */
static void nothing_is_left_to_a_build_unwritten(void **state)
{
	struct daemon d = start();
	struct bd_claim_request req = {
		.has_id = true, .id = uuid(1), .size = BL_PAGES(1000), .node = -1, .name = "web"
	};
	struct answer a = { 0 };

	(void)state;
	bd_manager_claim(d.m, &req, done, &a);
	run(&d, 30000);
	block(1);
	built(7, 1000);
	fake_store_setf(7, "name", "web");
	for (int i = 0; i < 10; i++) {
		bd_manager_rebalance(d.m);
		run(&d, 20000);
	}
	assert_int_equal(fake_xen.pool[ANY], 1000);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	assert_true(is_a_problem(&d));
	unblock(1);
	for (int i = 0; i < 200 && find(&d, 1)->state != BL_CLAIM_BUILDING; i++)
		run(&d, 20000);
	is(&d, 1, BL_CLAIM_BUILDING, 0);
	assert_int_equal(fake_xen.pool[ANY], 0);
	stop(&d);
}

/* A change that could not be written is written later, without another. */
static void a_record_is_written_later(void **state)
{
	struct daemon d = start();
	struct bl_claim *c;
	struct answer a = { 0 };
	struct bl_err err;

	(void)state;
	claimed(&d, 1, 1000, -1);
	block(1);
	assert_true(renew(&d, 1, 5000, &err) < 0);
	c = find(&d, 1);
	bd_manager_handoff(d.m, c, 99, BL_PAGES(1), &BL_MS(1), done, &a); /* in vain */
	built(7, 999);
	a = hand(&d, 1, 7, 1000);
	assert_false(a.held);
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_HELD);
	assert_true(is_a_problem(&d));
	unblock(1);
	for (int i = 0; i < 200 && is_a_problem(&d); i++)
		run(&d, 20000);
	look_at_record();
	assert_true(on_disk);
	assert_string_equal(said, "held");
	stop(&d);
}

#define ON(where, f) cmocka_unit_test_setup_teardown(f, where, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(on_stock, a_release_that_is_cut_off),
		ON(on_stock, a_lease_whose_end_is_cut_off),
		ON(on_stock, a_holder_that_was_destroyed_meanwhile),
		ON(on_stock, a_build_that_is_over_by_then),
		ON(on_pool, a_record_that_cannot_go_keeps_its_pages),
		ON(on_stock, a_holder_goes_all_the_same),
		ON(on_pool, nothing_is_left_to_a_build_unwritten),
		ON(on_pool, a_record_is_written_later),
		ON(on_stock, a_record_is_written_later),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
