/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The targets and limits the Xen backend sets, against stand-ins. */
#include "tests/unit/xen-fixture.h"

#include <errno.h>

static void test_target(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(2, true, false, 262144, 262144, 0, 16);
	start(f);
	assert_int_equal(set_target(f, 2, 50016), 0);
	/* Shown at once, and ours. */
	assert_int_equal(look(f, 2)->target.n, 50016);
	expect_store(f, "/local/domain/2/memory/target", "200000");
	assert_int_equal(set_target(f, 2, 50017), 0);
	assert_int_equal(set_target(f, 2, 50018), 0);
	assert_int_equal(set_target(f, 2, 50019), 0);
	expect_store(f, "/local/domain/2/memory/target", "200012");
	until(f, 2, d->target.n == 50019 && !(d->flags & BL_DOM_EXTERNAL));
	assert_int_equal(f->failures, 0);
	stop(f);
}

static void test_maxmem(void **state)
{
	struct fixture *f = new_fixture();
	struct bl_action a = { .kind = BL_ACT_MAXMEM, .domid = 2, .pages = BL_PAGES(50016) };

	(void)state;
	add_guest(2, true, false, 262144, 262144, 0, 16);
	start(f);
	assert_int_equal(f->h->ops->apply(f->h, &a, &f->e), 0);
	/* What `xl mem-set` to that size would set: the target and a MiB. */
	assert_int_equal(fake_xen_find(2)->max, 50000 + 256);
	assert_int_equal(look(f, 2)->max_pages.n, 50016);
	/* dom0's own limit is not lowered for good. */
	a.domid = 0;
	a.pages = BL_PAGES(200000);
	assert_int_equal(f->h->ops->apply(f->h, &a, &f->e), 0);
	assert_int_equal(fake_xen_find(0)->max, 262144 + 256);
	assert_int_equal(look(f, 0)->max_pages.n, 200000);
	assert_int_equal(look(f, 0)->static_max.n, 262144 + 256);
	a.domid = 77;
	assert_int_equal(f->h->ops->apply(f->h, &a, &f->e), -ESRCH);
	stop(f);
}

static void test_external(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	/* The same value again is nobody's. */
	fake_store_setf(1, "memory/target", "262144");
	see_writes(f, 1);
	assert_int_equal(look(f, 1)->flags, 0);
	f->changes = 0;
	fake_store_setf(1, "memory/target", "200000");
	until(f, 1, d->flags == BL_DOM_EXTERNAL && d->target.n == 50000);
	assert_int_not_equal(f->changes, 0);
	f->h->ops->adopt(f->h, 1);
	assert_int_equal(look(f, 1)->flags, 0);
	stop(f);
}

/* dom0 has no target before the first `xl mem-set 0`, which writes its size first. */
static void test_external_dom0(void **state)
{
	struct fixture *f = new_fixture();
	uint64_t kib = fake_xen_find(0)->tot * 4;

	(void)state;
	start(f);
	fake_store_setf(0, "memory/target", "%llu", (unsigned long long)kib);
	see_writes(f, 0);
	assert_int_equal(look(f, 0)->target.n, kib / 4);
	assert_false(look(f, 0)->flags & BL_DOM_EXTERNAL);
	fake_store_setf(0, "memory/target", "%llu", (unsigned long long)kib - 102400);
	until(f, 0, d->flags & BL_DOM_EXTERNAL);
	stop(f);
}

/* Both of its writes come before the first is read. */
static void test_external_dom0_at_once(void **state)
{
	struct fixture *f = new_fixture();
	uint64_t kib = fake_xen_find(0)->tot * 4;

	(void)state;
	start(f);
	fake_store_setf(0, "memory/target", "%llu", (unsigned long long)kib - 102400);
	until(f, 0, d->flags & BL_DOM_EXTERNAL && d->target.n == kib / 4 - 25600);
	f->h->ops->adopt(f->h, 0);
	assert_false(look(f, 0)->flags & BL_DOM_EXTERNAL);
	stop(f);
}

