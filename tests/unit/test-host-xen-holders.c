/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Xen backend against stand-ins: holders of claims, and what hostile guests
 * say. */
#include "tests/unit/xen-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>

/* ---- holders --------------------------------------------------------------------- */

static const bl_uuid claim_id = { { 7, 7, 7 } };

static bl_uuid handle(uint8_t last)
{
	bl_uuid u = { { 0 } };

	memcpy(u.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	u.b[15] = last;
	return u;
}

static int stake(struct fixture *f, uint64_t pages, int node, uint32_t *ret)
{
	bl_uuid u = handle(1);

	return f->h->ops->stake(f->h, &u, &claim_id, BL_PAGES(pages), node, ret, &f->e);
}

static void test_stake(void **state)
{
	struct fixture *f = new_fixture();
	bl_uuid other = handle(2), mine = handle(1);
	uint32_t domid = 0;
	unsigned before;

	(void)state;
	start(f);
	before = fake_xen.calls;
	assert_int_equal(stake(f, 100000, -1, &domid), 0);
	/* With the two of a snapshot before and after still within six. */
	assert_in_range(fake_xen.calls - before, 1, 3);
	assert_int_equal(fake_xen_outstanding(), 100000);
	expect_store(f, "/local/domain/100/name", "balloond-claim-07070700-0000-0000-0000-000000000000");
	until(f, domid, d->flags == BL_DOM_HOLDER && strncmp(d->name, "balloond-", 9) == 0);
	assert_int_equal(bl_snapshot_find(&f->s, domid)->outstanding.n, 100000);
	assert_true(bl_uuid_equal(&bl_snapshot_find(&f->s, domid)->uuid, &mine));
	assert_int_equal(f->h->ops->unstake(f->h, domid, &other), -ENOENT);
	assert_int_equal(f->h->ops->unstake(f->h, 0, &mine), -ENOENT);
	assert_int_equal(fake_xen_outstanding(), 100000);
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), 0);
	assert_int_equal(fake_xen_outstanding(), 0);
	assert_null(fake_xen_find(domid));
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), -ENOENT);
	until(f, domid, d == NULL);
	stop(f);
}

static void test_stake_fails(void **state)
{
	static const struct {
		int create, claim, node, r;
		uint64_t pages;
		enum bl_err_id id;
		const char *says;
	} rows[] = {
		{ 0, 0, -1, -ENOMEM, 600000, BL_ERR_NO_MEMORY, "no room for a claim of 2.3 GiB" },
		{ 0, ENOSYS, -1, -ENOSYS, 1000, BL_ERR_UNSUPPORTED, "no memory claims" },
		{ 0, EPERM, -1, -EPERM, 1000, BL_ERR_BACKEND, "refuses a claim" },
		{ ENOMEM, 0, -1, -ENOMEM, 1000, BL_ERR_NO_MEMORY, "empty domain" },
		{ EPERM, 0, -1, -EPERM, 1000, BL_ERR_BACKEND, "cannot make a domain" },
		{ 0, 0, 1, -ENOTSUP, 1000, BL_ERR_UNSUPPORTED, "on a node" },
	};
	struct fixture *f = new_fixture();

	(void)state;
	start(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t domid = 77;

		fake_xen.fail_create = rows[i].create;
		fake_xen.fail_claim = rows[i].claim;
		assert_int_equal(stake(f, rows[i].pages, rows[i].node, &domid), rows[i].r);
		assert_int_equal(f->e.id, rows[i].id);
		if (!strstr(f->e.msg, rows[i].says))
			fail_msg("'%s' does not say '%s'", f->e.msg, rows[i].says);
		assert_int_equal(domid, 77);
		/* Nothing is left behind. */
		look(f, 0);
		assert_int_equal(f->s.n_doms, 1);
		assert_int_equal(fake_xen_outstanding(), 0);
	}
	stop(f);
}

