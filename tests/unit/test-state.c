/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the process, and what does not. */
#include "tests/unit/state-fixture.h"

#include <errno.h>
#include <string.h>

static uint64_t seq;
static const bl_uuid other_boot = { { 9 } };

static void claims_come_back_as_they_were(void **state)
{
	struct bl_claim c = claim(1), *back;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);

	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1);
	back = l.ledger.claims[0];
	/* what the snapshot will tell is not remembered */
	assert_int_equal(back->holder, BL_DOMID_NONE);
	assert_int_equal(back->staked.n, 0);
	back->holder = c.holder;
	back->staked = c.staked;
	back->eta = c.eta;
	assert_memory_equal(back->handle.b, c.handle.b, 16);
	assert_string_equal(back->name, c.name);
	assert_string_equal(back->reason, c.reason);
	assert_int_equal(back->wait_until.n, UINT64_MAX);
	/* who starts anew has yet to see progress, and waits as patiently as before */
	assert_int_equal(back->patience.n, 60000);
	assert_int_equal(back->progressed.n, 0);
	assert_int_equal(back->expires.n, 700000);
	assert_int_equal(back->size.n, 1000);
	assert_int_equal(back->min.n, 900);
	assert_int_equal(back->overhead.n, 10);
	assert_int_equal(back->node, 3);
	assert_int_equal(back->pooled.n, 700);
	assert_true(back->queue && back->has_uuid && bl_uuid_equal(&back->uuid, &c.uuid));
	assert_int_equal(back->created.n, 5000);
	assert_int_equal(back->created_wall, 1700000000);
	assert_int_equal(back->state, BL_CLAIM_HELD);

	assert_int_equal(bd_state_drop_claim(l.s, &c.id, &seq), 0);
	assert_int_equal(bd_state_drop_claim(l.s, &c.id, &seq), 0);
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	assert_int_equal(warnings, 0);
}

/* First come, first served, also after a restart and for the same millisecond. */
static void the_queue_keeps_its_order(void **state)
{
	static const uint8_t order[] = { 9, 3, 7, 1, 8 };
	struct bl_claim c;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	for (size_t i = 0; i < 3; i++) {
		c = claim(order[i]);
		assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	}
	unload(&l);
	load(&l, &boot);
	c = claim(order[0]); /* saved again it stays where it was */
	c.state = BL_CLAIM_RECLAIMING;
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	for (size_t i = 3; i < 5; i++) {
		c = claim(order[i]);
		assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	}
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(l.ledger.claims[i]->id.b[0], order[i]);
	unload(&l);
}

static void claims_of_another_boot_are_gone(void **state)
{
	struct bl_claim c = claim(1);
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);
	load(&l, &other_boot);
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	load(&l, &boot); /* for good */
	assert_int_equal(l.ledger.n, 0);
	unload(&l);
	assert_int_equal(warnings, 0);
}

static void limits_come_back(void **state)
{
	bl_uuid u = uuid(5), v = uuid(6);
	struct bl_dom_record *m;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	m = bl_settings_remember(&l.settings, &u);
	m->base = BL_PAGES(5000);
	m->external = true;
	m->set = (struct bl_override){ .has_mode = true,
				       .mode = BL_MODE_MANUAL,
				       .has_min = true,
				       .min = { .pages = { 77 } },
				       .has_max = true,
				       .max = { 99 },
				       .has_weight = true,
				       .weight = 3 };
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	m = bl_settings_remember(&l.settings, &v);
	m->set = (struct bl_override){ .has_min = true, .min = { .is_percent = true, .percent = 40 } };
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	unload(&l);

	load(&l, &other_boot); /* limits outlive the host's boot */
	m = bl_settings_find(&l.settings, &u);
	assert_non_null(m);
	assert_true(m->external && m->persist);
	assert_int_equal(m->base.n, 5000);
	assert_int_equal(m->set.mode, BL_MODE_MANUAL);
	assert_int_equal(m->set.min.pages.n, 77);
	assert_int_equal(m->set.max.n, 99);
	assert_int_equal(m->set.weight, 3);
	m = bl_settings_find(&l.settings, &v);
	assert_true(m->set.has_min && m->set.min.is_percent && m->set.min.percent == 40);
	assert_true(!m->set.has_max && !m->set.has_mode && !m->set.has_weight && !m->external);
	assert_int_equal(bd_state_drop_dom(l.s, &u, &seq), 0);
	unload(&l);
	load(&l, &boot);
	assert_null(bl_settings_find(&l.settings, &u));
	unload(&l);
}

