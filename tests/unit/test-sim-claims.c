/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated hypervisor gives the very answers that were measured on Xen
 * 4.17: what a claim is refused for, and who may take what is claimed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sim/sim.h"

#define MIB BL_PAGES_PER_MIB
#define FREE (1024 * MIB - 2 * BL_SIM_EMPTY_PAGES) /* of world(), with domains 0 and 1 there */

static void *mem;

/* 1 GiB besides dom0's, and one empty domain, number 1. */
static struct bl_sim *world(void)
{
	static const char text[] = "[host]\nmemory = 2G\ndom0 = 1G\nnodes = 2\n";
	static const bl_uuid handle = { { 1 } };
	struct bl_err e = { 0 };
	struct bl_sim *s = NULL;
	uint32_t domid = 0;

	mem = calloc(1, bl_sim_world_size());
	assert_non_null(mem);
	assert_int_equal(bl_sim_world_parse(mem, "w", text, strlen(text), &e), 0);
	assert_int_equal(bl_sim_open(mem, bl_sim_world_size(), &s, &e), 0);
	assert_int_equal(bl_sim_domain_create(s, &handle, &domid), 0);
	assert_int_equal(domid, 1);
	return s;
}

static void end(struct bl_sim *s)
{
	struct bl_err e = { 0 };

	if (bl_sim_check(s, &e))
		fail_msg("%s", e.msg);
	bl_sim_free(s);
	free(mem);
}

static int claim(struct bl_sim *s, uint32_t domid, uint64_t pages)
{
	return bl_sim_claim(s, &(struct bl_sim_claim_op){ .domid = domid, .pages = pages });
}

static uint64_t outstanding(const struct bl_sim *s)
{
	struct bl_sim_physinfo p;

	bl_sim_physinfo(s, &p);
	return p.outstanding.n;
}

static uint64_t free_pages(const struct bl_sim *s)
{
	struct bl_sim_physinfo p;

	bl_sim_physinfo(s, &p);
	return p.free.n;
}

struct row {
	const char *what;
	uint64_t max, tot, other; /* of domain 1; claimed by another, domain 2 */
	struct bl_sim_claim_op first, op;
	int want;
	uint64_t staked; /* by domain 1, after op */
};