/* With FLASK enforced no domain is made without a label. */
static void test_holder_has_label(void **state)
{
	struct fixture *f = new_fixture();
	uint32_t domid = 0;

	(void)state;
	fake_xen.flask_label = 12;
	start(f);
	assert_int_equal(stake(f, 1000, -1, &domid), 0);
	stop(f);
}

static void test_transfer(void **state)
{
	struct fixture *f = new_fixture();
	bl_uuid mine = handle(1);
	struct fake_domain *d;
	uint32_t domid = 0;

	(void)state;
	start(f);
	assert_int_equal(stake(f, 100000, -1, &domid), 0);
	d = fake_xen_add(5, true, false, 0);
	d->max = 100256;
	look(f, 5);
	/* Somebody takes the pages in between. */
	fake_xen.fail_claim = ENOMEM;
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), -ENOMEM);
	assert_int_equal(f->e.id, BL_ERR_NO_MEMORY);
	assert_non_null(fake_xen_find(domid));
	assert_int_equal(fake_xen_outstanding(), 0);
	fake_xen.fail_claim = 0;
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), 0);
	/* A domain that takes no claim: the holder has it back. */
	assert_int_equal(stake(f, 100000, -1, &domid), 0);
	d->max = 1;
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), -EINVAL);
	assert_int_equal(fake_xen_find(domid)->outstanding, 100000);
	assert_int_equal(fake_xen_outstanding(), 100000);
	d->max = 100256;
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), 0);
	assert_null(fake_xen_find(domid));
	assert_int_equal(d->outstanding, 100000);
	assert_int_equal(f->h->ops->cancel(f->h, 5), 0);
	assert_int_equal(fake_xen_outstanding(), 0);
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), -ENOENT);
	/* One that has begun to die meanwhile keeps none, and the holder has it back. */
	assert_int_equal(stake(f, 100000, -1, &domid), 0);
	d->flags |= XEN_DOMINF_dying;
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), -ESRCH);
	assert_int_equal(d->outstanding, 0);
	assert_int_equal(fake_xen_find(domid)->outstanding, 100000);
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), 0);
	d->flags &= ~(uint32_t)XEN_DOMINF_dying;
	/* Without a holder it is a claim; and none can be given up for nobody. */
	assert_int_equal(f->h->ops->transfer(f->h, BL_DOMID_NONE, &mine, 5, BL_PAGES(100000), &f->e), 0);
	assert_int_equal(d->outstanding, 100000);
	assert_int_equal(f->h->ops->cancel(f->h, 77), -ESRCH);
	stop(f);
}

static void reuse_5(void)
{
	fake_xen_reuse(5);
}

/* The domain that a claim is for is gone since the last look, and another has its id. */
static void test_transfer_reused(void **state)
{
	struct fixture *f = new_fixture();
	bl_uuid mine = handle(1);
	struct fake_domain *d;
	uint32_t domid = 0;

	(void)state;
	start(f);
	assert_int_equal(stake(f, 100000, -1, &domid), 0);
	d = fake_xen_add(5, true, false, 0);
	d->max = 200256;
	look(f, 5);
	fake_xen_reuse(5);
	assert_int_equal(f->h->ops->transfer(f->h, domid, &mine, 5, BL_PAGES(100000), &f->e), -ESRCH);
	assert_int_equal(f->e.id, BL_ERR_NO_SUCH_DOMAIN);
	assert_int_equal(f->h->ops->transfer(f->h, BL_DOMID_NONE, &mine, 5, BL_PAGES(100000), &f->e),
			 -ESRCH);
	assert_int_equal(d->outstanding, 0);
	assert_int_equal(fake_xen_find(domid)->outstanding, 100000);
	/* What it has claimed itself is not given up. */
	d->outstanding = 77;
	assert_int_equal(f->h->ops->cancel(f->h, 5), -ESRCH);
	assert_int_equal(d->outstanding, 77);
	d->outstanding = 0;
	/* It comes between the look right before and the claim: that one has it for no longer. */
	look(f, 5);
	fake_xen.on_claim = reuse_5;
	assert_int_equal(f->h->ops->transfer(f->h, BL_DOMID_NONE, &mine, 5, BL_PAGES(100000), &f->e),
			 -ESRCH);
	fake_xen.on_claim = NULL;
	assert_int_equal(d->outstanding, 0);
	assert_int_equal(fake_xen_find(domid)->outstanding, 100000);
	stop(f);
}

