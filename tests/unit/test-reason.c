/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences: each has a subject, a number that is not 0, and a way out where there is
 * one. A row makes a moment of the host and says what is to be read. */
#include "tests/unit/plan-fixture.h"

#include <string.h>

#include "lib/core/reason.h"

static void name(struct bl_dom *d, const char *text)
{
	strcpy(d->name, text);
}

static void no_zeros(const char *text)
{
	assert_null(strstr(text, " 0 B"));
	assert_null(strstr(text, " 0 s"));
	assert_null(strstr(text, "(null)"));
}

/* ---- of a domain ---- */

static struct bl_track *track_of(struct fixture *f)
{
	make(f);
	return bl_progress_find(&f->progress, 1);
}

static void steady(struct fixture *f)
{
	(void)f;
}

static void uses(struct fixture *f)
{
	reports(f, 0, 400);
}

static void needs(struct fixture *f)
{
	reports(f, 0, 990)->static_max = BL_MIB_PAGES(3000);
	f->snap.free = BL_PAGES(0);
	reports(f, 1, 100);
}

static void dying(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_DYING;
	make(f);
	passes(f, 2000);
}

static void undead(struct fixture *f)
{
	dying(f);
	passes(f, 310000);
}

static void paused(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_PAUSED;
}

static void migrating(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_MIGRATING;
}

static void building(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_BUILDING;
	f->snap.doms[0].max_pages = BL_MIB_PAGES(1500);
}

static void external(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_EXTERNAL;
	make(f);
	f->snap.doms[0].target = f->snap.doms[0].max_pages = BL_MIB_PAGES(3000);
	make(f);
	passes(f, 9000);
}

static void by_hand(struct fixture *f)
{
	struct bl_override *o = &bl_settings_find(&f->s, &f->snap.doms[0].uuid)->set;

	o->has_mode = true;
	o->mode = BL_MODE_MANUAL;
	make(f);
	f->snap.doms[0].target = BL_MIB_PAGES(500);
	make(f);
	passes(f, 9000);
	make(f);
	passes(f, 1000);
}

static void ignored(struct fixture *f)
{
	f->s.mode = BL_MODE_IGNORE;
}

static void service(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_NO_BALLOON;
}

static void no_target(struct fixture *f)
{
	f->snap.doms[0].has_target = false;
}

static void no_balloon(struct fixture *f)
{
	f->snap.doms[0].flags = 0;
	track_of(f)->incapable = true;
}

static void stuck(struct fixture *f)
{
	add_claim(f, 2400, 2400);
	make(f);
	f->snap.doms[0].target = BL_MIB_PAGES(800);
	make(f);
	passes(f, 7000);
}

/* Both sizes read "2 GiB". */
static void stuck_at_probe(struct fixture *f)
{
	f->snap.doms[0].tot = f->snap.doms[0].static_max = f->snap.doms[0].max_pages = BL_MIB_PAGES(2048);
	add_claim(f, 2400, 2400);
	make(f);
	f->snap.doms[0].target = BL_MIB_PAGES(2008);
	make(f);
	passes(f, 7000);
}

static void gives(struct fixture *f)
{
	add_claim(f, 2400, 2400);
	make(f);
	f->snap.doms[0].target = BL_MIB_PAGES(800);
	f->snap.doms[0].tot = BL_MIB_PAGES(900);
	passes(f, 50);
}

static void on_pause(struct fixture *f)
{
	f->paused = true;
}