static const struct row rows[] = {
	{ "unknown domid", 1000, 0, 0, { 0 }, { 0, 77, 10, 0, 0 }, -EINVAL, 0 },
	{ "DOMID_SELF", 1000, 0, 0, { 0 }, { 0, BL_SIM_DOMID_FIRST_RESERVED, 10, 0, 0 }, -EINVAL, 0 },
	{ "order", 1000, 0, 0, { 0 }, { 0, 1, 10, 9, 0 }, -EINVAL, 0 },
	{ "flags", 1000, 0, 0, { 0 }, { 0, 1, 10, 0, 1 }, -EINVAL, 0 },
	{ "not the control domain", 1000, 0, 0, { 0 }, { 1, 1, 10, 0, 0 }, -EPERM, 0 },
	{ "bad order comes before who asks", 1000, 0, 0, { 0 }, { 1, 1, 10, 9, 0 }, -EINVAL, 0 },
	{ "0 without a claim", 1000, 0, 0, { 0 }, { 0, 1, 0, 0, 0 }, 0, 0 },
	{ "0 cancels", 1000, 0, 0, { 0, 1, 600, 0, 0 }, { 0, 1, 0, 0, 0 }, 0, 0 },
	{ "0 of an unknown domain", 1000, 0, 0, { 0 }, { 0, 77, 0, 0, 0 }, -EINVAL, 0 },
	{ "a second claim", 1000, 0, 0, { 0, 1, 600, 0, 0 }, { 0, 1, 700, 0, 0 }, -EINVAL, 600 },
	{ "a second, smaller", 1000, 0, 0, { 0, 1, 600, 0, 0 }, { 0, 1, 1, 0, 0 }, -EINVAL, 600 },
	{ "a second, too big", 1000, 0, 0, { 0, 1, 600, 0, 0 }, { 0, 1, 1 << 20, 0, 0 }, -EINVAL, 600 },
	{ "fewer than it has", 1000, 500, 0, { 0 }, { 0, 1, 499, 0, 0 }, -EINVAL, 0 },
	{ "as many as it has", 1000, 500, 0, { 0 }, { 0, 1, 500, 0, 0 }, -EINVAL, 0 },
	{ "one more than it has", 1000, 500, 0, { 0 }, { 0, 1, 501, 0, 0 }, 0, 1 },
	{ "as many as max_pages", 1000, 500, 0, { 0 }, { 0, 1, 1000, 0, 0 }, 0, 500 },
	{ "above max_pages", 1000, 500, 0, { 0 }, { 0, 1, 1001, 0, 0 }, -EINVAL, 0 },
	{ "a new domain has max_pages 0", 0, 0, 0, { 0 }, { 0, 1, 1, 0, 0 }, -EINVAL, 0 },
	{ "above max_pages and above what is free", 1000, 0, 0, { 0 }, { 0, 1, 1 << 30, 0, 0 }, -EINVAL, 0 },
	{ "all there is",
	  1 << 20,
	  0,
	  0,
	  { 0 },
	  { 0, 1, FREE - BL_SIM_EMPTY_PAGES, 0, 0 },
	  0,
	  FREE - BL_SIM_EMPTY_PAGES },
	{ "one more than there is",
	  1 << 20,
	  0,
	  0,
	  { 0 },
	  { 0, 1, FREE - BL_SIM_EMPTY_PAGES + 1, 0, 0 },
	  -ENOMEM,
	  0 },
	{ "what it has counts",
	  1 << 20,
	  500,
	  0,
	  { 0 },
	  { 0, 1, FREE - BL_SIM_EMPTY_PAGES, 0, 0 },
	  0,
	  FREE - BL_SIM_EMPTY_PAGES - 500 },
	{ "what another claimed",
	  1 << 20,
	  0,
	  5000,
	  { 0 },
	  { 0, 1, FREE - BL_SIM_EMPTY_PAGES - 5000, 0, 0 },
	  0,
	  FREE - BL_SIM_EMPTY_PAGES - 5000 },
	{ "one more than another left",
	  1 << 20,
	  0,
	  5000,
	  { 0 },
	  { 0, 1, FREE - BL_SIM_EMPTY_PAGES - 4999, 0, 0 },
	  -ENOMEM,
	  0 },
	{ "dom0 above its max_pages", 1000, 0, 0, { 0 }, { 0, 0, 1024 * MIB + 1, 0, 0 }, -EINVAL, 0 },
};

static void claim_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		static const bl_uuid other = { { 2 } };
		struct bl_snapshot snap = { 0 };
		struct bl_sim *s = world();
		uint32_t domid;
		int r;

		assert_int_equal(bl_sim_domain_create(s, &other, &domid), 0);
		bl_sim_setmaxmem(s, domid, BL_PAGES(row->other));
		assert_int_equal(claim(s, domid, row->other), 0);
		bl_sim_setmaxmem(s, 1, BL_PAGES(row->max));
		assert_int_equal(bl_sim_populate(s, 1, row->tot), row->tot);
		if (row->first.domid)
			assert_int_equal(bl_sim_claim(s, &row->first), 0);
		r = bl_sim_claim(s, &row->op);
		if (r != row->want)
			fail_msg("%s: answer %d, not %d", row->what, r, row->want);
		assert_int_equal(bl_sim_snapshot(s, &snap), 0);
		if (bl_snapshot_find(&snap, 1)->outstanding.n != row->staked)
			fail_msg("%s: %llu staked", row->what,
				 (unsigned long long)bl_snapshot_find(&snap, 1)->outstanding.n);
		assert_int_equal(outstanding(s), row->staked + row->other);
		bl_snapshot_free(&snap);
		end(s);
	}
}