/* A holder's id becomes a guest's before xenstore has done what was asked for. */
static void test_notes_reused(void **state)
{
	struct fixture *f = new_fixture();
	bl_uuid mine = handle(1);
	char path[64], name[64];
	uint32_t domid = 0;

	(void)state;
	start(f);
	fake_store_stall(true);
	assert_int_equal(stake(f, 1000, -1, &domid), 0);
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), 0);
	fake_store_setf(domid, "vm", "/vm/of-a-guest");
	fake_store_setf(domid, "name", "guest");
	fake_store_stall(false);
	/* Later than those two in the queue. */
	add_guest(1, false, false, 4096, 4096, 0, 0);
	until(f, 1, d && d->name[0]);
	expect_store(f, "/local/domain/100/name", "guest");
	assert_true(fake_store_wrote("/local/domain/100/name", ""));
	/* Without a guest the notes are removed with the holder. */
	fake_store_setf(domid, "vm", NULL);
	assert_int_equal(stake(f, 1000, -1, &domid), 0);
	until(f, domid, d->name[0]);
	assert_int_equal(f->h->ops->unstake(f->h, domid, &mine), 0);
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	for (int i = 0; i < 500 && fake_store_get(path, name, sizeof(name)); i++)
		run_loop(f, 20000);
	assert_false(fake_store_get(path, name, sizeof(name)));
	stop(f);
}

static void reuse_61(void)
{
	fake_xen.on_destroy = NULL;
	fake_xen_find(61)->handle = (bl_uuid){ { 61 } };
}

/* While one holder is destroyed the next one goes, and a guest has its id. */
static void test_drop_reused(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	fake_xen_add(60, false, false, 0)->handle = handle(9);
	fake_xen_add(61, false, false, 0)->handle = handle(10);
	fake_xen_add(62, false, false, 0)->handle = handle(11);
	fake_xen.on_destroy = reuse_61;
	assert_int_equal(bd_host_xen_drop_holders(NULL), 0);
	assert_null(fake_xen_find(60));
	assert_non_null(fake_xen_find(61));
	assert_null(fake_xen_find(62));
	stop(f);
}

/* `xl shutdown` of a holder. */
static void test_asked_down(void **state)
{
	struct fixture *f = new_fixture();
	uint32_t domid = 0;

	(void)state;
	start(f);
	assert_int_equal(stake(f, 1000, -1, &domid), 0);
	until(f, domid, d->name[0]);
	f->changes = 0;
	fake_store_setf(domid, "control/shutdown", "poweroff");
	until(f, domid, d->flags == (BL_DOM_HOLDER | BL_DOM_DYING));
	assert_int_not_equal(f->changes, 0);
	stop(f);
}

/* What a daemon before this one left is found by its handle; anything else,
 * whatever it is called, stays. */
static void test_drop(void **state)
{
	struct fixture *f = new_fixture();
	struct fake_domain *fake;
	char name[64];

	(void)state;
	fake = fake_xen_add(50, false, false, 0);
	fake->handle = handle(9);
	fake->outstanding = 5000;
	fake_store_setf(50, "name", "balloond-claim-x");
	add_guest(51, false, false, 4096, 4096, 0, 0);
	fake_store_setf(51, "name", "balloond-claim-y");
	start(f);
	assert_int_equal(bl_snapshot_find(&f->s, 50)->flags, BL_DOM_HOLDER);
	assert_string_equal(bl_snapshot_find(&f->s, 50)->name, "balloond-claim-x");
	/* One whose maker was killed before it had a name. */
	fake = fake_xen_add(52, false, false, 0);
	fake->handle = handle(10);
	until(f, 52, d->flags == BL_DOM_HOLDER && !d->name[0]);
	f->h->ops->name_holder(f->h, 52, &claim_id);
	until(f, 52, strcmp(d->name, "balloond-claim-07070700-0000-0000-0000-000000000000") == 0);
	stop(f);
	assert_int_equal(bd_host_xen_drop_holders(NULL), 0);
	fake_proc_end(); /* the lock has made its folder anew */
	assert_null(fake_xen_find(50));
	assert_non_null(fake_xen_find(51));
	assert_false(fake_store_get("/local/domain/50/name", name, sizeof(name)));
	assert_true(fake_store_get("/local/domain/51/name", name, sizeof(name)));
}