static void of_domains(void **state)
{
	static const struct {
		void (*make)(struct fixture *f);
		const char *says;
	} rows[] = {
		{ steady, "has 1000 MiB and does not report how much it uses: gives to claims only" },
		{ uses, "has 1000 MiB, uses 400 MiB, wants 480 MiB: nobody needs the rest" },
		{ needs, "has 1000 MiB and should have 1.2 GiB: waits for 188 MiB to come free" },
		{ dying, "dying for 2 s: its 1000 MiB come back when it is gone" },
		{ undead,
		  "dying for 5 min: it keeps 1000 MiB, of which nothing came back for 5 min: another "
		  "domain may map its pages, or its device model still runs" },
		{ paused, "paused: its balloon cannot move until it runs again" },
		{ migrating, "being saved or migrated: not touched until that ends" },
		{ building, "being built: has 1000 MiB, 500 MiB are still to come" },
		{ external, "somebody else wrote its target, 2.9 GiB: balloond leaves it alone until "
			    "'balloonctl set web --mode auto'; it stopped at 1000 MiB 9 s ago" },
		{ by_hand,
		  "set by hand to 500 MiB: balloond leaves it alone until 'balloonctl set web --mode auto'; "
		  "it stopped at 1000 MiB 10 s ago" },
		{ ignored, "mode ignore: balloond leaves it alone until 'balloonctl set web --mode auto'" },
		{ service, "a service domain: it has no balloon" },
		{ no_target,
		  "it has no memory/target, or its pages do not follow the target yet: it cannot be moved" },
		{ no_balloon,
		  "has 1000 MiB, and its balloon did not answer a request for 40 MiB within 60 s: no "
		  "driver, or a dead one" },
		{ stuck,
		  "asked for 800 MiB, stays at 1000 MiB, no progress for 7 s: the others give its share; "
		  "tried again every 60 s" },
		{ stuck_at_probe,
		  "asked for 40 MiB less, stays at 2 GiB, no progress for 7 s: the others give its "
		  "share; tried again every 60 s" },
		{ gives, "gives: on its way from 900 MiB to 800 MiB for claim 00000000 (2.3 GiB)" },
		{ on_pause,
		  "has 1000 MiB and does not report how much it uses: gives to claims only; balloond is paused, "
		  "'balloonctl resume' lets it go on" },
	};
	char text[BL_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = NULL;
		struct bl_plan_in in;
		void *made = NULL;

		setup(&made);
		f = made;
		name(&f->snap.doms[0], "web");
		rows[i].make(f);
		make(f);
		in = in_of(f);
		assert_string_equal(bl_reason_domain(&f->plan, &in, bl_plan_view(&f->plan, 1), text),
				    rows[i].says);
		no_zeros(text);
		no_zeros(bl_reason_givable(&in, bl_plan_view(&f->plan, 1), text));
		teardown(&made);
	}
}

/* ---- of a claim that is refused ---- */

static void other_claims(struct fixture *f)
{
	add_claim(f, 3400, 3400)->created = BL_MS(f->snap.now.n - 300000);
}

static void in_use(struct fixture *f)
{
	reports(f, 0, 950);
	reports(f, 1, 300);
}

static void two_away(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_PAUSED;
	f->snap.doms[1].flags |= BL_DOM_MIGRATING;
}

static void still_taken(struct fixture *f)
{
	f->snap.doms[0].flags |= BL_DOM_EXTERNAL;
	make(f);
	f->snap.doms[0].target = f->snap.doms[0].max_pages = BL_MIB_PAGES(2900);
}

static void refuses(struct fixture *f)
{
	f->snap.doms[0].target = BL_MIB_PAGES(900);
	reports(f, 0, 100)->tele.refusal = BL_REFUSES_PRESSURE;
}

static void own_min(struct fixture *f)
{
	reports(f, 0, 100)->tele.has_min = true;
	f->snap.doms[0].tele.min = BL_MIB_PAGES(900);
}

static void at_min(struct fixture *f)
{
	f->s.min.percent = 100;
}

static void large_reserve(struct fixture *f)
{
	f->s.reserve.fixed = BL_MIB_PAGES(1900);
	f->s.min.percent = 0;
}

static void left_alone(struct fixture *f)
{
	ignored(f);
}

