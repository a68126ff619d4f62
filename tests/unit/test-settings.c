/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose word counts: `set`, then [domain], then the toolstack, then [defaults]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/core/settings.h"

#define UUID_TEXT "00112233-4455-6677-8899-aabbccddeeff"

struct fixture {
	struct bl_settings s;
	struct bl_dom d;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	bl_settings_init(&f.s);
	f.d = (struct bl_dom){
		.domid = 1, .name = "web", .tot = BL_PAGES(1000), .static_max = BL_PAGES(2000)
	};
	bl_uuid_parse(UUID_TEXT, &f.d.uuid);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bl_settings_free(&f->s);
	return 0;
}

static struct bl_override *of_section(struct fixture *f, const char *key)
{
	return &bl_settings_config(&f->s, key)->limits;
}

static struct bl_override *of_set(struct fixture *f)
{
	return &bl_settings_remember(&f->s, &f->d.uuid)->set;
}

static void say_min(struct bl_override *o, uint64_t pages)
{
	o->has_min = true;
	o->min = (struct bl_bound){ .pages = BL_PAGES(pages) };
}

static void expect_min(struct fixture *f, uint64_t min, enum bl_limit_source from)
{
	struct bl_limits l = bl_settings_limits(&f->s, &f->d);

	assert_int_equal(l.min.n, min);
	assert_int_equal(l.min_from, from);
}

static void min_of_the_strongest(void **state)
{
	struct fixture *f = *state;

	/* weakest first, each beaten by the next */
	expect_min(f, 1000, BL_FROM_DEFAULT);
	f->d.flags |= BL_DOM_DRIVER;
	expect_min(f, 500, BL_FROM_DRIVER_DEFAULT);
	f->d.has_dyn_min = true;
	f->d.dyn_min = BL_PAGES(700);
	expect_min(f, 700, BL_FROM_TOOLSTACK);
	say_min(of_section(f, "web"), 710);
	expect_min(f, 710, BL_FROM_CONFIG);
	say_min(of_section(f, UUID_TEXT), 720);
	expect_min(f, 720, BL_FROM_CONFIG);
	say_min(of_set(f), 730);
	expect_min(f, 730, BL_FROM_SET);
}

static void min_is_of_the_base(void **state)
{
	struct fixture *f = *state;

	/* ballooned down: its base is what it was started with */
	bl_settings_remember(&f->s, &f->d.uuid)->base = BL_PAGES(1600);
	f->d.tot = BL_PAGES(900);
	expect_min(f, 1600, BL_FROM_DEFAULT);
	f->s.min.percent = 25;
	expect_min(f, 400, BL_FROM_DEFAULT);
	f->s.min.percent = 33;
	expect_min(f, 528, BL_FROM_DEFAULT);
}

static void each_word_by_itself(void **state)
{
	struct fixture *f = *state;
	struct bl_override *section = of_section(f, "web"), *set = of_set(f);
	struct bl_limits l;

	section->has_mode = true;
	section->mode = BL_MODE_IGNORE;
	section->has_weight = true;
	section->weight = 300;
	section->has_max = true;
	section->max = BL_PAGES(1500);
	l = bl_settings_limits(&f->s, &f->d);
	assert_int_equal(l.mode, BL_MODE_IGNORE);
	assert_int_equal(l.weight, 300);
	assert_int_equal(l.max.n, 1500);
	/* `set` says one thing, the section goes on saying the others */
	set->has_mode = true;
	set->mode = BL_MODE_MANUAL;
	l = bl_settings_limits(&f->s, &f->d);
	assert_int_equal(l.mode, BL_MODE_MANUAL);
	assert_int_equal(l.weight, 300);
	assert_int_equal(l.max.n, 1500);
}

static void min_never_above_max(void **state)
{
	struct fixture *f = *state;
	struct bl_override *set = of_set(f);
	struct bl_limits l;

	say_min(set, 1800);
	set->has_max = true;
	set->max = BL_PAGES(1200);
	l = bl_settings_limits(&f->s, &f->d);
	assert_int_equal(l.min.n, 1200);
	assert_int_equal(l.max.n, 1200);
	/* max is set lower than the allocation, never higher */
	set->max = BL_PAGES(9000);
	l = bl_settings_limits(&f->s, &f->d);
	assert_int_equal(l.min.n, 1800);
	assert_int_equal(l.max.n, 2000);
}

static void max_without_an_allocation(void **state)
{
	struct fixture *f = *state;

	f->d.static_max = BL_PAGES(0);
	assert_int_equal(bl_settings_limits(&f->s, &f->d).max.n, 1000);
	bl_settings_remember(&f->s, &f->d.uuid)->base = BL_PAGES(1700);
	assert_int_equal(bl_settings_limits(&f->s, &f->d).max.n, 1700);
}

static void dom0_only_when_configured(void **state)
{
	struct fixture *f = *state;
	struct bl_override *set = of_set(f);

	f->d.flags |= BL_DOM_CONTROL;
	f->s.dom0_min = BL_PAGES(600);
	set->has_mode = true;
	set->mode = BL_MODE_AUTO;
	assert_int_equal(bl_settings_limits(&f->s, &f->d).mode, BL_MODE_IGNORE);
	f->s.dom0_manage = true;
	assert_int_equal(bl_settings_limits(&f->s, &f->d).mode, BL_MODE_AUTO);
	expect_min(f, 600, BL_FROM_DOM0_MIN);
}

static void records_move_to_new_settings(void **state)
{
	struct fixture *f = *state;
	struct bl_settings fresh;

	say_min(of_set(f), 640);
	bl_settings_init(&fresh);
	bl_settings_move_records(&fresh, &f->s);
	assert_null(bl_settings_find(&f->s, &f->d.uuid));
	assert_int_equal(bl_settings_limits(&fresh, &f->d).min.n, 640);
	bl_settings_free(&fresh);
}

static void found_in_order_or_not(void **state)
{
	struct fixture *f = *state;
	const struct bl_dom_record *near = NULL;
	bl_uuid u[20] = { { { 0 } } };

	for (uint8_t i = 0; i < 20; i++) {
		u[i].b[3] = (uint8_t)(i + 1);
		if (i % 5)
			bl_settings_remember(&f->s, &u[i]);
	}
	for (size_t k = 0; k < 100; k++) {
		const bl_uuid *which = &u[k * 7 % 20];
		const struct bl_dom_record *m = bl_settings_find_after(&f->s, which, near);

		assert_ptr_equal(m, bl_settings_find(&f->s, which));
		near = m ? m : near;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(min_of_the_strongest, setup, teardown),
		cmocka_unit_test_setup_teardown(min_is_of_the_base, setup, teardown),
		cmocka_unit_test_setup_teardown(each_word_by_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(min_never_above_max, setup, teardown),
		cmocka_unit_test_setup_teardown(max_without_an_allocation, setup, teardown),
		cmocka_unit_test_setup_teardown(dom0_only_when_configured, setup, teardown),
		cmocka_unit_test_setup_teardown(records_move_to_new_settings, setup, teardown),
		cmocka_unit_test_setup_teardown(found_in_order_or_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
