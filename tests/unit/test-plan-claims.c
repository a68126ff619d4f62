/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of small hosts on which claims wait: who gives, who is served first. */
#include "tests/unit/plan-fixture.h"

#include "lib/core/reason.h"

static void stakes_what_is_there(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 1500, 1500);
	add_claim(f, 500, 500);
	expect(f, "stake 1 1500, stake 2 500");
}

static void shares_what_is_missing(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 2400, 2400);
	expect(f, "target 1 800, target 2 800");
	assert_int_equal(f->plan.balance, -400 * (int64_t)MIB);
	assert_true(f->plan.moving);
	assert_int_equal(bl_plan_view(&f->plan, 1)->why, BL_WHY_CLAIM);
}

static void limits_follow(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 2400, 2400);
	make(f);
	f->snap.doms[0].target = f->snap.doms[1].target = BL_MIB_PAGES(800);
	bl_progress_find(&f->progress, 1)->ours = bl_progress_find(&f->progress, 2)->ours = true;
	f->snap.doms[0].tot = BL_MIB_PAGES(900);
	f->snap.free = BL_MIB_PAGES(2100);
	f->snap.now.n += 50;
	expect(f, ""); /* on its way, and no hypercall for each step */
	/* at once where it turns round, */
	f->snap.doms[0].tot = BL_MIB_PAGES(905);
	f->snap.free = BL_MIB_PAGES(2095);
	f->snap.now.n += 50;
	expect(f, "maxmem 1 905");
	f->snap.doms[0].tot = BL_MIB_PAGES(850);
	f->snap.free = BL_MIB_PAGES(2150);
	f->snap.now.n += 50;
	expect(f, "");
	/* and at its end */
	f->snap.doms[0].tot = f->snap.doms[1].tot = BL_MIB_PAGES(800);
	f->snap.free = BL_MIB_PAGES(2400);
	f->snap.now.n += 50;
	expect(f, "stake 1 2400, maxmem 1 800, maxmem 2 800");
}

static void tell_both(struct fixture *f, uint64_t first, uint64_t second)
{
	f->snap.doms[0].target = BL_PAGES(first);
	f->snap.doms[1].target = BL_PAGES(second);
	passes(f, 50);
	reports(f, 0, 300);
	reports(f, 1, 300);
}

/* The target that somebody is told, nobody else being told one; 0: nobody is. */
static uint64_t target_of_the_one(struct fixture *f)
{
	uint64_t target = 0;

	make(f);
	for (size_t i = 0; i < f->plan.n_actions; i++)
		if (f->plan.actions[i].kind == BL_ACT_TARGET) {
			assert_int_equal(target, 0);
			target = f->plan.actions[i].pages.n;
		}
	return target;
}

/* Guests that are on their way are not told of each page that comes or goes elsewhere, nor
 * of what would be a little fairer. */
static void does_not_chase_pages(void **state)
{
	struct fixture *f = *state;
	uint64_t asked;

	reports(f, 0, 300);
	reports(f, 1, 300);
	add_claim(f, 2400, 2400);
	expect(f, "target 1 800, target 2 800");
	tell_both(f, 800 * MIB, 800 * MIB);
	reports(f, 0, 304);
	expect(f, "");
	f->snap.free.n += 3;
	expect(f, "");
	/* Two missing mebibytes wait until the guests have arrived: a look that reads one number
	 * after the other is wrong by as much. What then lacks a page asks for a mebibyte more,
	 * and so not again for the next. */
	f->snap.free.n -= 3 + 2 * MIB;
	expect(f, "");
	f->snap.doms[0].tot = f->snap.doms[1].tot = BL_MIB_PAGES(800);
	f->snap.free = BL_PAGES(2400 * MIB - 1);
	passes(f, 50);
	reports(f, 0, 300);
	reports(f, 1, 300);
	asked = target_of_the_one(f);
	assert_int_equal(asked, 799 * MIB - 1);
	tell_both(f, 800 * MIB, asked);
	f->snap.free.n -= 100;
	assert_int_equal(target_of_the_one(f), 0);
}

static void first_come_first_served(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 2400, 2400);
	add_claim(f, 100, 100);
	expect(f, "target 1 750, target 2 750");
}

static void a_part_when_no_more_can_come(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *h;

	f->s.min.percent = 100;
	add_claim(f, 2400, 1800);
	expect(f, "stake 1 2000");
	f->ledger.claims[0]->overhead = BL_MIB_PAGES(30);
	expect(f, "stake 1 1970");
	f->ledger.claims[0]->min = BL_MIB_PAGES(1971);
	expect(f, "");
	/* with a holder, whose own pages came out of the overhead */
	f->ledger.claims[0]->min = BL_MIB_PAGES(1800);
	h = bl_snapshot_add(&f->snap);
	h->domid = 9;
	h->uuid = f->ledger.claims[0]->handle;
	h->flags = BL_DOM_HOLDER;
	h->tot = BL_HOLDER_PAGES;
	h->outstanding = f->snap.outstanding = BL_MIB_PAGES(1000);
	expect(f, "stake 1 1970+14");
}