/* ---- what guests say -------------------------------------------------------------- */

static void test_telemetry(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	add_guest(2, false, false, 262144, 262144, 0, 0);
	fake_store_setf(1, "data/balloond/stat", "v=1 seq=1 used_kib=40000 avail_kib=200000 psi=5");
	fake_store_setf(2, "data/meminfo_total", "200000");
	fake_store_setf(2, "data/meminfo_free", "150000");
	start(f);
	/* A value that stands still may be years old. */
	assert_false(bl_snapshot_find(&f->s, 1)->tele.present);
	assert_false(bl_snapshot_find(&f->s, 2)->tele.present);
	fake_store_setf(1, "data/balloond/stat", "v=1 seq=2 used_kib=40000 avail_kib=200000 psi=5");
	fake_store_setf(2, "data/meminfo_free", "140000");
	until(f, 1, d->tele.present);
	until(f, 2, d->tele.present);
	assert_int_equal(look(f, 1)->flags, BL_DOM_DRIVER);
	assert_int_equal(look(f, 1)->tele.used.n, 10000);
	assert_int_equal(look(f, 1)->tele.available.n, 50000);
	assert_int_equal(look(f, 1)->tele.pressure, 5);
	/* 65536 pages, of which the kernel gives 35000 as available. */
	assert_int_equal(look(f, 2)->tele.used.n, 65536 - 35000);
	assert_int_equal(look(f, 2)->flags, 0);
	assert_int_equal(log_lines, 0);
	stop(f);
}

/* Its limits are told in terms of memory/target, and are the domain's pages here. */
static void test_driver(void **state)
{
	struct fixture *f = new_fixture();
	const struct bl_telemetry *t;

	(void)state;
	/* a PVH guest: 16 pages above its target */
	add_guest(1, true, false, 262144, 262144, 0, 16);
	fake_store_setf(1, "data/balloond/stat", "v=1 seq=1 used_kib=40000 avail_kib=200000 psi=5");
	start(f);
	until(f, 1, d->has_target);
	fake_store_setf(1, "data/balloond/stat",
			"v=1 seq=2 state=3 reason=1 current_kib=262144 target_kib=100000 min_kib=160000 "
			"max_kib=262144 used_kib=40000 avail_kib=200000 total_kib=250000 swap_kib=400 psi=5 "
			"psi_full=7 refaults=3 oom=2 later=9");
	until(f, 1, d->tele.has_min);
	t = &look(f, 1)->tele;
	assert_int_equal(t->min.n, 40000 + 16);
	assert_int_equal(t->max.n, 65536 + 16);
	assert_int_equal(t->used.n, 10000);
	assert_int_equal(t->swap.n, 100);
	assert_int_equal(t->pressure_full, 7);
	assert_int_equal(t->oom_kills, 2);
	assert_true(t->has_max && t->has_swap && t->has_pressure_full && t->has_oom_kills);
	assert_int_equal(t->refusal, BL_REFUSES_MIN);
	assert_false(t->starved);
	fake_store_setf(1, "data/balloond/stat",
			"v=1 seq=3 state=3 reason=2 used_kib=40000 avail_kib=200000 psi=5");
	until(f, 1, d->tele.refusal == BL_REFUSES_PRESSURE);
	assert_false(look(f, 1)->tele.has_min);
	fake_store_setf(1, "data/balloond/stat",
			"v=1 seq=4 state=3 reason=5 used_kib=40000 avail_kib=200000 psi=5");
	until(f, 1, d->tele.refusal == BL_REFUSES_NO_PAGES);
	/* a reason, or a state, that nobody knows yet */
	fake_store_setf(1, "data/balloond/stat",
			"v=1 seq=5 state=3 reason=77 used_kib=40000 avail_kib=200000 psi=5");
	until(f, 1, d->tele.refusal == BL_REFUSES_NOT);
	fake_store_setf(1, "data/balloond/stat",
			"v=1 seq=6 state=1 reason=4 used_kib=40000 avail_kib=200000 psi=5");
	until(f, 1, d->tele.starved);
	assert_int_equal(log_lines, 0);
	stop(f);
}

