/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of a guest over its starts, and what is forgotten. */
#include "tests/unit/web-fixture.h"

#include <errno.h>
#include <string.h>
#include <xenctrl.h>

#define SHUT(why) (XEN_DOMINF_shutdown | (uint32_t)(why) << XEN_DOMINF_shutdownshift)

static void another_size_on_purpose(void **state)
{
	struct daemon d = started(50000);

	(void)state;
	fake_xen_find(5)->flags |= SHUT(SHUTDOWN_poweroff);
	look(&d);
	goes(5);
	look(&d);
	web(6, 20000);
	base_is(&d, 20000, BL_BASE_STARTED);
	assert_int_equal(known(&d)->set.weight, 150);
	/* a restart of balloond is no start of the guest; */
	fake_xen_find(6)->tot = 15000;
	fake_store_setf(6, "memory/target", "60000");
	stop(&d);
	d = start();
	base_is(&d, 20000, BL_BASE_STARTED);
	/* and one that is destroyed is started as well */
	goes(6);
	look(&d);
	web(7, 60000);
	base_is(&d, 60000, BL_BASE_STARTED);
	goes(7);
	look(&d);
	web(8, 30000);
	base_is(&d, 30000, BL_BASE_STARTED);
	stop(&d);
}

/* How the guest of 50000 pages ends, and at which size it comes back. */
struct end {
	uint32_t flags;
	uint64_t size;
	enum bl_base_from from;
	bool away; /* balloond is restarted before it comes back */
	bool late; /* it is long before it does */
};

static struct bl_dom_record *edit(struct daemon *d)
{
	return (struct bl_dom_record *)(uintptr_t)known(d);
}

static void comes_back(const struct end *e)
{
	struct daemon d = started(50000);

	/* shrunk to 20000 */
	fake_xen_find(5)->tot = 20000;
	fake_store_setf(5, "memory/target", "80000");
	look(&d);
	fake_xen_find(5)->flags |= e->flags;
	look(&d);
	if (e->late)
		edit(&d)->run.ended = BL_MS(1);
	goes(5);
	look(&d);
	if (e->away) {
		stop(&d);
		d = start();
	}
	web(6, e->size);
	base_is(&d, e->from == BL_BASE_STARTED ? e->size : 50000, e->from);
	assert_int_equal(known(&d)->set.weight, 150);
	stop(&d);
	d = start();
	base_is(&d, e->from == BL_BASE_STARTED ? e->size : 50000, e->from);
	stop(&d);
}

static void what_returns_keeps_its_base(void **state)
{
	static const struct end ends[] = {
		{ SHUT(SHUTDOWN_reboot), 20000, BL_BASE_REBOOTED, false, false },
		{ SHUT(SHUTDOWN_reboot), 20000, BL_BASE_REBOOTED, true, false },
		{ SHUT(SHUTDOWN_reboot) | XEN_DOMINF_dying, 30000, BL_BASE_REBOOTED, false, false },
		{ SHUT(SHUTDOWN_reboot), 20000, BL_BASE_REBOOTED, false, true },
		{ SHUT(SHUTDOWN_reboot), 30000, BL_BASE_STARTED, false, true },
		{ SHUT(SHUTDOWN_suspend), 20000, BL_BASE_RESTORED, false, false },
		{ SHUT(SHUTDOWN_suspend), 20000, BL_BASE_RESTORED, true, true },
		{ SHUT(SHUTDOWN_suspend), 25000, BL_BASE_STARTED, true, false },
		{ SHUT(SHUTDOWN_crash), 20000, BL_BASE_REBOOTED, false, false },
		{ SHUT(SHUTDOWN_crash), 25000, BL_BASE_STARTED, false, false },
		{ SHUT(SHUTDOWN_watchdog), 20000, BL_BASE_REBOOTED, true, false },
		{ SHUT(SHUTDOWN_poweroff), 20000, BL_BASE_STARTED, false, false },
		{ SHUT(SHUTDOWN_poweroff), 25000, BL_BASE_STARTED, true, false },
		{ XEN_DOMINF_dying, 20000, BL_BASE_STARTED, false, false },
		{ 0, 20000, BL_BASE_REBOOTED, false, false },
		{ 0, 25000, BL_BASE_STARTED, false, false },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		on_stock(state);
		comes_back(&ends[i]);
		clean(state);
	}
}

