/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Xen backend against stand-ins for the hypervisor and xenstored: what it
 * sees, and a xenstored that hangs. The targets it sets: test-host-xen-target.c. */
#include "tests/unit/xen-fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xenctrl.h>

/* ---- what is seen --------------------------------------------------------------- */

static void test_joined(void **state)
{
	struct fixture *f = new_fixture();
	const struct bl_dom *d;

	(void)state;
	add_guest(1, false, false, 1048576, 2097152, 0, 0);
	add_guest(2, true, false, 262144, 262144, 0, 16);
	add_guest(3, true, true, 245760, 262144, 16384, 4000);
	add_guest(4, true, true, 262144, 262144, 0, -5);
	fake_store_setf(1, "memory/dynamic-min", "524288");
	fake_store_setf(1, "control/feature-balloon", "1");
	start(f);
	assert_int_equal(f->s.total.n, 1000000);
	assert_int_equal(f->s.free.n, 500000);
	assert_int_equal(f->s.n_nodes, 1);
	assert_false(f->s.store_stale);
	assert_int_equal(f->s.n_doms, 5);
	d = bl_snapshot_find(&f->s, 0);
	assert_string_equal(d->name, "Domain-0");
	assert_true(d->has_target);
	assert_int_equal(d->target.n, d->tot.n);
	assert_int_equal(d->flags, BL_DOM_CONTROL);
	d = bl_snapshot_find(&f->s, 1);
	assert_int_equal(d->type, BL_DOM_PV);
	assert_int_equal(d->flags, BL_DOM_ANNOUNCED);
	assert_string_equal(d->name, "guest1");
	assert_int_equal(d->target.n, 262144);
	assert_int_equal(d->static_max.n, 524288);
	assert_int_equal(d->max_pages.n, 262144);
	assert_int_equal(d->dyn_min.n, 131072);
	d = bl_snapshot_find(&f->s, 2);
	assert_int_equal(d->type, BL_DOM_PVH);
	assert_true(d->has_target);
	assert_int_equal(d->target.n, 65536 + 16);
	assert_int_equal(d->static_max.n, 65536 + 16);
	assert_int_equal(d->max_pages.n, 65536 + 16);
	d = bl_snapshot_find(&f->s, 3);
	assert_int_equal(d->type, BL_DOM_HVM);
	assert_int_equal(d->target.n, 61440 + 4000);
	assert_int_equal(d->static_max.n, 61440 + 4000);
	/* Without the room a VGA leaves free, the offset is below zero. */
	d = bl_snapshot_find(&f->s, 4);
	assert_int_equal(d->target.n, 65536 - 5);
	assert_int_equal(d->max_pages.n, 65536 - 5);
	stop(f);
}

static void test_flags(void **state)
{
	struct fixture *f = new_fixture();
	struct fake_domain *d;

	(void)state;
	add_guest(1, false, false, 4096, 4096, 0, 0)->flags |= XEN_DOMINF_paused;
	add_guest(2, false, false, 4096, 4096, 0, 0)->flags |= XEN_DOMINF_dying;
	add_guest(3, false, false, 4096, 4096, 0, 0)->flags |= XEN_DOMINF_shutdown |
							       SHUTDOWN_suspend << XEN_DOMINF_shutdownshift;
	add_guest(4, false, false, 4096, 4096, 0, 0)->flags |= XEN_DOMINF_shutdown |
							       SHUTDOWN_crash << XEN_DOMINF_shutdownshift;
	add_guest(5, false, false, 4096, 4096, 0, 0);
	fake_store_setf(5, "target", "4");
	add_guest(6, true, false, 4096, 4096, 0, 0)->flags |= XEN_DOMINF_xs_domain;
	d = add_guest(7, false, false, 4096, 4096, 0, 0);
	d->flags |= XEN_DOMINF_paused;
	d->cpu_time = 0;
	d = add_guest(8, true, true, 4096, 8192, 0, 0);
	d->pod_entries = 1024;
	d->pod_cache = 512;
	start(f);
	assert_int_equal(bl_snapshot_find(&f->s, 1)->flags, BL_DOM_PAUSED);
	assert_int_equal(bl_snapshot_find(&f->s, 2)->flags, BL_DOM_DYING);
	assert_int_equal(bl_snapshot_find(&f->s, 3)->flags, BL_DOM_MIGRATING);
	assert_int_equal(bl_snapshot_find(&f->s, 4)->flags, BL_DOM_DYING | BL_DOM_CRASHED);
	assert_int_equal(bl_snapshot_find(&f->s, 5)->flags, BL_DOM_NO_BALLOON);
	assert_int_equal(bl_snapshot_find(&f->s, 6)->flags, BL_DOM_NO_BALLOON);
	assert_int_equal(bl_snapshot_find(&f->s, 7)->flags, BL_DOM_BUILDING);
	assert_int_equal(bl_snapshot_find(&f->s, 8)->flags, BL_DOM_POD);
	assert_false(bl_snapshot_find(&f->s, 8)->has_target);
	d->pod_cache = 1024;
	assert_int_equal(look(f, 8)->flags, 0);
	stop(f);
}