/* The hypervisor refuses everybody else what is claimed, but its holder not. */
static void claimed_memory_is_kept(void **state)
{
	static const bl_uuid other = { { 2 } };
	struct bl_sim *s = world();
	uint32_t domid;

	(void)state;
	assert_int_equal(bl_sim_domain_create(s, &other, &domid), 0);
	bl_sim_setmaxmem(s, 1, BL_PAGES(1 << 20));
	bl_sim_setmaxmem(s, domid, BL_PAGES(1 << 20));
	assert_int_equal(claim(s, 1, free_pages(s) - 1000), 0);
	assert_int_equal(bl_sim_populate(s, domid, 5000), 1000);
	assert_int_equal(bl_sim_populate(s, domid, 1), 0);
	/* the claimant takes from its own, and the claim shrinks by as much */
	assert_int_equal(bl_sim_populate(s, 1, 300), 300);
	assert_int_equal(outstanding(s), free_pages(s));
	/* a domain's structures may not come from claimed memory */
	assert_int_equal(bl_sim_domain_create(s, &other, &domid), -ENOMEM);
	/* freed pages do not re-grow it */
	assert_int_equal(bl_sim_depopulate(s, 1, 300), 300);
	assert_int_equal(outstanding(s), free_pages(s) - 300);
	assert_int_equal(bl_sim_domain_create(s, &other, &domid), 0);
	end(s);
}

/* Beyond its own claim a domain takes what is unclaimed, up to max_pages. */
static void claim_runs_out(void **state)
{
	struct bl_sim *s = world();

	(void)state;
	bl_sim_setmaxmem(s, 1, BL_PAGES(2000));
	assert_int_equal(claim(s, 1, 1000), 0);
	assert_int_equal(bl_sim_populate(s, 1, 1500), 1500);
	assert_int_equal(outstanding(s), 0);
	assert_int_equal(bl_sim_populate(s, 1, 1500), 500);
	bl_sim_setmaxmem(s, 1, BL_PAGES(100)); /* below what it has: it keeps that */
	assert_int_equal(bl_sim_populate(s, 1, 1), 0);
	end(s);
}

static void death_gives_the_claim_back(void **state)
{
	struct bl_sim *s = world();
	struct bl_snapshot snap = { 0 };
	uint64_t before = free_pages(s);

	(void)state;
	bl_sim_setmaxmem(s, 1, BL_PAGES(100 * MIB));
	assert_int_equal(bl_sim_populate(s, 1, 60 * MIB), 60 * MIB);
	assert_int_equal(claim(s, 1, 100 * MIB), 0);
	assert_int_equal(bl_sim_domain_destroy(s, 1), 0);
	assert_int_equal(outstanding(s), 0);
	assert_int_equal(claim(s, 1, 90 * MIB), -EINVAL);
	assert_int_equal(bl_sim_domain_destroy(s, 1), -EBUSY);
	assert_int_equal(bl_sim_snapshot(s, &snap), 0);
	assert_true(bl_snapshot_find(&snap, 1)->flags & BL_DOM_DYING);
	bl_sim_step(s, BL_MS(1000));
	assert_int_equal(bl_sim_snapshot(s, &snap), 0);
	assert_null(bl_snapshot_find(&snap, 1));
	assert_int_equal(free_pages(s), before + BL_SIM_EMPTY_PAGES);
	assert_int_equal(bl_sim_domain_destroy(s, 1), -ESRCH);
	assert_int_equal(bl_sim_domain_destroy(s, 0), -EINVAL);
	bl_snapshot_free(&snap);
	end(s);
}

/* Pages that go offline under the claims: nothing wraps, and nobody but the
 * claimant gets one. */
static void offline_saturates(void **state)
{
	static const bl_uuid other = { { 2 } };
	struct bl_sim *s = world();
	uint32_t domid;
	uint64_t left;

	(void)state;
	assert_int_equal(bl_sim_domain_create(s, &other, &domid), 0);
	bl_sim_setmaxmem(s, 1, BL_PAGES(1 << 20));
	bl_sim_setmaxmem(s, domid, BL_PAGES(1 << 20));
	assert_int_equal(claim(s, 1, free_pages(s)), 0);
	assert_int_equal(bl_sim_offline(s, 0, 100), 100);
	assert_true(outstanding(s) > free_pages(s));
	assert_int_equal(claim(s, domid, 100), -ENOMEM);
	assert_int_equal(bl_sim_populate(s, domid, 1), 0);
	assert_int_equal(bl_sim_domain_create(s, &other, &domid), -ENOMEM);
	left = free_pages(s);
	assert_int_equal(bl_sim_populate(s, 1, left + 1), left);
	assert_int_equal(free_pages(s), 0);
	assert_int_equal(outstanding(s), 100);
	end(s);
}

