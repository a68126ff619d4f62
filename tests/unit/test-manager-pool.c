/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon on a hypervisor with a pool: claims stand in it, go to whoever is
 * built in one step, and are found again after a kill by what their records say. */
#include "tests/unit/pool-fixture.h"

#include <string.h>

/* ---- what it is for ----------------------------------------------------------- */

static void stands_in_the_pool(void **state)
{
	struct daemon d = start();
	struct bd_picture p;
	struct bl_err err;

	(void)state;
	claimed(&d, 1, 1000, -1);
	claimed(&d, 2, 2000, -1);
	bd_manager_refresh(d.m);
	bd_manager_picture(d.m, &p);
	assert_true(p.host->pool);
	assert_int_equal(p.snap->n_doms, 1);
	assert_int_equal(p.snap->outstanding.n, 3000);
	assert_int_equal(p.plan->promised.n, 40);
	assert_int_equal(find(&d, 1)->holder, BL_DOMID_POOL);
	assert_string_equal(find(&d, 1)->reason, "held in the hypervisor's pool");
	on_disk = true;
	fake_xen.on_less = look_at_record;
	assert_int_equal(release(&d, 1, &err), 0);
	assert_false(on_disk); /* it could not take another's */
	assert_int_equal(fake_xen.pool[ANY], 2000);
	is(&d, 2, BL_CLAIM_HELD, 2000);
	stop(&d);
	assert_int_equal(fake_xen.pool[ANY], 2000); /* a stop keeps it */
}

static void is_handed_over_in_one_move(void **state)
{
	struct daemon d = start();
	struct fake_domain *b = built(7, 1000), *larger = built(8, 3000), *smaller = built(9, 500);
	struct answer a = { 0 };

	(void)state;
	claimed(&d, 1, 1000, -1);
	claimed(&d, 2, 2000, -1);
	claimed(&d, 3, 700, -1);
	run(&d, 30000);
	fake_xen.sets = 0;
	a = hand(&d, 1, 7, 1000);
	assert_true(a.n == 1 && a.held);
	assert_true(fake_xen.moves == 1 && !fake_xen.sets);
	assert_int_equal(b->outstanding, 1000);
	assert_int_equal(fake_xen.pool[ANY], 2700);
	is(&d, 1, BL_CLAIM_BUILDING, 0);
	assert_int_equal(find(&d, 1)->staked.n, 1000);
	claimed(&d, 4, 10, -1); /* before anybody has looked again */
	assert_int_equal(fake_xen.pool[ANY], 2710);
	fake_xen.sets = 0;
	/* Less than was held; and more, for one that has some already. */
	assert_true(hand(&d, 3, 9, 500).held);
	assert_int_equal(smaller->outstanding, 500);
	assert_int_equal(fake_xen.pool[ANY], 2010);
	assert_true(fake_xen.moves == 2 && fake_xen.sets == 1);
	assert_int_equal(release(&d, 4, &a.err), 0);
	larger->tot = 100;
	larger->outstanding = 200;
	assert_true(hand(&d, 2, 8, 3000).held);
	assert_int_equal(larger->outstanding, 2900);
	assert_int_equal(fake_xen.pool[ANY], 0);
	assert_true(fake_xen.moves == 3 && fake_xen.sets == 3);
	stop(&d);
}

static void stays_where_it_is_when_the_move_fails(void **state)
{
	struct daemon d = start();
	struct fake_domain *b = built(7, 999); /* may not have as much */
	struct answer a;

	(void)state;
	claimed(&d, 1, 1000, -1);
	a = hand(&d, 1, 7, 1000);
	assert_true(a.n == 1 && !a.held);
	assert_non_null(strstr(a.err.msg, "its limit"));
	assert_int_equal(b->outstanding, 0);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	/* What was added for it goes again. */
	assert_false(hand(&d, 1, 7, 1500).held);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	assert_int_equal(fake_xen.pool[ANY], 1000);
	/* There is no more to be had. */
	fake_xen.free = 1200;
	b->max = 5000;
	assert_false(hand(&d, 1, 7, 1500).held);
	run(&d, 50000);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	assert_int_equal(b->outstanding, 0);
	stop(&d);
}

