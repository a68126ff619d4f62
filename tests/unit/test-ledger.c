/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Promises, in their order, and what the hypervisor keeps of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/core/ledger.h"

static bl_uuid numbered(uint8_t n)
{
	bl_uuid u = { { 0 } };

	memcpy(u.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	u.b[15] = n;
	return u;
}

static struct bl_claim *add(struct bl_ledger *l, uint8_t n, enum bl_claim_state state, uint64_t size)
{
	struct bl_claim c = { .state = state,
			      .size = BL_PAGES(size),
			      .min = BL_PAGES(size),
			      .overhead = BL_PAGES(10),
			      .node = -1,
			      .holder = BL_DOMID_NONE,
			      .domid = BL_DOMID_NONE };

	c.id = numbered((uint8_t)(100 + n));
	c.handle = numbered(n);
	return bl_ledger_add(l, &c);
}

static struct bl_dom *dom(struct bl_snapshot *s, uint32_t domid, unsigned flags, uint64_t tot,
			  uint64_t outstanding)
{
	struct bl_dom *d = bl_snapshot_add(s);

	d->domid = domid;
	d->flags = flags;
	d->tot = BL_PAGES(tot);
	d->outstanding = BL_PAGES(outstanding);
	return d;
}

static void keeps_the_order(void **state)
{
	struct bl_ledger l = { 0 };
	bl_uuid id;

	(void)state;
	for (uint8_t i = 0; i < 40; i++)
		add(&l, i, BL_CLAIM_RECLAIMING, 1);
	bl_ledger_remove(&l, l.claims[3]);
	bl_ledger_remove(&l, l.claims[0]);
	assert_int_equal(l.n, 38);
	for (size_t i = 1; i < l.n; i++)
		assert_true(l.claims[i - 1]->handle.b[15] < l.claims[i]->handle.b[15]);
	id = numbered(103);
	assert_null(bl_ledger_find(&l, &id));
	id = numbered(139);
	assert_ptr_equal(bl_ledger_find(&l, &id), l.claims[37]);
	id = numbered(39);
	assert_ptr_equal(bl_ledger_by_handle(&l, &id), l.claims[37]);
	assert_null(bl_ledger_find(&l, &id));
	bl_ledger_free(&l);
}

static void finds_holders_again(void **state)
{
	struct bl_ledger l = { 0 };
	struct bl_snapshot s = { 0 };
	struct bl_claim *hinted = add(&l, 1, BL_CLAIM_HELD, 100), *lost = add(&l, 2, BL_CLAIM_HELD, 200),
			*none = add(&l, 3, BL_CLAIM_RECLAIMING, 300),
			*building = add(&l, 4, BL_CLAIM_BUILDING, 400);

	(void)state;
	dom(&s, 5, 0, 0, 400); /* being built */
	dom(&s, 6, BL_DOM_HOLDER, 0, 100)->uuid = numbered(1);
	dom(&s, 7, BL_DOM_HOLDER, 0, 180)->uuid = numbered(2);
	dom(&s, 8, BL_DOM_HOLDER, 0, 1)->uuid = numbered(9); /* another's */
	dom(&s, 9, 0, 0, 300)->uuid = numbered(3);	     /* no holder, though it has the handle */
	hinted->holder = 6;
	lost->holder = 6; /* a domid that came round again */
	none->holder = 8;
	none->staked = BL_PAGES(77);
	building->domid = 5;
	bl_ledger_match(&l, &s);
	assert_int_equal(hinted->holder, 6);
	assert_int_equal(hinted->staked.n, 100);
	assert_int_equal(lost->holder, 7);
	assert_int_equal(lost->staked.n, 180);
	assert_int_equal(none->holder, BL_DOMID_NONE);
	assert_int_equal(none->staked.n, 0);
	assert_int_equal(building->staked.n, 400);
	bl_ledger_free(&l);
	bl_snapshot_free(&s);
}

/* The first would not go when the claim moved to a domain that was never finished. */
static void finds_the_holder_with_the_pages(void **state)
{
	struct bl_ledger l = { 0 };
	struct bl_snapshot s = { 0 };
	struct bl_claim *c = add(&l, 1, BL_CLAIM_HELD, 100);

	(void)state;
	dom(&s, 6, BL_DOM_HOLDER, 0, 0)->uuid = numbered(1);
	dom(&s, 7, BL_DOM_HOLDER, 0, 100)->uuid = numbered(1);
	dom(&s, 8, BL_DOM_HOLDER, 0, 0)->uuid = numbered(1);
	for (unsigned i = 0; i < 3; i++) {
		c->holder = i ? 5 + i : BL_DOMID_NONE; /* after a restart; by either domid */
		bl_ledger_match(&l, &s);
		assert_int_equal(c->holder, 7);
		assert_int_equal(c->staked.n, 100);
	}
	bl_ledger_free(&l);
	bl_snapshot_free(&s);
}

static struct bl_claim *add_pooled(struct bl_ledger *l, uint8_t n, enum bl_claim_state state, uint64_t size,
				   int node)
{
	struct bl_claim *c = add(l, n, state, size);

	c->pooled = BL_PAGES(size);
	c->node = node;
	return c;
}

static void finds_what_stands_in_the_pool(void **state)
{
	struct bl_ledger l = { 0 };
	struct bl_snapshot s = { .n_nodes = 1, .pool = BL_PAGES(300) };
	struct bl_claim *a = add_pooled(&l, 1, BL_CLAIM_HELD, 100, -1),
			*moving = add_pooled(&l, 2, BL_CLAIM_BUILDING, 100, -1),
			*none = add(&l, 3, BL_CLAIM_RECLAIMING, 50),
			*b = add_pooled(&l, 4, BL_CLAIM_HELD, 100, -1),
			*on_node = add_pooled(&l, 5, BL_CLAIM_HELD, 70, 2),
			*lost = add_pooled(&l, 6, BL_CLAIM_HELD, 70, 3);
	struct bl_dom *d;

	(void)state;
	s.nodes[0] = (struct bl_node){ .node = 2, .pool = BL_PAGES(70) };
	d = dom(&s, 5, BL_DOM_BUILDING, 0, 0);
	moving->domid = 5;
	assert_int_equal(bl_ledger_pooled(&l, -1).n, 300);
	assert_int_equal(bl_ledger_pooled(&l, 2).n, 70);
	bl_ledger_match(&l, &s);
	assert_int_equal(a->holder, BL_DOMID_POOL);
	assert_int_equal(a->staked.n, 100);
	assert_int_equal(moving->staked.n, 100); /* on its way, and not gone yet */
	assert_int_equal(none->holder, BL_DOMID_NONE);
	assert_int_equal(b->staked.n, 100);
	assert_int_equal(on_node->staked.n, 70);
	assert_int_equal(lost->holder, BL_DOMID_POOL); /* that node is not there any more */
	assert_int_equal(lost->in_pool.n, 0);
	/* an empty domain would cost of the overhead, the pool nothing */
	assert_int_equal(bl_claim_promised(a, &s).n, 10);

	/* It has moved, and its record does not say so yet: nobody else is short. */
	s.pool = BL_PAGES(200);
	d->outstanding = BL_PAGES(60);
	d->tot = BL_PAGES(40);
	bl_ledger_match(&l, &s);
	assert_int_equal(moving->in_pool.n, 0);
	assert_int_equal(moving->staked.n, 60);
	assert_int_equal(a->in_pool.n, 100);
	assert_int_equal(b->in_pool.n, 100);
	/* ... or it has given up what it got */
	d->outstanding = d->tot = BL_PAGES(0);
	bl_ledger_match(&l, &s);
	assert_int_equal(moving->in_pool.n, 0);
	assert_int_equal(b->in_pool.n, 100);
	/* ... or has died */
	d->domid = 6;
	s.pool = BL_PAGES(250);
	bl_ledger_match(&l, &s);
	assert_int_equal(moving->in_pool.n, 0);
	assert_int_equal(b->in_pool.n, 100);

	/* Somebody took of it: the last goes short. */
	s.pool = BL_PAGES(130);
	bl_ledger_match(&l, &s);
	assert_int_equal(a->staked.n, 100);
	assert_int_equal(b->staked.n, 30);
	assert_int_equal(b->pooled.n, 100);
	bl_ledger_free(&l);
	bl_snapshot_free(&s);
}

static void promises_what_is_not_staked(void **state)
{
	static const struct {
		enum bl_claim_state state;
		uint64_t staked, built_tot;
		bool gone; /* the domain being built */
		uint64_t promised;
	} rows[] = {
		{ BL_CLAIM_RECLAIMING, 0, 0, false, 110 },  { BL_CLAIM_RECLAIMING, 60, 0, false, 50 },
		{ BL_CLAIM_RECLAIMING, 60, 30, false, 20 }, /* for a domain that has some */
		{ BL_CLAIM_HELD, 100, 0, false, 10 },	    { BL_CLAIM_HELD, 90, 0, false, 20 },
		{ BL_CLAIM_HELD, 120, 0, false, 10 }, /* more than asked: nothing below zero */
		{ BL_CLAIM_BUILDING, 100, 0, false, 10 },   { BL_CLAIM_BUILDING, 70, 30, false, 10 },
		{ BL_CLAIM_BUILDING, 60, 30, false, 20 },   { BL_CLAIM_BUILDING, 0, 130, false, 10 },
		{ BL_CLAIM_BUILDING, 0, 0, true, 110 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_ledger l = { 0 };
		struct bl_snapshot s = { 0 };
		struct bl_claim *c = add(&l, 1, rows[i].state, 100);
		uint64_t got;

		c->staked = BL_PAGES(rows[i].staked);
		c->domid = 5;
		if (!rows[i].gone)
			dom(&s, 5, BL_DOM_BUILDING, rows[i].built_tot, 0);
		got = bl_claim_promised(c, &s).n;
		if (got != rows[i].promised)
			fail_msg("row %zu: %llu", i, (unsigned long long)got);
		bl_ledger_free(&l);
		bl_snapshot_free(&s);
	}
}

static void reboots_come_first(void **state)
{
	static const uint8_t order[] = { 2, 4, 1, 3 };
	struct bl_ledger l = { 0 };
	struct bl_snapshot s = { 0 };
	struct bl_claim c;

	(void)state;
	for (uint8_t n = 1; n <= 4; n++) {
		c = *add(&l, n, BL_CLAIM_RECLAIMING, 100);
		bl_ledger_remove(&l, bl_ledger_find(&l, &c.id));
		c.reboot = n % 2 == 0;
		assert_non_null(bl_ledger_add(&l, &c));
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(l.claims[i]->handle.b[15], order[i]);
	/* what it waits for is on its way; domain 0 is none */
	dom(&s, 0, BL_DOM_CONTROL, 50, 0);
	dom(&s, 7, BL_DOM_DYING | BL_DOM_REBOOTING, 70, 0);
	assert_int_equal(bl_claim_promised(l.claims[0], &s).n, 110);
	l.claims[0]->after = 7;
	assert_int_equal(bl_claim_promised(l.claims[0], &s).n, 40);
	bl_ledger_free(&l);
	bl_snapshot_free(&s);
}

/* Whoever builds asks for it by its domain. */
static void finds_who_it_is_for(void **state)
{
	struct bl_ledger l = { 0 };
	struct bl_dom d = { .domid = 5, .uuid = numbered(9), .name = "db" };
	struct bl_claim *nameless, *named, *later, *by_uuid;

	(void)state;
	nameless = add(&l, 1, BL_CLAIM_HELD, 100);
	assert_null(bl_ledger_named(&l, &d));
	named = add(&l, 2, BL_CLAIM_HELD, 100);
	strcpy(named->name, "db");
	later = add(&l, 3, BL_CLAIM_HELD, 100);
	strcpy(later->name, "db");
	assert_ptr_equal(bl_ledger_named(&l, &d), named);
	by_uuid = add(&l, 4, BL_CLAIM_HELD, 100);
	by_uuid->has_uuid = true;
	by_uuid->uuid = d.uuid;
	assert_ptr_equal(bl_ledger_named(&l, &d), by_uuid);
	assert_null(bl_ledger_by_domid(&l, 5));
	by_uuid->domid = named->domid = 5; /* they have theirs */
	assert_ptr_equal(bl_ledger_named(&l, &d), later);
	assert_ptr_equal(bl_ledger_by_domid(&l, 5), named);
	d.name[0] = '\0';
	assert_null(bl_ledger_named(&l, &d));
	assert_int_equal(nameless->domid, BL_DOMID_NONE);
	bl_ledger_free(&l);
}

static void names(void **state)
{
	enum bl_claim_state s = BL_CLAIM_DONE;
	bl_uuid u = numbered(3);

	(void)state;
	for (int i = BL_CLAIM_RECLAIMING; i <= BL_CLAIM_RELEASED; i++) {
		assert_true(bl_claim_state_parse(bl_claim_state_name((enum bl_claim_state)i), &s));
		assert_int_equal(s, i);
	}
	assert_false(bl_claim_state_parse("Held", &s));
	assert_int_equal(s, BL_CLAIM_RELEASED);
	assert_true(bl_handle_is_ours(&u));
	u.b[5] ^= 1;
	assert_false(bl_handle_is_ours(&u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_order),
		cmocka_unit_test(finds_holders_again),
		cmocka_unit_test(finds_the_holder_with_the_pages),
		cmocka_unit_test(finds_what_stands_in_the_pool),
		cmocka_unit_test(promises_what_is_not_staked),
		cmocka_unit_test(reboots_come_first),
		cmocka_unit_test(finds_who_it_is_for),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