/* No number, or none at all, is somebody's as well, and so is what comes after. */
static void test_external_nonsense(void **state)
{
	static const char *const values[] = { "0", "lots", "", NULL };
	static const char path[] = "/local/domain/1/memory/target";

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct fixture *f = new_fixture();

		add_guest(1, false, false, 262144, 262144, 0, 0);
		start(f);
		fake_store_set(path, values[i]);
		if (values[i])
			until(f, 1, d->flags & BL_DOM_EXTERNAL);
		else
			until(f, 1, !d->has_target);
		/* What it was before is nobody's. */
		f->h->ops->adopt(f->h, 1);
		fake_store_set(path, "262144");
		until(f, 1, d->has_target && d->target.n == 65536);
		assert_int_equal(look(f, 1)->flags & BL_DOM_EXTERNAL, i == 0 ? BL_DOM_EXTERNAL : 0);
		stop(f);
		f = new_fixture();
		add_guest(1, false, false, 262144, 262144, 0, 0);
		start(f);
		fake_store_set(path, values[i]);
		see_writes(f, 1);
		f->h->ops->adopt(f->h, 1);
		fake_store_set(path, "200000");
		until(f, 1, d->flags & BL_DOM_EXTERNAL && d->target.n == 50000);
		stop(f);
	}
}

/* Somebody writes between our decision and our write: theirs stands. */
static void test_overtaken(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	fake_store_overtake("/local/domain/1/memory/target", "180000");
	assert_int_equal(set_target(f, 1, 50000), 0);
	until(f, 1, d->flags == BL_DOM_EXTERNAL && d->target.n == 45000);
	expect_store(f, "/local/domain/1/memory/target", "180000");
	assert_true(fake_store_wrote("/local/domain/1/memory/target", ""));
	assert_int_equal(f->failures, 0);
	stop(f);
}

static void test_refused_write(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	fake_store_deny_writes(true);
	assert_int_equal(set_target(f, 1, 50000), 0);
	until(f, 1, d->target.n == 65536);
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->last_failure, EACCES);
	stop(f);
}

/* The guest is gone since the last look, and another one has its id. */
static void test_reused(void **state)
{
	struct fixture *f = new_fixture();
	const struct bl_action limit = { .kind = BL_ACT_MAXMEM, .domid = 1, .pages = BL_PAGES(50000) };
	const struct bl_action nudge = { .kind = BL_ACT_NUDGE, .domid = 1, .pages = BL_PAGES(65536) };
	uint64_t max;

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	fake_xen_reuse(1);
	max = fake_xen_find(1)->max;
	assert_int_equal(set_target(f, 1, 50000), -ESRCH);
	assert_int_equal(f->e.id, BL_ERR_NO_SUCH_DOMAIN);
	assert_int_equal(f->h->ops->apply(f->h, &limit, &f->e), -ESRCH);
	assert_int_equal(f->h->ops->apply(f->h, &nudge, &f->e), -ESRCH);
	assert_int_equal(fake_xen_find(1)->max, max);
	/* The new one is known after the next look. */
	until(f, 1, d->has_target);
	assert_int_equal(set_target(f, 1, 50000), 0);
	expect_store(f, "/local/domain/1/memory/target", "200000");
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "200000\n"));
	stop(f);
}

/* The write waits for xenstored, and meanwhile the id, and even the value that is to be
 * written over, become another guest's. */