static void knows_nodes(void **state)
{
	struct daemon d = start();
	struct fake_domain *b = built(7, 1000);
	struct answer a;

	(void)state;
	claimed(&d, 1, 1000, NODE);
	assert_int_equal(fake_xen.pool[NODE], 1000);
	assert_int_equal(fake_xen.pool[ANY], 0);
	assert_true(hand(&d, 1, 7, 1000).held);
	assert_int_equal(b->outstanding, 1000);
	assert_int_equal(b->claim_node, NODE);
	assert_int_equal(fake_xen.pool[NODE], 0);

	a = ask(&d, 2, 1000, 1);
	assert_int_equal(a.err.id, BL_ERR_INVALID_PARAMS);
	assert_string_equal(a.err.msg, "node: this host has no node 1");
	/* never, */
	a = ask(&d, 3, 300001, NODE);
	assert_int_equal(a.err.id, BL_ERR_NO_MEMORY);
	assert_non_null(strstr(a.err.msg, "on node 2, which is made of 1.1 GiB"));
	assert_null(find(&d, 3));
	/* or not yet: it waits, and has it when there is room */
	a = ask(&d, 4, 200001, NODE);
	assert_int_equal(a.n, 0);
	is(&d, 4, BL_CLAIM_RECLAIMING, 0);
	fake_xen.node_free[NODE] = 250000;
	for (int i = 0; i < 100 && !fake_xen.pool[NODE]; i++)
		run(&d, 50000);
	is(&d, 4, BL_CLAIM_HELD, 200001);
	stop(&d);
}

/* A part will do: at the end of the wait, or at once. */
static void takes_what_a_node_has(void **state)
{
	static const struct {
		enum bd_wait wait;
		uint64_t min;
		bool held;
	} rows[] = {
		{ BD_WAIT_GIVEN, 1000, true },
		{ BD_WAIT_NOW, 1000, true },
		{ BD_WAIT_GIVEN, 200001, false },
		{ BD_WAIT_NOW, 200001, false },
	};
	struct daemon d = start();

	(void)state;
	for (uint8_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bd_claim_request req = { .has_id = true,
						.id = uuid((uint8_t)(i + 1)),
						.node = NODE,
						.size = BL_PAGES(260000),
						.has_min = true,
						.min = BL_PAGES(rows[i].min),
						.wait = rows[i].wait,
						.wait_for = BL_MS(200) };
		struct answer a = { 0 };

		bd_manager_claim(d.m, &req, done, &a);
		for (int k = 0; k < 100 && !a.n; k++)
			run(&d, 30000);
		assert_true(a.n == 1 && a.held == rows[i].held);
		assert_int_equal(fake_xen.pool[NODE], rows[i].held ? 200000 : 0);
		if (rows[i].held)
			assert_int_equal(release(&d, (uint8_t)(i + 1), &a.err), 0);
		else if (!strstr(a.err.msg, "node 2 has 781.3 MiB free and not claimed"))
			fail_msg("%s", a.err.msg);
	}
	stop(&d);
}

static void stock_xen_has_holders(void **state)
{
	struct daemon d;
	struct answer a;

	(void)state;
	fake_xen.patched = false;
	d = start();
	claimed(&d, 1, 1000, -1);
	assert_int_equal(find(&d, 1)->holder, 100);
	assert_int_equal(fake_xen_find(100)->outstanding, 1000);
	a = ask(&d, 2, 1000, 0);
	assert_int_equal(a.err.id, BL_ERR_UNSUPPORTED);
	stop(&d);
	/* A hypervisor with a pool, as if it had come up under it: the holder stays one. */
	fake_xen.patched = true;
	d = start();
	claimed(&d, 2, 500, -1);
	assert_int_equal(fake_xen.pool[ANY], 500);
	assert_int_equal(find(&d, 1)->holder, 100);
	assert_int_equal(find(&d, 1)->staked.n, 1000);
	built(7, 1000);
	assert_true(hand(&d, 1, 7, 1000).held);
	assert_int_equal(fake_xen_find(7)->outstanding, 1000);
	assert_null(fake_xen_find(100));
	stop(&d);
}

/* ---- killed --------------------------------------------------------------------- */

/* Claim 1 of 1000 pages is in the middle of something, 2 of 2000 is held. */
static void two(void)
{
	struct daemon d = start();

	claimed(&d, 1, 1000, -1);
	claimed(&d, 2, 2000, -1);
	stop(&d);
}

static void record(enum bl_claim_state to, uint64_t pooled, uint32_t domid)
{
	struct daemon d = start();
	struct bl_claim *c = find(&d, 1);

	c->state = to;
	c->pooled = BL_PAGES(pooled);
	c->domid = domid;
	assert_int_equal(bd_state_save_claim(d.state, c), 0);
	stop(&d);
}

