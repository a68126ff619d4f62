/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims that wait: what counts as progress, and what is kept of a wait in vain. */
#include "tests/unit/plan-fixture.h"

#include "lib/core/reason.h"
#include "lib/core/wait.h"

#define WAIT 60000

/* Waits now for mib in all, until WAIT is over or, with patience, as long without
 * progress. */
static struct bl_claim *waits(struct fixture *f, uint64_t mib, bool patient)
{
	struct bl_claim *c = add_claim(f, mib, mib);

	c->wait_until = bl_ms_add(f->snap.now, BL_MS(WAIT));
	c->patience = BL_MS(patient ? WAIT : 0);
	return c;
}

/* After ms the host has mib free; how long may c wait still? */
static uint64_t left_when(struct fixture *f, const struct bl_claim *c, uint64_t ms, uint64_t mib)
{
	struct bl_plan_in in = in_of(f);

	passes(f, ms);
	f->snap.free = BL_MIB_PAGES(mib);
	make(f);
	bl_wait_update(&f->plan, &in);
	return bl_ms_since(c->wait_until, f->snap.now).n;
}

static void goes_on_while_room_comes(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3000, true);

	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	assert_int_equal(c->lacks.n / MIB, 1000);
	assert_int_equal(left_when(f, c, 50000, 2000), 10000);
	assert_int_equal(left_when(f, c, 5000, 2100), WAIT);
	assert_int_equal(c->lacks.n / MIB, 900);
	assert_int_equal(left_when(f, c, 59000, 2900), WAIT);
	assert_int_equal(left_when(f, c, WAIT, 2900), 0);
}

static void a_limit_that_was_given_stays(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3000, false);

	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	assert_int_equal(left_when(f, c, 50000, 2900), 10000);
	assert_int_equal(left_when(f, c, 10000, 2999), 0);
}

/* A page now and then, until it adds up to what counts. */
static void a_dribble_is_no_progress(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3024, true); /* lacks 1024 MiB: 4 MiB count */
	struct bl_plan_in in = in_of(f);

	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	for (uint64_t s = 1; s <= 3; s++)
		assert_int_equal(left_when(f, c, 15000, 2000 + s), WAIT - s * 15000);
	assert_int_equal(left_when(f, c, 14000, 2003), 1000);
	assert_int_equal(left_when(f, c, 1000, 2003), 0);
	assert_int_equal(left_when(f, c, 0, 2004), WAIT);
	/* near its end a mebibyte counts, but never less */
	assert_int_equal(left_when(f, c, 0, 3000), WAIT);
	assert_int_equal(left_when(f, c, 30000, 3001), WAIT);
	passes(f, 30000);
	f->snap.free.n += MIB - 1;
	make(f);
	bl_wait_update(&f->plan, &in);
	assert_int_equal(bl_ms_since(c->wait_until, f->snap.now).n, WAIT - 30000);
}

static void what_comes_and_goes_is_no_progress(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3000, true);

	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	assert_int_equal(left_when(f, c, 10000, 2300), WAIT);
	assert_int_equal(left_when(f, c, 10000, 1500), WAIT - 10000);
	assert_int_equal(left_when(f, c, 10000, 2300), WAIT - 20000);
	assert_int_equal(left_when(f, c, 10000, 1000), WAIT - 30000);
	assert_int_equal(left_when(f, c, 30000, 2301), 0);
}

/* However little comes each time, it is over after so many waits. */
static void nobody_holds_it_open_for_ever(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3000, true);
	struct bl_plan_in in = in_of(f);
	unsigned waited = 0;

	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	while (c->lacks.n) {
		bl_pages least = BL_PAGES(c->least.n / BL_WAIT_PARTS);

		passes(f, WAIT - 1);
		f->snap.free = bl_pages_add(f->snap.free, bl_pages_max(least, BL_MIB_PAGES(1)));
		make(f);
		bl_wait_update(&f->plan, &in);
		assert_true(!c->lacks.n || bl_ms_since(c->wait_until, f->snap.now).n == WAIT);
		assert_true(++waited < 700);
	}
}

/* What brings the queue on is progress of all in it. */
static void the_queue_counts(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *first = waits(f, 2500, false), *second = waits(f, 1000, true);
	struct bl_plan_in in;

	assert_int_equal(left_when(f, second, 0, 2000), WAIT);
	assert_int_equal(first->lacks.n / MIB, 500);
	assert_int_equal(second->lacks.n / MIB, 1500);
	assert_int_equal(left_when(f, second, 40000, 2400), WAIT);
	/* held: its need goes with its room */
	first->state = BL_CLAIM_HELD;
	assert_int_equal(left_when(f, second, 40000, 2400), 20000);
	assert_int_equal(second->lacks.n / MIB, 1100);
	assert_int_equal(first->progressed.n, 0);
	/* and one that ends leaves its room */
	bl_ledger_remove(&f->ledger, first);
	assert_int_equal(left_when(f, second, 19000, 400), WAIT);
	in = in_of(f);
	assert_int_equal(bl_wait_lack(&f->plan, &in, second).n / MIB, 600);
}

/* What is too little for one that lacks much is still the progress of those ahead. */
static void nobody_gives_up_before_an_older_one(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *first = waits(f, 2100, true), *second = waits(f, 1500, true);

	assert_int_equal(left_when(f, first, 0, 2000), WAIT);
	assert_int_equal(left_when(f, second, 30000, 2002), WAIT);
	assert_int_equal(second->least.n / MIB, 1600);
	assert_int_equal(bl_ms_since(first->wait_until, f->snap.now).n, WAIT);
	assert_int_equal(left_when(f, second, 30000, 2002), WAIT - 30000);
}