static void domids_rise(void **state)
{
	static const bl_uuid handle = { { 3 } };
	struct bl_sim *s = world();
	uint32_t last = 1, domid;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bl_sim_domain_create(s, &handle, &domid), 0);
		assert_true(domid > last);
		last = domid;
		assert_int_equal(bl_sim_domain_destroy(s, domid), 0);
	}
	/* and begin anew at the first reserved number */
	for (int i = 0; i < 33000; i++) {
		assert_int_equal(bl_sim_domain_create(s, &handle, &domid), 0);
		assert_true(domid > 1 && domid < BL_SIM_DOMID_FIRST_RESERVED);
		assert_int_equal(bl_sim_domain_destroy(s, domid), 0);
	}
	end(s);
}

static void nodes_add_up(void **state)
{
	struct bl_sim *s = world();
	struct bl_snapshot snap = { 0 };

	(void)state;
	bl_sim_setmaxmem(s, 1, BL_PAGES(1 << 20));
	assert_int_equal(bl_sim_populate(s, 1, 900 * MIB), 900 * MIB);
	assert_int_equal(bl_sim_snapshot(s, &snap), 0);
	assert_int_equal(snap.n_nodes, 2);
	assert_int_equal(snap.nodes[0].total.n + snap.nodes[1].total.n, snap.total.n);
	assert_int_equal(snap.nodes[0].free.n + snap.nodes[1].free.n, snap.free.n);
	assert_int_equal(snap.total.n, 2048 * MIB);
	bl_snapshot_free(&snap);
	end(s);
}

/* Nobody else is given what is there, and it goes to a domain without a moment
 * in between. */
static void the_pool_keeps(void **state)
{
	struct bl_sim_launch l = {
		.name = "x", .size = BL_PAGES(MIB), .max = BL_PAGES(MIB), .pooled = BL_PAGES(MIB)
	};
	struct bl_sim *s = world();
	struct bl_err e;
	uint32_t domid;

	(void)state;
	assert_false(bl_sim_has_pool(s));
	assert_int_equal(bl_sim_pool_set(s, BL_PAGES(FREE + 1)), -ENOMEM);
	assert_int_equal(bl_sim_pool_set(s, BL_PAGES(FREE)), 0);
	assert_int_equal(outstanding(s), FREE);
	bl_sim_setmaxmem(s, 1, BL_PAGES(1000));
	assert_int_equal(claim(s, 1, 1), -ENOMEM);
	assert_int_equal(bl_sim_populate(s, 1, 1), 0);

	assert_int_equal(bl_sim_pool_move(s, 2, BL_PAGES(10)), -ESRCH);
	assert_int_equal(bl_sim_pool_move(s, 1, BL_PAGES(FREE + 1)), -ENOENT);
	assert_int_equal(bl_sim_pool_move(s, 1, BL_PAGES(1001)), -ERANGE);
	assert_int_equal(outstanding(s), FREE);
	assert_int_equal(bl_sim_pool_move(s, 1, BL_PAGES(600)), 0);
	assert_int_equal(bl_sim_populate(s, 1, 100), 100);
	assert_int_equal(bl_sim_pool_move(s, 1, BL_PAGES(401)), -ERANGE);
	assert_int_equal(bl_sim_pool_move(s, 1, BL_PAGES(400)), 0);
	assert_int_equal(outstanding(s), FREE - 100);
	assert_int_equal(bl_sim_populate(s, 1, 1000), 900);
	assert_int_equal(bl_sim_pool_set(s, BL_PAGES(MIB)), 0);
	assert_int_equal(outstanding(s), MIB);
	assert_int_equal(bl_sim_launch(s, &l, &domid, &e), 0);
	assert_int_equal(outstanding(s), MIB);
	assert_int_equal(bl_sim_pool_set(s, BL_PAGES(0)), 0);
	assert_int_equal(outstanding(s), MIB);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_answers),     cmocka_unit_test(claimed_memory_is_kept),
		cmocka_unit_test(claim_runs_out),    cmocka_unit_test(death_gives_the_claim_back),
		cmocka_unit_test(offline_saturates), cmocka_unit_test(domids_rise),
		cmocka_unit_test(nodes_add_up),	     cmocka_unit_test(the_pool_keeps),
	};

	return cmocka_run_group_tests_name("sim-claims", tests, NULL, NULL);
}
