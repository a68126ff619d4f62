/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holders that no claim needs are given back: one of nobody's, and one that did not go when
 * its claim moved on. */
#include "tests/unit/pool-fixture.h"

#include <xenctrl.h>

#define PAGES 1000
#define SPARE 3 /* comes before what is made for the claim */

static int on_stock(void **state)
{
	int r = begin(state);

	fake_xen.patched = false;
	return r;
}

static struct fake_domain *holder(uint32_t domid, const bl_uuid *handle, uint64_t staked)
{
	struct fake_domain *d = fake_xen_add(domid, false, false, 0);

	d->handle = *handle;
	d->flags = XEN_DOMINF_paused;
	d->outstanding = staked;
	return d;
}

static void looks(struct daemon *d)
{
	bd_manager_rebalance(d->m);
	run(d, 50000);
}

static void one_of_nobodys(void **state)
{
	struct daemon d = start();
	bl_uuid handle;

	(void)state;
	claimed(&d, 1, PAGES, -1);
	handle = find(&d, 1)->handle;
	handle.b[15] ^= 0xff;
	(void)holder(SPARE, &handle, 500);
	looks(&d);
	assert_null(fake_xen_find(SPARE));
	assert_int_equal(fake_xen_outstanding(), PAGES);
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_HELD);
	stop(&d);
}

static void one_that_did_not_go(void **state)
{
	struct daemon d = start();
	bl_uuid handle;

	(void)state;
	claimed(&d, 1, PAGES, -1);
	handle = find(&d, 1)->handle;
	(void)holder(SPARE, &handle, 0);
	looks(&d);
	assert_null(fake_xen_find(SPARE));
	stop(&d);
	/* Nor is it taken for the claim's after a restart. */
	(void)holder(SPARE, &handle, 0);
	d = start();
	looks(&d);
	assert_null(fake_xen_find(SPARE));
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_HELD);
	assert_int_equal(find(&d, 1)->staked.n, PAGES);
	assert_int_equal(fake_xen_outstanding(), PAGES);
	stop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_of_nobodys, on_stock, clean),
		cmocka_unit_test_setup_teardown(one_that_did_not_go, on_stock, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