/* Saved, and killed before or after it was staked. */
static void killed_while_staking(void **state)
{
	struct daemon d;

	(void)state;
	for (unsigned after = 0; after < 2; after++) {
		begin(state);
		clean(state);
		two();
		record(BL_CLAIM_RECLAIMING, 0, BL_DOMID_NONE);
		fake_xen.pool[ANY] = after ? 3000 : 2000;
		d = start();
		is(&d, 1, BL_CLAIM_HELD, 1000);
		is(&d, 2, BL_CLAIM_HELD, 2000);
		assert_int_equal(fake_xen.pool[ANY], 3000);
		stop(&d);
	}
}

/* It was to be built, and the pages are in the pool, or with the domain, or that
 * has begun to be filled; or it went away with them. */
static void killed_while_moving(void **state)
{
	static const struct {
		uint64_t pool, outstanding, tot;
		bool gone, stays;
		uint64_t then;
	} rows[] = {
		{ 3000, 0, 0, false, true, 1000 },
		{ 2000, 1000, 0, false, true, 1000 },
		{ 2000, 600, 400, false, true, 600 },
		{ 2300, 1000, 0, false, true, 1000 }, /* what is left over was not given back yet */
		{ 2000, 0, 0, true, false, 0 },
		{ 3000, 0, 0, true, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fake_domain *b = NULL;
		struct daemon d;

		begin(state);
		clean(state);
		two();
		record(BL_CLAIM_BUILDING, 1000, 7);
		fake_xen.pool[ANY] = rows[i].pool;
		if (!rows[i].gone) {
			b = built(7, 1000);
			b->outstanding = rows[i].outstanding;
			b->tot = rows[i].tot;
		}
		d = start();
		is(&d, 2, BL_CLAIM_HELD, 2000);
		assert_int_equal(fake_xen.pool[ANY], 2000);
		assert_int_equal(find(&d, 1) != NULL, rows[i].stays);
		if (b)
			assert_int_equal(b->outstanding, rows[i].then);
		if (rows[i].stays)
			is(&d, 1, BL_CLAIM_BUILDING, 0);
		stop(&d);
	}
}

/* Pages that no record wants; a pool that is short while there is memory, and
 * while there is none: the last claim has room made for it anew. */
static void pool_and_records_differ(void **state)
{
	struct daemon d;

	(void)state;
	two();
	fake_xen.pool[ANY] = 3500;
	fake_xen.pool[NODE] = 40;
	d = start();
	assert_int_equal(fake_xen.pool[ANY], 3000);
	assert_int_equal(fake_xen.pool[NODE], 0);
	fake_xen.pool[ANY] = 700;
	bd_manager_rebalance(d.m);
	run(&d, 50000);
	assert_int_equal(fake_xen.pool[ANY], 3000);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	is(&d, 2, BL_CLAIM_HELD, 2000);

	fake_xen.pool[ANY] = 1000;
	fake_xen.free = 1500;
	warnings = 0;
	bd_manager_rebalance(d.m);
	run(&d, 100000);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	is(&d, 2, BL_CLAIM_RECLAIMING, 0);
	assert_int_equal(fake_xen.pool[ANY], 1000);
	assert_int_equal(warnings, 1);
	stop(&d);
	/* It is remembered so. */
	fake_xen.free = 100000;
	d = start();
	run(&d, 100000);
	is(&d, 1, BL_CLAIM_HELD, 1000);
	is(&d, 2, BL_CLAIM_HELD, 2000);
	stop(&d);
}

/* A record of more than the host has takes nothing from the others. */
static void more_than_the_host(void **state)
{
	struct daemon d;
	struct bl_claim *c;

	(void)state;
	two();
	d = start();
	c = find(&d, 1);
	c->size = c->min = c->pooled = BL_PAGES(UINT64_C(1) << 39);
	assert_int_equal(bd_state_save_claim(d.state, c), 0);
	stop(&d);
	warnings = 0;
	d = start();
	assert_null(find(&d, 1));
	is(&d, 2, BL_CLAIM_HELD, 2000);
	assert_int_equal(fake_xen.pool[ANY], 2000);
	assert_true(warnings > 0);
	stop(&d);
}

#define CALM(f) cmocka_unit_test_setup_teardown(f, begin, calm)
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALM(stands_in_the_pool),
		TEST(more_than_the_host),
		CALM(is_handed_over_in_one_move),
		CALM(stays_where_it_is_when_the_move_fails),
		CALM(knows_nodes),
		CALM(takes_what_a_node_has),
		CALM(stock_xen_has_holders),
		TEST(killed_while_staking),
		TEST(killed_while_moving),
		TEST(pool_and_records_differ),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