static void test_reused_while_writing(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	fake_store_setf(1, "vm", "/vm/first");
	start(f);
	fake_store_stall(true);
	assert_int_equal(set_target(f, 1, 50000), 0);
	fake_store_setf(1, "vm", "/vm/second");
	fake_store_stall(false);
	for (int i = 0; i < 500 && !f->failures; i++)
		run_loop(f, 20000);
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->last_failure, ESRCH);
	assert_true(fake_store_wrote("/local/domain/1/memory/target", ""));
	stop(f);
	/* With the same guest there it is written. */
	f = new_fixture();
	add_guest(1, false, false, 262144, 262144, 0, 0);
	fake_store_setf(1, "vm", "/vm/first");
	start(f);
	assert_int_equal(set_target(f, 1, 50000), 0);
	expect_store(f, "/local/domain/1/memory/target", "200000");
	assert_int_equal(f->failures, 0);
	stop(f);
}

/* A target that is there already: the guest's driver may have given up on it. */
static void test_same_again(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	assert_int_equal(set_target(f, 1, 65536), 0);
	expect_store(f, "/local/domain/1/memory/target", "262140");
	assert_int_equal(look(f, 1)->target.n, 65536);
	settle(f);
	fake_clock_pass(BL_MS(499));
	settle(f);
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "262140\n"));
	fake_clock_pass(BL_MS(1));
	expect_store(f, "/local/domain/1/memory/target", "262144");
	settle(f);
	/* between the halves what the first one wrote is a target as any other */
	assert_int_equal(set_target(f, 1, 65536), 0);
	expect_store(f, "/local/domain/1/memory/target", "262140");
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "262140\n262144\n262140\n"));
	settle(f);
	assert_int_equal(set_target(f, 1, 65535), 0);
	assert_int_equal(look(f, 1)->target.n, 65535);
	settle(f);
	fake_clock_pass(BL_MS(1300));
	settle(f);
	expect_store(f, "/local/domain/1/memory/target", "262140");
	assert_int_equal(look(f, 1)->target.n, 65535);
	assert_int_equal(f->failures, 0);
	stop(f);
}

/* A guest that the first half of a nudge was written to. */
static struct fixture *nudged(void)
{
	struct fixture *f = new_fixture();
	const struct bl_action a = { .kind = BL_ACT_NUDGE, .domid = 1, .pages = BL_PAGES(65536) };

	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	assert_int_equal(f->h->ops->apply(f->h, &a, &f->e), 0);
	expect_store(f, "/local/domain/1/memory/target", "262140");
	return f;
}

static void test_nudge(void **state)
{
	struct fixture *f = nudged();

	(void)state;
	assert_int_equal(look(f, 1)->target.n, 65536);
	settle(f);
	fake_clock_pass(BL_MS(500));
	settle(f);
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "262140\n262144\n"));
	until(f, 1, d->target.n == 65536 && d->flags == 0);
	stop(f);
}

/* A nudge that another target comes upon does not come back later. */
static void test_nudge_overridden(void **state)
{
	struct fixture *f = nudged();

	(void)state;
	settle(f);
	assert_int_equal(set_target(f, 1, 50000), 0);
	expect_store(f, "/local/domain/1/memory/target", "200000");
	settle(f);
	fake_clock_pass(BL_MS(800));
	settle(f);
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "262140\n200000\n"));
	stop(f);
}

/* Its second half is not for a domain that goes meanwhile: nobody would remove it. */
static void test_nudge_too_late(void **state)
{
	struct fixture *f = nudged();

	(void)state;
	settle(f);
	fake_store_set("/local/domain/1/memory/target", NULL);
	until_now(f, 1, !d->has_target);
	fake_clock_pass(BL_MS(800));
	settle(f);
	assert_true(fake_store_wrote("/local/domain/1/memory/target", "262140\n"));
	assert_int_equal(f->failures, 0);
	assert_int_equal(set_target(f, 1, 50000), -ENOENT);
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_maxmem),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_external_dom0),
		cmocka_unit_test(test_external_dom0_at_once),
		cmocka_unit_test(test_external_nonsense),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_refused_write),
		cmocka_unit_test(test_reused),
		cmocka_unit_test(test_reused_while_writing),
		cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_nudge),
		cmocka_unit_test(test_nudge_overridden),
		cmocka_unit_test(test_nudge_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