/* The domain that had the UUID last; a file without that is an older balloond's. */
static void runs_come_back(void **state)
{
	bl_uuid u = uuid(5), v = uuid(6);
	struct bl_dom_record *m;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	m = bl_settings_remember(&l.settings, &u);
	assert_false(m->on_disk);
	m->base = BL_PAGES(5000);
	m->base_from = BL_BASE_REBOOTED;
	m->run = (struct bl_run){ .known = true,
				  .boot = boot,
				  .domid = 17,
				  .end = BL_RUN_SAVED,
				  .ended = BL_MS(77000),
				  .lived_at = BL_PAGES(4000) };
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	m = bl_settings_remember(&l.settings, &v);
	m->base = BL_PAGES(6000);
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	unload(&l);

	load(&l, &other_boot);
	m = bl_settings_find(&l.settings, &u);
	assert_true(m && m->on_disk && m->run.known);
	assert_true(bl_uuid_equal(&m->run.boot, &boot));
	assert_int_equal(m->run.domid, 17);
	assert_int_equal(m->run.end, BL_RUN_SAVED);
	assert_int_equal(m->run.ended.n, 77000);
	assert_int_equal(m->run.lived_at.n, 4000);
	assert_int_equal(m->base_from, BL_BASE_REBOOTED);
	m = bl_settings_find(&l.settings, &v);
	assert_true(m && m->on_disk && !m->run.known);
	assert_int_equal(m->base.n, 6000);
	assert_int_equal(m->base_from, BL_BASE_STARTED);
	unload(&l);
	assert_int_equal(warnings, 0);
}

/* How a claim is to end that was being given back. */
static void ends_come_back(void **state)
{
	struct bl_claim c = claim(1), d = claim(2);
	struct loaded l;

	(void)state;
	load(&l, &boot);
	c.ends = BL_CLAIM_EXPIRED;
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	assert_int_equal(bd_state_save_claim(l.s, &d), 0);
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 2);
	assert_int_equal(l.ledger.claims[0]->state, BL_CLAIM_HELD);
	assert_int_equal(l.ledger.claims[0]->ends, BL_CLAIM_EXPIRED);
	assert_string_equal(l.ledger.claims[0]->reason, "because");
	assert_false(bl_claim_ends(l.ledger.claims[1]));
	unload(&l);
	assert_int_equal(warnings, 0);
}

/* `set --no-persist` does not replace what was set to stay. */
static void what_is_not_to_stay_does_not(void **state)
{
	bl_uuid u = uuid(5);
	struct bl_dom_record *m;
	struct loaded l;

	(void)state;
	load(&l, &boot);
	m = bl_settings_remember(&l.settings, &u);
	m->set = (struct bl_override){ .has_max = true, .max = { 99 } };
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	m->set.max = BL_PAGES(11);
	m->base = BL_PAGES(500);
	m->persist = false;
	assert_int_equal(bd_state_save_dom(l.s, m), 0);
	unload(&l);
	load(&l, &boot);
	m = bl_settings_find(&l.settings, &u);
	assert_int_equal(m->set.max.n, 99);
	assert_int_equal(m->base.n, 500);
	unload(&l);
}

static void paused_comes_back(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, &boot);
	assert_false(l.paused);
	assert_int_equal(bd_state_set_paused(l.s, true, &seq), 0);
	assert_int_equal(bd_state_set_paused(l.s, true, &seq), 0);
	unload(&l);
	load(&l, &boot);
	assert_true(l.paused);
	assert_int_equal(bd_state_set_paused(l.s, false, &seq), 0);
	assert_int_equal(bd_state_set_paused(l.s, false, &seq), 0);
	unload(&l);
	load(&l, &boot);
	assert_false(l.paused);
	unload(&l);
}

static void one_daemon_a_folder(void **state)
{
	struct bd_state *two;
	struct loaded l;
	struct bl_err e;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_open(folder, NULL, &two, &e), -EBUSY);
	assert_non_null(strstr(e.msg, "another balloond"));
	unload(&l);
	load(&l, &boot);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(claims_come_back_as_they_were, clean),
		cmocka_unit_test_teardown(the_queue_keeps_its_order, clean),
		cmocka_unit_test_teardown(claims_of_another_boot_are_gone, clean),
		cmocka_unit_test_teardown(limits_come_back, clean),
		cmocka_unit_test_teardown(runs_come_back, clean),
		cmocka_unit_test_teardown(ends_come_back, clean),
		cmocka_unit_test_teardown(what_is_not_to_stay_does_not, clean),
		cmocka_unit_test_teardown(paused_comes_back, clean),
		cmocka_unit_test_teardown(one_daemon_a_folder, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