/* A return that is larger than all before raises the base. */
static void a_return_may_be_larger(void **state)
{
	struct daemon d = started(50000);

	(void)state;
	fake_xen_find(5)->flags |= SHUT(SHUTDOWN_reboot);
	look(&d);
	goes(5);
	web(6, 60000);
	base_is(&d, 60000, BL_BASE_REBOOTED);
	stop(&d);
}

static void what_nobody_saw_keeps_its_base(void **state)
{
	struct daemon d = started(50000);

	(void)state;
	/* its end and its start; */
	stop(&d);
	goes(5);
	web(6, 20000);
	d = start();
	base_is(&d, 50000, BL_BASE_UNSEEN);
	/* its end alone, which may have been for a reboot; */
	stop(&d);
	goes(6);
	d = start();
	look(&d);
	web(7, 20000);
	base_is(&d, 50000, BL_BASE_UNSEEN);
	/* and nothing of it matters where the end was seen */
	fake_xen_find(7)->flags |= SHUT(SHUTDOWN_poweroff);
	look(&d);
	goes(7);
	look(&d);
	stop(&d);
	d = start();
	look(&d);
	web(8, 20000);
	base_is(&d, 20000, BL_BASE_STARTED);
	stop(&d);
}

/* What xl calls a domain while it comes from another host. */
static void one_from_another_host(void **state)
{
	struct daemon d = started(50000);
	struct fake_domain *b;

	(void)state;
	fake_xen_find(5)->flags |= SHUT(SHUTDOWN_poweroff);
	look(&d);
	goes(5);
	look(&d);
	b = built(6, 20000);
	b->handle = OF_WEB;
	b->tot = 20000;
	fake_store_setf(6, "name", "web--incoming");
	for (int i = 0; i < 10; i++)
		look(&d);
	fake_store_setf(6, "name", "web");
	b->flags &= ~(uint32_t)XEN_DOMINF_paused;
	b->cpu_time = 1;
	fake_store_introduce(6);
	base_is(&d, 50000, BL_BASE_RESTORED);
	stop(&d);
}

/* ---- forgetting ---------------------------------------------------------------------- */

static void forgets(struct daemon *d, const char *what, bool any, uint32_t domid)
{
	struct changed c = { 0 };

	bd_manager_refresh(d->m);
	bd_manager_forget(d->m, what, changed, &c);
	if (until_changed(d, &c))
		fail_msg("%s", c.err.msg);
	assert_int_equal(c.what.any, any);
	assert_int_equal(c.what.domid, domid);
}

static void cannot_forget(struct daemon *d, const char *what, int r)
{
	struct changed c = { 0 };

	bd_manager_forget(d->m, what, changed, &c);
	assert_int_equal(until_changed(d, &c), r);
}

static void what_is_remembered_is_dropped(void **state)
{
	struct daemon d = started(50000);
	char text[BL_UUID_STR];
	bl_uuid u = OF_WEB;

	(void)state;
	bl_uuid_format(&u, text);
	fake_xen_find(5)->tot = 20000;
	fake_store_setf(5, "memory/target", "80000"); /* by somebody else */
	look(&d);
	assert_true(known(&d)->external);
	forgets(&d, "web", true, 5);
	base_is(&d, 20000, BL_BASE_STARTED);
	assert_false(known(&d)->external || known(&d)->set.has_weight);
	/* what is left of it is not it; */
	set_weight(&d, "web", 0);
	fake_xen_find(5)->flags |= XEN_DOMINF_dying;
	look(&d);
	web(6, 20000);
	look(&d);
	cannot_forget(&d, "5", -EBUSY);
	assert_true(known(&d)->set.has_weight);
	/* one that is gone is known by its UUID, and then it is not */
	goes(5);
	goes(6);
	look(&d);
	cannot_forget(&d, "web", -ESRCH);
	forgets(&d, text, true, BL_DOMID_NONE);
	cannot_forget(&d, text, -ESRCH);
	stop(&d);
	d = start();
	assert_null(known(&d));
	stop(&d);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, on_stock, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(another_size_on_purpose), CASE(what_returns_keeps_its_base),
		CASE(a_return_may_be_larger),  CASE(what_nobody_saw_keeps_its_base),
		CASE(one_from_another_host),   CASE(what_is_remembered_is_dropped),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
