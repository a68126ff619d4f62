/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/plan-fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct bl_dom *add_guest(struct fixture *f, uint32_t domid, uint64_t mib)
{
	struct bl_dom *d = bl_snapshot_add(&f->snap);

	d->domid = domid;
	d->uuid.b[0] = (uint8_t)domid;
	d->flags = BL_DOM_ANNOUNCED;
	d->has_target = true;
	d->tot = d->target = d->max_pages = d->static_max = BL_MIB_PAGES(mib);
	bl_settings_remember(&f->s, &d->uuid)->base = d->tot;
	return d;
}

int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	bl_settings_init(&f.s);
	f.s.reserve = (struct bl_share){ 0 };
	f.s.min.percent = 20;
	f.snap.now = BL_MS(1000000);
	f.snap.total = BL_MIB_PAGES(4000);
	f.snap.free = BL_MIB_PAGES(2000);
	add_guest(&f, 1, 1000);
	add_guest(&f, 2, 1000);
	*state = &f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	bl_settings_free(&f->s);
	bl_snapshot_free(&f->snap);
	bl_progress_free(&f->progress);
	bl_ledger_free(&f->ledger);
	bl_plan_free(&f->plan);
	return 0;
}

struct bl_claim *add_claim(struct fixture *f, uint64_t mib, uint64_t min_mib)
{
	struct bl_claim c = { .size = BL_MIB_PAGES(mib),
			      .min = BL_MIB_PAGES(min_mib),
			      .node = -1,
			      .holder = BL_DOMID_NONE,
			      .domid = BL_DOMID_NONE };

	c.handle.b[15] = (uint8_t)(f->ledger.n + 1);
	return bl_ledger_add(&f->ledger, &c);
}

struct bl_dom *reports(struct fixture *f, size_t i, uint64_t used_mib)
{
	struct bl_dom *d = &f->snap.doms[i];

	d->tele.present = true;
	d->tele.at = f->snap.now;
	d->tele.used = BL_MIB_PAGES(used_mib);
	d->tele.available = bl_pages_sub(d->tot, d->tele.used);
	return d;
}

void passes(struct fixture *f, uint64_t ms)
{
	f->snap.now.n += ms;
}

struct bl_plan_in in_of(struct fixture *f)
{
	return (struct bl_plan_in){ .settings = &f->s,
				    .snap = &f->snap,
				    .progress = &f->progress,
				    .ledger = &f->ledger,
				    .paused = f->paused,
				    .warm = f->warm,
				    .warm_until = f->warm_until };
}

void make(struct fixture *f)
{
	struct bl_plan_in in = in_of(f);

	assert_int_equal(bl_progress_update(&f->progress, &f->s, &f->snap), 0);
	assert_int_equal(bl_plan_make(&f->plan, &in), 0);
}

void expect(struct fixture *f, const char *what)
{
	static const char *const kinds[] = { "maxmem", "target", "nudge", "stake" };
	char text[512] = "";
	size_t at = 0;

	make(f);
	for (size_t i = 0; i < f->plan.n_actions; i++) {
		const struct bl_action *a = &f->plan.actions[i];
		unsigned who = a->kind == BL_ACT_STAKE ? a->claim->handle.b[15] : a->domid;
		int n = snprintf(text + at, sizeof(text) - at, "%s%s %u %" PRIu64, at ? ", " : "",
				 kinds[a->kind], who, a->pages.n / MIB);

		at += (size_t)n;
		if (a->pages.n % MIB)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "+%" PRIu64, a->pages.n % MIB);
	}
	assert_string_equal(text, what);
}
