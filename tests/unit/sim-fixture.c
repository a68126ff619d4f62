/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/sim-fixture.h"

#include <stdlib.h>
#include <string.h>

struct host host(const char *text)
{
	struct host h = { 0 };
	struct bl_err e = { 0 };

	h.mem = calloc(1, bl_sim_world_size());
	assert_non_null(h.mem);
	if (bl_sim_world_parse(h.mem, "w", text, strlen(text), &e) ||
	    bl_sim_open(h.mem, bl_sim_world_size(), &h.s, &e))
		fail_msg("%s", e.msg);
	return h;
}

void end(struct host *h)
{
	struct bl_err e = { 0 };

	if (bl_sim_check(h->s, &e))
		fail_msg("%s", e.msg);
	bl_snapshot_free(&h->snap);
	bl_sim_free(h->s);
	free(h->mem);
}

const struct bl_dom *dom(struct host *h, const char *name)
{
	assert_int_equal(bl_sim_snapshot(h->s, &h->snap), 0);
	for (size_t i = 0; i < h->snap.n_doms; i++)
		if (!strcmp(h->snap.doms[i].name, name))
			return &h->snap.doms[i];
	return NULL;
}

uint64_t mib(struct host *h, const char *name)
{
	const struct bl_dom *d = dom(h, name);

	assert_non_null(d);
	return d->tot.n / MIB;
}

void apply(struct host *h, const char *name, enum bl_action_kind kind, uint64_t pages)
{
	const struct bl_dom *d = dom(h, name);
	struct bl_action a = { .kind = kind, .pages = BL_PAGES(pages) };
	struct bl_err e = { 0 };

	assert_non_null(d);
	a.domid = d->domid;
	if (bl_sim_apply(h->s, &a, &e))
		fail_msg("%s", e.msg);
}

void target(struct host *h, const char *name, uint64_t m)
{
	if (m * MIB > dom(h, name)->max_pages.n)
		apply(h, name, BL_ACT_MAXMEM, m * MIB);
	apply(h, name, BL_ACT_TARGET, m * MIB);
}

void set(struct host *h, const char *name, const char *key, const char *value)
{
	struct bl_err e = { 0 };

	if (bl_sim_set(h->s, dom(h, name)->domid, key, value, &e))
		fail_msg("%s", e.msg);
}

void run(struct host *h, uint64_t ms)
{
	bl_sim_step(h->s, BL_MS(ms));
}