static void test_version(void **state)
{
	struct fixture *f = new_fixture();
	unsigned calls;

	(void)state;
	start(f);
	assert_string_equal(f->h->ops->version(f->h), "Xen 4.17.5");
	calls = fake_xen.calls;
	assert_string_equal(f->h->ops->version(f->h), "Xen 4.17.5"); /* known by now */
	assert_int_equal(fake_xen.calls, calls);
	stop(f);
}

static void test_nodes(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	fake_xen.nodes = 2;
	start(f);
	assert_int_equal(f->s.n_nodes, 2);
	assert_int_equal(f->s.nodes[0].node, 0);
	assert_int_equal(f->s.nodes[1].node, 2);
	assert_int_equal(f->s.nodes[1].total.n, 3000);
	assert_int_equal(f->s.nodes[1].free.n, 2);
	stop(f);
}

/* More domains than a call returns, and few calls for that. */
static void test_many(void **state)
{
	struct fixture *f = new_fixture();
	unsigned before;

	(void)state;
	for (uint32_t i = 1; i <= 2500; i++)
		fake_xen_add(i, false, false, 100);
	start(f);
	assert_int_equal(f->s.n_doms, 2501);
	for (uint32_t i = 0; i <= 2500; i++)
		assert_int_equal(f->s.doms[i].domid, i);
	before = fake_xen.calls;
	look(f, 0);
	assert_in_range(fake_xen.calls - before, 2, 4);
	stop(f);
}

/* A domain is built, then runs; what xl writes meanwhile is not somebody
 * else's target. */
static void test_building(void **state)
{
	struct fixture *f = new_fixture();
	struct fake_domain *new;

	(void)state;
	start(f);
	new = fake_xen_add(5, true, false, 0);
	new->cpu_time = 0;
	new->flags |= XEN_DOMINF_paused;
	until(f, 5, d->flags == BL_DOM_BUILDING);
	fake_store_setf(5, "name", "new");
	fake_store_setf(5, "memory/target", "4096");
	until(f, 5, strcmp(d->name, "new") == 0);
	fake_store_setf(5, "memory/target", "262144");
	fake_store_setf(5, "memory/static-max", "524288");
	new->tot = 65536 + 16;
	fake_store_introduce(5);
	until(f, 5, d->static_max.n == 0 && d->flags == BL_DOM_BUILDING);
	new->flags &= ~(uint32_t)XEN_DOMINF_paused;
	new->cpu_time = 1;
	until(f, 5, d->flags == 0 && d->has_target);
	assert_int_equal(f->s.doms[1].target.n, 65536 + 16);
	assert_int_equal(f->s.doms[1].static_max.n, 131072 + 16);
	stop(f);
}

/* ---- a xenstored that hangs, or goes --------------------------------------------- */

static void test_stall(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	fake_store_stall(true);
	assert_int_equal(set_target(f, 1, 50000), 0);
	assert_int_equal(look(f, 1)->target.n, 50000);
	for (int i = 0; i < 500 && !f->s.store_stale; i++) {
		usleep(20000);
		fake_clock_pass(BL_MS(100));
		look(f, 1);
	}
	assert_true(f->s.store_stale);
	assert_string_equal(bl_snapshot_find(&f->s, 1)->name, "guest1");
	fake_store_setf(1, "name", "renamed");
	fake_store_stall(false);
	until(f, 1, !f->s.store_stale && strcmp(d->name, "renamed") == 0);
	expect_store(f, "/local/domain/1/memory/target", "200000");
	assert_int_equal(f->failures, 0);
	stop(f);
}

static void test_reconnect(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	start(f);
	fake_store_break();
	/* Nothing is asked of it but that it is alive. */
	fake_store_setf(1, "name", "renamed");
	fake_store_setf(1, "memory/target", "200000");
	until(f, 1, strcmp(d->name, "renamed") == 0 && d->flags == BL_DOM_EXTERNAL);
	fake_store_setf(1, "memory/target", "180000");
	until(f, 1, d->target.n == 45000);
	stop(f);
}

/* A start without xenstored knows the hypervisor's part, and the rest later. */
static void test_start_without_store(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	fake_store_refuse(true);
	start(f);
	assert_int_equal(bl_snapshot_find(&f->s, 1)->tot.n, 65536);
	assert_false(bl_snapshot_find(&f->s, 1)->has_target);
	fake_store_refuse(false);
	until(f, 1, d->has_target && d->flags == 0 && !f->s.store_stale);
	stop(f);
}

