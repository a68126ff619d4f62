/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build without the hook for which a claim stands: the room is left to it, on a
 * hypervisor with a pool and on one without, before anything is said of it. */
#include "tests/unit/pool-fixture.h"

#include <string.h>
#include <xenctrl.h>

#include "daemon/base/log.h"

#define UNSEEN UINT64_MAX

static uint64_t staked_when_appeared;
static unsigned told, put_right, used_up;

static void note(int priority, const char *line)
{
	(void)priority;
	if (strstr(line, " web ") && strstr(line, "appeared"))
		staked_when_appeared = fake_xen_outstanding();
	/* An administrator has read of the domain by then. */
	told += strstr(line, "(web) is built without balloond's hook") && staked_when_appeared != UNSEEN;
	put_right += strstr(line, "for no claim") != NULL;
	used_up += strstr(line, "for web of") && strstr(line, ": done");
}

static int unhooked(void **state)
{
	int r = begin(state);

	staked_when_appeared = UNSEEN;
	told = put_right = used_up = 0;
	bd_log_set_sink(note);
	return r;
}

static int unhooked_on_stock(void **state)
{
	int r = unhooked(state);

	fake_xen.patched = false;
	return r;
}

static int calm_too(void **state)
{
	return calm(state) || put_right ? -1 : 0;
}

static void claimed_for_web(struct daemon *d, bool hooked)
{
	struct bd_claim_request req = { .has_id = true,
					.id = uuid(1),
					.size = BL_PAGES(1000),
					.node = -1,
					.name = "web",
					.hooked = hooked };
	struct answer a = { 0 };

	bd_manager_claim(d->m, &req, done, &a);
	run(d, 30000);
	assert_true(a.n == 1 && a.held);
}

static void until_appeared(struct daemon *d)
{
	for (int i = 0; i < 100 && staked_when_appeared == UNSEEN; i++) {
		run(d, 20000);
		bd_manager_rebalance(d->m);
	}
	assert_true(staked_when_appeared != UNSEEN);
}

static struct fake_domain *web_is_built(struct daemon *d, uint32_t domid)
{
	struct fake_domain *b = built(domid, 1000);

	fake_store_setf(domid, "name", "web");
	run(d, 20000);
	return b;
}

static void gets_its_room_before_anything_is_said(void **state)
{
	struct daemon d = start();

	(void)state;
	claimed_for_web(&d, false);
	claimed(&d, 2, 2000, -1);
	fake_xen.on_less = look_at_record;
	(void)web_is_built(&d, 7);
	until_appeared(&d);
	assert_int_equal(staked_when_appeared, 2000); /* it goes on while the journal's daemon runs */
	if (fake_xen.patched)
		assert_string_equal(said, "building");
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_BUILDING);
	assert_true(find(&d, 1)->let_go);
	assert_int_equal(find(&d, 2)->state, BL_CLAIM_HELD);
	assert_int_equal(find(&d, 2)->staked.n, 2000);
	run(&d, 50000);
	assert_int_equal(told, 1);
	stop(&d);
	d = start(); /* it is not told again */
	run(&d, 50000);
	assert_int_equal(told, 1);
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_BUILDING);
	stop(&d);
}

static void not_where_the_builder_will_ask(void **state)
{
	struct daemon d = start();

	(void)state;
	claimed_for_web(&d, true);
	(void)web_is_built(&d, 7);
	until_appeared(&d);
	run(&d, 50000);
	assert_int_equal(staked_when_appeared, 1000);
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_HELD);
	assert_int_equal(told, 0);
	stop(&d);
}

static const struct bl_claim *of_the_reboot(struct daemon *d)
{
	struct bd_picture p;

	bd_manager_rebalance(d->m);
	run(d, 30000);
	bd_manager_picture(d->m, &p);
	return p.ledger->n ? p.ledger->claims[0] : NULL;
}

/* A guest of 1000 pages that reboots, and what is kept for it: nothing is free yet. */
static struct fake_domain *reboots(struct daemon *d)
{
	struct fake_domain *old = fake_xen_add(5, true, false, 1000);
	const struct bl_claim *c = NULL;

	fake_store_setf(5, "name", "web");
	fake_store_introduce(5);
	*d = start();
	fake_xen.free = 10;
	old->flags |= XEN_DOMINF_shutdown | SHUTDOWN_reboot << XEN_DOMINF_shutdownshift;
	for (int i = 0; i < 100 && !c; i++)
		c = of_the_reboot(d);
	assert_true(c && c->reboot && c->state == BL_CLAIM_RECLAIMING && c->after == 5);
	return old;
}

/* It goes, and its successor is built, seen by balloond or not. */
static void comes_again(struct daemon *d, struct fake_domain *old)
{
	bl_uuid handle = old->handle;

	old->used = false;
	(d ? web_is_built(d, 6) : fake_xen_add(6, true, false, 1000))->handle = handle;
}

/* Its successor is built before anything could be staked for it: the claim does not
 * wait for as much again. */
static void what_is_kept_through_a_reboot(void **state)
{
	struct daemon d;
	struct fake_domain *old = reboots(&d);
	const struct bl_claim *c = of_the_reboot(&d);

	(void)state;
	comes_again(&d, old);
	for (int i = 0; i < 100 && c && c->state != BL_CLAIM_BUILDING; i++)
		c = of_the_reboot(&d);
	assert_true(c && c->let_go && c->domid == 6);
	stop(&d);
}

/* Nor for one that was built while balloond was away. */
static void what_is_kept_for_one_that_is_back(void **state)
{
	struct daemon d;
	struct fake_domain *old = reboots(&d);

	(void)state;
	stop(&d);
	comes_again(NULL, old);
	fake_store_setf(6, "name", "web");
	fake_store_introduce(6);
	d = start();
	for (int i = 0; i < 100 && of_the_reboot(&d); i++)
		;
	assert_null(of_the_reboot(&d));
	assert_int_equal(used_up, 1);
	stop(&d);
}

static void stays_kept(struct daemon *d)
{
	for (int i = 0; i < 10; i++) {
		const struct bl_claim *c = of_the_reboot(d);

		assert_true(c && c->state == BL_CLAIM_RECLAIMING);
	}
}

/* But one that is built while the old one goes still needs it, and one that dies at
 * once may be tried again. */
static void what_is_kept_until_it_is_back(void **state)
{
	struct daemon d;
	struct fake_domain *old = reboots(&d), *b;

	(void)state;
	old->flags |= XEN_DOMINF_dying;
	b = web_is_built(&d, 6);
	b->handle = old->handle;
	stays_kept(&d);
	b->flags = XEN_DOMINF_hvm_guest | XEN_DOMINF_dying;
	fake_store_introduce(6);
	stays_kept(&d);
	stop(&d);
}

#define BOTH(f)                                                                                             \
	cmocka_unit_test_setup_teardown(f, unhooked, calm_too),                                             \
		cmocka_unit_test_setup_teardown(f, unhooked_on_stock, calm_too)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(gets_its_room_before_anything_is_said), BOTH(not_where_the_builder_will_ask),
		BOTH(what_is_kept_through_a_reboot),	     BOTH(what_is_kept_for_one_that_is_back),
		BOTH(what_is_kept_until_it_is_back),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