/* A daemon that starts again has not seen what came meanwhile. */
static void a_restart_has_all_its_patience(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 3000, true);

	f->snap.now.n += 10 * WAIT;
	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	c->patience = BL_MS(0);
	c->progressed = BL_MS(0);
	f->snap.now.n += 10 * WAIT;
	assert_int_equal(left_when(f, c, 0, 2000), 0);
}

static void a_node_counts(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *c = waits(f, 500, true);

	c->node = 1;
	f->snap.n_nodes = 1;
	f->snap.nodes[0] =
		(struct bl_node){ .node = 1, .total = BL_MIB_PAGES(2000), .free = BL_MIB_PAGES(100) };
	assert_int_equal(left_when(f, c, 0, 2000), WAIT);
	assert_int_equal(c->lacks.n / MIB, 400);
	assert_int_equal(left_when(f, c, 50000, 2000), 10000);
	f->snap.nodes[0].free = BL_MIB_PAGES(300);
	assert_int_equal(left_when(f, c, 5000, 2000), WAIT);
}

/* ---- kept warm ---- */

static void keeps_warm(struct fixture *f, uint64_t mib)
{
	f->warm = BL_MIB_PAGES(mib);
	f->warm_until = bl_ms_add(f->snap.now, BL_MS(WAIT));
}

/* Two guests that were started with more than they have; 600 MiB are free. */
static void shrunk(struct fixture *f)
{
	for (size_t i = 0; i < 2; i++) {
		struct bl_dom *d = &f->snap.doms[i];

		d->tot = d->target = d->max_pages = BL_MIB_PAGES(700);
	}
	f->snap.free = BL_MIB_PAGES(600);
}

static void what_is_its_part(void **state)
{
	struct fixture *f = *state;
	struct bl_claim *first = waits(f, 2500, true), *second = waits(f, 1000, true);
	struct bl_plan_in in = in_of(f);

	make(f);
	assert_int_equal(bl_wait_warm(&f->plan, &in, first).n / MIB, 2000);
	assert_int_equal(bl_wait_warm(&f->plan, &in, second).n, 0);
	f->snap.free = BL_MIB_PAGES(2700);
	make(f);
	assert_int_equal(bl_wait_warm(&f->plan, &in, first).n / MIB, 2500);
	assert_int_equal(bl_wait_warm(&f->plan, &in, second).n / MIB, 200);
	/* what is warm already stays, as far as it is available */
	f->snap.free = BL_MIB_PAGES(3600);
	in.warm = BL_MIB_PAGES(300);
	in.warm_until = BL_MS_NEVER;
	assert_int_equal(bl_plan_make(&f->plan, &in), 0);
	assert_int_equal(bl_wait_warm(&f->plan, &in, second).n / MIB, 1100);
}

static void not_for_a_base(void **state)
{
	struct fixture *f = *state;
	struct bl_plan_in in;
	char text[BL_REASON_MAX];

	shrunk(f);
	expect(f, "maxmem 1 1000, target 1 1000, maxmem 2 1000, target 2 1000");
	keeps_warm(f, 600);
	expect(f, "");
	assert_int_equal(f->plan.warm.n / MIB, 600);
	assert_int_equal(f->plan.available.n / MIB, 600);
	in = in_of(f);
	assert_string_equal(bl_reason_domain(&f->plan, &in, bl_plan_view(&f->plan, 1), text),
			    "has 700 MiB and should have 1000 MiB: 600 MiB are kept for 60 s more, "
			    "for another try of a claim whose wait has ended");
	/* what is not warm is given as ever */
	keeps_warm(f, 500);
	expect(f, "maxmem 1 750, target 1 750, maxmem 2 750, target 2 750");
	passes(f, WAIT);
	expect(f, "maxmem 1 1000, target 1 1000, maxmem 2 1000, target 2 1000");
	assert_int_equal(f->plan.warm.n, 0);
}

static void for_a_min_and_a_need(void **state)
{
	struct fixture *f = *state;

	shrunk(f);
	keeps_warm(f, 600);
	reports(f, 1, 700); /* and wants a fifth more */
	expect(f, "maxmem 2 840, target 2 840");
	f->snap.doms[1].tele.present = false;
	bl_settings_find(&f->s, &f->snap.doms[0].uuid)->set =
		(struct bl_override){ .has_min = true, .min = { .pages = BL_MIB_PAGES(900) } };
	expect(f, "maxmem 1 900, target 1 900");
}

static void never_for_a_surplus(void **state)
{
	struct fixture *f = *state;

	shrunk(f);
	f->s.surplus_give = true;
	keeps_warm(f, 600);
	reports(f, 0, 300);
	reports(f, 1, 300);
	expect(f, "");
	f->warm = BL_PAGES(0);
	expect(f, "maxmem 1 1000, target 1 1000, maxmem 2 1000, target 2 1000");
}

static void for_other_claims(void **state)
{
	struct fixture *f = *state;

	shrunk(f);
	keeps_warm(f, 600);
	add_claim(f, 590, 590);
	expect(f, "stake 1 590");
	assert_int_equal(f->plan.warm.n / MIB, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(goes_on_while_room_comes),
		TEST(a_limit_that_was_given_stays),
		TEST(a_dribble_is_no_progress),
		TEST(what_comes_and_goes_is_no_progress),
		TEST(nobody_holds_it_open_for_ever),
		TEST(the_queue_counts),
		TEST(nobody_gives_up_before_an_older_one),
		TEST(a_restart_has_all_its_patience),
		TEST(a_node_counts),
		TEST(what_is_its_part),
		TEST(not_for_a_base),
		TEST(for_a_min_and_a_need),
		TEST(never_for_a_surplus),
		TEST(for_other_claims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