/* `xl destroy`: for the hypervisor it is a paused domain that gets smaller. */
static void test_destroyed(void **state)
{
	struct fixture *f = new_fixture();
	struct fake_domain *gone = add_guest(1, false, false, 262144, 262144, 0, 0);

	(void)state;
	fake_store_setf(1, "name", "web");
	start(f);
	gone->flags |= XEN_DOMINF_paused;
	until(f, 1, d->flags == BL_DOM_PAUSED);
	f->changes = 0;
	fake_store_set("/local/domain/1/name", NULL);
	until(f, 1, d->flags & BL_DOM_DYING && !strcmp(d->name, "web"));
	assert_int_not_equal(f->changes, 0);
	/* One that runs on is not destroyed, whoever removed its name. */
	gone->flags &= ~(uint32_t)XEN_DOMINF_paused;
	until(f, 1, !(d->flags & BL_DOM_DYING));
	stop(f);
}

/* Its helper is there for a while of its build, in which nothing else happens. */
static void test_restored(void **state)
{
	struct fixture *f = new_fixture();
	struct fake_domain *built;

	(void)state;
	start(f);
	for (uint32_t domid = 30001; domid <= 30003; domid++) {
		built = fake_xen_add(domid, true, false, 1000);
		built->flags |= XEN_DOMINF_paused;
		built->cpu_time = 0;
	}
	until(f, 30003, d->flags == BL_DOM_BUILDING);
	fake_proc_helper(10, ROOT, "--save-domain", 30001); /* that is no restore */
	fake_proc_helper(11, "1000\t1000\t1000\t1000", "--restore-domain", 30003);
	fake_proc_helper(12, ROOT, "--restore-domain", 30002);
	until(f, 30002, d->flags & BL_DOM_RESTORED);
	for (unsigned pid = 10; pid <= 12; pid++)
		fake_proc_remove(pid);
	for (uint32_t domid = 30001; domid <= 30003; domid++) {
		built = fake_xen_find(domid);
		built->flags &= ~(uint32_t)XEN_DOMINF_paused;
		built->cpu_time = 1;
		fake_store_introduce(domid);
	}
	until(f, 30002, d->flags == BL_DOM_RESTORED);
	assert_int_equal(look(f, 30001)->flags & BL_DOM_RESTORED, 0);
	assert_int_equal(look(f, 30003)->flags & BL_DOM_RESTORED, 0);
	stop(f);
}

static void note_problem(void *ud, const char *line)
{
	if (strstr(line, "no guest is moved"))
		*(unsigned *)ud += 1;
}

static unsigned doubts(struct fixture *f)
{
	unsigned n = 0;

	f->h->ops->problems(f->h, note_problem, &n);
	return n;
}

/* One that is being saved is not moved, and none is while it cannot be seen who is. */
static void test_saved(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	add_guest(2, false, false, 262144, 262144, 0, 0);
	assert_true(bl_uuid_parse("ba11002d-c1a1-4000-8000-000000000001",
				  &fake_xen_add(3, false, false, 0)->handle));
	start(f);
	assert_int_equal(doubts(f), 0);
	fake_proc_helper(10, ROOT, "--save-domain", 1);
	fake_proc_helper(11, "1000\t1000\t1000\t1000", "--save-domain", 2);
	look(f, 1);
	assert_int_equal(set_target(f, 1, 50000), -EBUSY);
	assert_non_null(strstr(f->e.msg, "is being saved"));
	assert_int_equal(set_target(f, 2, 50000), 0);
	fake_proc_remove(10);
	until(f, 1, !(d->flags & BL_DOM_MIGRATING));
	/* Now the processes of root are hidden. */
	fake_proc_remove(1);
	look(f, 1);
	assert_int_equal(set_target(f, 1, 40000), -EBUSY);
	assert_non_null(strstr(f->e.msg, "cannot see"));
	assert_int_equal(set_target(f, 2, 40000), -EBUSY);
	assert_int_equal(look(f, 0)->flags, BL_DOM_CONTROL);
	assert_int_equal(look(f, 3)->flags, BL_DOM_HOLDER);
	assert_true(look(f, 1)->flags & BL_DOM_MIGRATING);
	assert_int_equal(doubts(f), 1);
	/* They are there again, which is seen without anybody asking for a move. */
	fake_proc_add(1, "systemd", ROOT, "", 0);
	until(f, 1, !(d->flags & BL_DOM_MIGRATING));
	assert_int_equal(doubts(f), 0);
	assert_int_equal(set_target(f, 1, 40000), 0);
	stop(f);
}

/* A doubt that there is from the start is told of at the start. */
static void test_saved_unseen(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	fake_proc_remove(1);
	start(f);
	assert_int_equal(doubts(f), 1);
	assert_true(bl_snapshot_find(&f->s, 1)->flags & BL_DOM_MIGRATING);
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_saved_unseen),
		cmocka_unit_test(test_destroyed),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_start_without_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