/* The pages of one that reboots are for its successor, and not staked before
 * they have come back; who waits behind gets what others give. */
static void keeps_the_pages_of_one_that_reboots(void **state)
{
	struct fixture *f = *state;
	struct bl_dom *d = &f->snap.doms[1];
	struct bl_admission a;
	struct bl_claim *c;

	f->snap.free = BL_MIB_PAGES(50);
	c = add_claim(f, 1000, 1000);
	c->after = d->domid;
	d->flags |= BL_DOM_DYING | BL_DOM_REBOOTING;
	expect(f, "");
	/* what is going is not for whoever asks now */
	bl_plan_admit(&f->plan, bl_pages_add(f->plan.reclaimable, BL_MIB_PAGES(100)), BL_PAGES(0), NULL, &a);
	assert_int_equal(a.verdict, BL_FITS_LATER);
	add_claim(f, 100, 100);
	expect(f, "target 1 950");
	d->tot = BL_MIB_PAGES(400);
	f->snap.free = BL_MIB_PAGES(650);
	f->snap.now.n += 50;
	expect(f, "target 1 950");
	/* the last of it is back */
	f->snap.n_doms = 1;
	c->after = 0;
	f->snap.free = BL_MIB_PAGES(1050);
	f->snap.now.n += 50;
	make(f);
	assert_int_equal(f->plan.actions[0].kind, BL_ACT_STAKE);
	assert_ptr_equal(f->plan.actions[0].claim, c);
	assert_int_equal(f->plan.actions[1].kind, BL_ACT_TARGET);
}

static void what_cannot_be_served_moves_nobody(void **state)
{
	struct fixture *f = *state;

	add_claim(f, 3601, 3601);
	add_claim(f, 10, 10); /* and keeps its place */
	expect(f, "");
	assert_true(f->plan.waiting);
}

/* There is room for it, but not on its node: it waits, and keeps it. */
static void a_node_without_room(void **state)
{
	struct fixture *f = *state;
	struct bl_plan_in in;
	char text[BL_REASON_MAX];

	f->snap.n_nodes = 1;
	f->snap.nodes[0] = (struct bl_node){ .node = 1,
					     .total = BL_MIB_PAGES(2000),
					     .free = BL_MIB_PAGES(900),
					     .claimed = BL_MIB_PAGES(401) };
	add_claim(f, 500, 500)->node = 1;
	add_claim(f, 400, 400);
	expect(f, "stake 2 400");
	assert_true(f->plan.waiting);
	in = in_of(f);
	assert_string_equal(bl_reason_claim(&f->plan, &in, f->ledger.claims[0], text),
			    "waits for 500 MiB; node 1 has 499 MiB free and not claimed, and no guest can "
			    "be asked to give memory of a node");
	f->snap.nodes[0].claimed = BL_MIB_PAGES(400);
	expect(f, "stake 1 500, stake 2 400");
	f->snap.nodes[0].node = 2;
	expect(f, "stake 2 400");
}

static void says_where_it_is(void **state)
{
	struct fixture *f = *state;
	struct bl_plan_in in = in_of(f);
	struct bl_claim *c = add_claim(f, 500, 500);
	char text[BL_REASON_MAX];

	c->state = BL_CLAIM_HELD;
	c->holder = 7;
	assert_string_equal(bl_reason_claim(&f->plan, &in, c, text), "held by domain 7");
	c->holder = BL_DOMID_POOL;
	assert_string_equal(bl_reason_claim(&f->plan, &in, c, text), "held in the hypervisor's pool");
	c->state = BL_CLAIM_BUILDING;
	c->domid = 8;
	assert_string_equal(bl_reason_claim(&f->plan, &in, c, text),
			    "moved to domain 8, which is being built");
	c->let_go = true;
	assert_string_equal(bl_reason_claim(&f->plan, &in, c, text),
			    "domain 8 is built without balloond's hook: what was held is left to it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stakes_what_is_there),
		TEST(shares_what_is_missing),
		TEST(limits_follow),
		TEST(does_not_chase_pages),
		TEST(first_come_first_served),
		TEST(a_part_when_no_more_can_come),
		TEST(keeps_the_pages_of_one_that_reboots),
		TEST(what_cannot_be_served_moves_nobody),
		TEST(a_node_without_room),
		TEST(says_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
