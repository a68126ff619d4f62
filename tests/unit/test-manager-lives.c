/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest beside what is left of it, and beside another of its name. */
#include "tests/unit/web-fixture.h"

#include <errno.h>
#include <string.h>
#include <xenctrl.h>

#define SHUT(why) (XEN_DOMINF_shutdown | (uint32_t)(why) << XEN_DOMINF_shutdownshift)

static uint32_t found(struct daemon *d, const char *what)
{
	const struct bl_dom *dom = NULL;
	struct bl_err err;

	bd_manager_refresh(d->m);
	if (bd_manager_find_domain(d->m, what, &dom, &err))
		fail_msg("%s", err.msg);
	return dom->domid;
}

static void the_one_that_lives_is_meant(void **state)
{
	struct daemon d = started(50000);
	char text[BL_UUID_STR];
	bl_uuid u = OF_WEB;

	(void)state;
	bl_uuid_format(&u, text);
	fake_xen_find(5)->flags |= XEN_DOMINF_dying;
	look(&d);
	/* alone, it is found; */
	assert_int_equal(found(&d, "web"), 5);
	assert_int_equal(found(&d, text), 5);
	web(6, 40000);
	look(&d);
	assert_int_equal(found(&d, "web"), 6);
	assert_int_equal(found(&d, text), 6);
	assert_int_equal(found(&d, "5"), 5);
	/* what is remembered by UUID is the other's */
	set_weight(&d, "5", -EBUSY);
	set_weight(&d, "web", 0);
	base_is(&d, 40000, BL_BASE_STARTED);
	/* and stays so, however long the remains stay */
	fake_xen_find(5)->tot = 49000;
	base_is(&d, 40000, BL_BASE_STARTED);
	stop(&d);
}

static void ambiguous(struct daemon *d, const char *what, const char *says)
{
	const struct bl_dom *dom;
	struct bl_err err;

	bd_manager_refresh(d->m);
	assert_int_equal(bd_manager_find_domain(d->m, what, &dom, &err), -ENOTUNIQ);
	if (!strstr(err.msg, says))
		fail_msg("'%s' has no '%s'", err.msg, says);
}

static void two_that_live_are_told_apart(void **state)
{
	struct daemon d = started(50000);
	char text[BL_UUID_STR];
	bl_uuid u = OF_WEB;

	(void)state;
	bl_uuid_format(&u, text);
	web(6, 40000);
	look(&d);
	ambiguous(&d, "web", "2 domains have that name; say which by domid: 5, 6");
	ambiguous(&d, text, "2 domains have that UUID; say which by domid: 5, 6");
	fake_xen_find(6)->handle = uuid(78);
	look(&d);
	ambiguous(&d, "web", "2 domains have that name; say which by UUID: ");
	/* remains count for nothing beside them, and among themselves */
	web(7, 1000)->flags |= XEN_DOMINF_dying;
	look(&d);
	ambiguous(&d, "web", "2 domains have that name; say which by UUID: ");
	goes(5);
	look(&d);
	assert_int_equal(found(&d, "web"), 6);
	fake_xen_find(6)->flags |= XEN_DOMINF_dying;
	look(&d);
	ambiguous(&d, "web", "2 dying domains have that name");
	stop(&d);
}

/* Two that live with one UUID take nothing from each other, and write no disk full. */
static void two_of_one_uuid_do_not_quarrel(void **state)
{
	struct daemon d = started(50000);

	(void)state;
	web(6, 40000);
	base_is(&d, 50000, BL_BASE_STARTED);
	assert_int_equal(known(&d)->run.domid, 5);
	goes(5);
	base_is(&d, 40000, BL_BASE_STARTED);
	assert_int_equal(known(&d)->run.domid, 6);
	stop(&d);
}

/* What is left of a guest that has rebooted does not have its memory kept once more. */
static void remains_of_a_reboot_claim_nothing(void **state)
{
	struct daemon d;

	(void)state;
	web(5, 1000)->flags |= SHUT(SHUTDOWN_reboot) | XEN_DOMINF_dying;
	web(6, 50000);
	d = start();
	look(&d);
	assert_int_equal(reclaiming, 0);
	stop(&d);
}

/* A claim for the successor is not for what dies. */
static void a_claim_is_not_for_remains(void **state)
{
	struct daemon d = started(50000);
	struct bd_claim_request req = { .has_id = true,
					.id = uuid(1),
					.size = BL_PAGES(1000),
					.node = -1,
					.has_uuid = true,
					.uuid = OF_WEB };
	struct answer a = { 0 };

	(void)state;
	fake_xen_find(5)->flags |= XEN_DOMINF_dying;
	look(&d);
	bd_manager_claim(d.m, &req, done, &a);
	look(&d);
	assert_true(a.n == 1 && a.held);
	a = hand(&d, 1, 5, 1000);
	assert_false(a.held);
	assert_non_null(strstr(a.err.msg, "domain 5 is not being built"));
	assert_int_equal(find(&d, 1)->state, BL_CLAIM_HELD);
	stop(&d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, on_stock, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_one_that_lives_is_meant),    CASE(two_that_live_are_told_apart),
		CASE(two_of_one_uuid_do_not_quarrel), CASE(remains_of_a_reboot_claim_nothing),
		CASE(a_claim_is_not_for_remains),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
