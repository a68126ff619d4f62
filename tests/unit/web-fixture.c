/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/web-fixture.h"

#include <string.h>

#include "daemon/base/log.h"

unsigned reclaiming;

static void note(int priority, const char *line)
{
	reclaiming += strstr(line, "reclaiming") != NULL;
	warnings += priority <= LOG_WARNING;
}

int on_stock(void **state)
{
	int r = begin(state);

	reclaiming = 0;
	bd_log_set_sink(note);
	fake_xen.patched = false;
	return r;
}

struct fake_domain *web(uint32_t domid, uint64_t pages)
{
	struct fake_domain *d = fake_xen_add(domid, false, false, pages);
	bl_uuid u = OF_WEB;

	d->handle = u;
	fake_store_setf(domid, "name", "web");
	fake_store_setf(domid, "memory/target", "%llu", (unsigned long long)pages * 4);
	fake_store_setf(domid, "memory/static-max", "%llu", 400000ULL);
	fake_store_introduce(domid);
	return d;
}

void look(struct daemon *d)
{
	for (int i = 0; i < 3; i++) {
		bd_manager_rebalance(d->m);
		run(d, 30000);
	}
}

const struct bl_dom_record *known(struct daemon *d)
{
	struct bd_picture p;
	bl_uuid u = OF_WEB;

	bd_manager_picture(d->m, &p);
	return bl_settings_find(p.settings, &u);
}

void base_is(struct daemon *d, uint64_t pages, enum bl_base_from from)
{
	const struct bl_dom_record *mem;

	look(d);
	mem = known(d);
	assert_non_null(mem);
	assert_int_equal(mem->base.n, pages);
	assert_string_equal(bl_base_from_name(mem->base_from), bl_base_from_name(from));
}

void set_weight(struct daemon *d, const char *what, int want)
{
	struct bd_set_request req = { .limits = { .has_weight = true, .weight = 150 } };
	const struct bl_dom *dom;
	struct changed c = { 0 };
	struct bl_err err;

	bd_manager_refresh(d->m);
	assert_int_equal(bd_manager_find_domain(d->m, what, &dom, &err), 0);
	bd_manager_set(d->m, dom, &req, changed, &c);
	assert_int_equal(until_changed(d, &c), want);
}

struct daemon started(uint64_t pages)
{
	struct daemon d;

	web(5, pages);
	d = start();
	base_is(&d, pages, BL_BASE_STARTED);
	set_weight(&d, "web", 0); /* from then on it is on disk */
	return d;
}

void goes(uint32_t domid)
{
	fake_xen_find(domid)->used = false;
	fake_store_setf(domid, "name", NULL);
}