static void of_refusals(void **state)
{
	static const struct {
		void (*make)(struct fixture *f);
		uint64_t mib;
		const char *says; /* in it */
		const char * not; /* NULL, or what is not */
	} rows[] = {
		{ other_claims, 600,
		  "; other claims keep 3.3 GiB: claim 00000000 (3.3 GiB), which waits for 5 min; it "
		  "fits once claims end ('balloonctl release', or --wait)",
		  "uses" },
		{ in_use, 3000,
		  "; web uses 950 MiB of its 1000 MiB, domain 2 uses 300 MiB of its 1000 MiB; it fits "
		  "once guests use 250 MiB less",
		  "claim" },
		{ two_away, 3500,
		  "; web is paused and could give 800 MiB once it runs, domain 2 is migrating and "
		  "could give 800 MiB once it runs",
		  "claim" },
		{ still_taken, 1900,
		  "; web still takes 1.9 GiB that somebody else granted it: what it does not take "
		  "within 5 s is free again",
		  "claim" },
		{ undead, 3300,
		  "; web (domid 1) is dying for 5 min and keeps 1000 MiB: another domain may map its "
		  "pages, or its device model still runs",
		  "could ever" },
		{ refuses, 3500,
		  "; web refuses to go below 1000 MiB, memory pressure inside the guest, and could give "
		  "800 MiB",
		  "--min" },
		{ own_min, 3500, "; web keeps 700 MiB itself: its floor (xen.balloon.min in the guest)",
		  "set web --min" },
		{ at_min, 2200, "; 'balloonctl set web --min 500M' would let it give 500 MiB more", "uses" },
		{ large_reserve, 3500, "; the reserve of 1.9 GiB is in the way ([host] reserve)", "uses" },
		{ left_alone, 3500,
		  "; web is left alone with its 1000 MiB: 'balloonctl set web --mode auto' would let "
		  "it give 800 MiB",
		  "uses" },
		{ no_balloon, 3500,
		  "; web has 1000 MiB and no balloon that answers: a driver in the guest would let "
		  "it give 800 MiB",
		  "uses" },
	};
	char text[BL_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_admission a;
		struct bl_plan_in in;
		struct fixture *f;
		void *made = NULL;

		setup(&made);
		f = made;
		name(&f->snap.doms[0], "web");
		rows[i].make(f);
		make(f);
		in = in_of(f);
		bl_plan_admit(&f->plan, BL_MIB_PAGES(rows[i].mib), BL_PAGES(0), NULL, &a);
		assert_true(a.verdict >= BL_FITS_LATER);
		bl_reason_refusal(&f->plan, &in, &a, text);
		*strstr(text, "; who holds what") = '\0';
		if (!strstr(text, rows[i].says) || (rows[i].not&&strstr(text, rows[i].not)))
			fail_msg("row %zu: %s", i, text);
		no_zeros(text);
		teardown(&made);
	}
}

/* A name that a shell would not take as it is, or that would be taken for a domid, is not
 * what a command is offered with. */
static void of_commands(void **state)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{ "web-1.2", "set web-1.2 --mode" }, { "42", "set 1 --mode" }, { "a b", "set 1 --mode" },
		{ "x;reboot", "set 1 --mode" },	     { "-j", "set 1 --mode" }, { "", "set 1 --mode" },
	};
	struct fixture *f = *state;
	struct bl_plan_in in = in_of(f);
	char text[BL_REASON_MAX];

	ignored(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		name(&f->snap.doms[0], rows[i].name);
		make(f);
		bl_reason_domain(&f->plan, &in, bl_plan_view(&f->plan, 1), text);
		assert_non_null(strstr(text, rows[i].says));
	}
}

/* A plan that counts on the dead says so, guests or none. */
static void what_the_dying_give_back_is_named(void **state)
{
	struct bl_plan plan = { .coming = BL_PAGES(524288) };
	char buf[BL_REASON_MAX];

	(void)state;
	assert_string_equal(bl_reason_givers(&plan, buf), "2 GiB from domains that are dying");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_domains),
		cmocka_unit_test(of_refusals),
		TEST(of_commands),
		cmocka_unit_test(what_the_dying_give_back_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