/* Each is ignored, with one line in the log a domain, however often it comes. */
static void test_hostile(void **state)
{
	static const struct {
		const char *key, *first, *second;
	} rows[] = {
		{ "data/balloond/stat", "x", "v=1 seq=1" },
		{ "data/balloond/stat", "v=1 seq=1 used_kib=1 avail_kib=9999999 psi=1",
		  "v=1 seq=2 used_kib=1 avail_kib=9999999 psi=1" },
		{ "data/meminfo_free", "-1", "99999999999999999999999999" },
		{ "memory/meminfo", "99999999", "99999998" },
		{ "memory/dynamic-min", "1G", "2G" },
	};
	struct fixture *f = new_fixture();

	(void)state;
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		add_guest(i + 1, false, false, 262144, 262144, 0, 0);
	start(f);
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fake_store_setf(i + 1, rows[i].key, "%s", rows[i].first);
	/* Read when the connection is made anew, as everything is. */
	fake_store_break();
	for (int round = 0; round < 30; round++) {
		run_loop(f, 100000);
		fake_clock_pass(BL_MS(100));
		look(f, 1);
		for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			const struct bl_dom *d = bl_snapshot_find(&f->s, i + 1);

			assert_false(d->tele.present);
			assert_false(d->has_dyn_min);
			assert_int_equal(d->flags & ~(unsigned)BL_DOM_BUILDING, 0);
			fake_store_setf(i + 1, rows[i].key, "%s",
					round % 2 ? rows[i].first : rows[i].second);
		}
	}
	/* The lost connection is worth a line of its own. */
	assert_in_range(log_lines, 1, 1 + sizeof(rows) / sizeof(*rows));
	stop(f);
}

static void test_hostile_name(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	add_guest(1, false, false, 262144, 262144, 0, 0);
	fake_store_setf(1, "name", "a\033[2J\nb\xff\u202ec\u200b");
	start(f);
	assert_string_equal(bl_snapshot_find(&f->s, 1)->name, "a?[2J?b??c?");
	stop(f);
}

static void test_boot_id(void **state)
{
	struct fixture *f = new_fixture();
	bl_uuid a, b;

	(void)state;
	start(f);
	assert_int_equal(f->h->ops->boot_id(f->h, &a), 0);
	assert_int_equal(f->h->ops->boot_id(f->h, &b), 0);
	assert_true(bl_uuid_equal(&a, &b));
	assert_false(bl_uuid_is_null(&a));
	stop(f);
}

static void test_no_xen(void **state)
{
	struct fixture *f = new_fixture();

	(void)state;
	fake_xen.fail_open = ENOENT;
	assert_int_equal(try_start(f), -ENOENT);
	assert_non_null(strstr(f->e.msg, "control domain"));
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stake),
		cmocka_unit_test(test_stake_fails),
		cmocka_unit_test(test_holder_has_label),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_transfer_reused),
		cmocka_unit_test(test_notes_reused),
		cmocka_unit_test(test_drop_reused),
		cmocka_unit_test(test_asked_down),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_telemetry),
		cmocka_unit_test(test_driver),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_name),
		cmocka_unit_test(test_boot_id),
		cmocka_unit_test(test_no_xen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
