/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/snapshot.h"

#include <stdlib.h>
#include <string.h>

struct bl_dom *bl_snapshot_add(struct bl_snapshot *s)
{
	if (s->n_doms == s->cap_doms) {
		size_t cap = s->cap_doms ? s->cap_doms * 2 : 64;
		struct bl_dom *doms = reallocarray(s->doms, cap, sizeof(*doms));

		if (!doms)
			return NULL;
		s->doms = doms;
		s->cap_doms = cap;
	}
	memset(&s->doms[s->n_doms], 0, sizeof(*s->doms));
	return &s->doms[s->n_doms++];
}

void bl_snapshot_reset(struct bl_snapshot *s)
{
	*s = (struct bl_snapshot){ .doms = s->doms, .cap_doms = s->cap_doms };
}

void bl_snapshot_free(struct bl_snapshot *s)
{
	free(s->doms);
	*s = (struct bl_snapshot){ 0 };
}

void bl_snapshot_age(struct bl_snapshot *s, bl_ms stale_after)
{
	for (size_t i = 0; i < s->n_doms; i++) {
		struct bl_dom *d = &s->doms[i];

		if (d->tele.present && bl_ms_gt(bl_ms_since(s->now, d->tele.at), stale_after))
			d->flags &= ~(unsigned)BL_DOM_DRIVER;
	}
}

static int by_domid(const void *domid, const void *dom)
{
	uint32_t a = *(const uint32_t *)domid, b = ((const struct bl_dom *)dom)->domid;

	return a < b ? -1 : a > b;
}

const struct bl_dom *bl_snapshot_find(const struct bl_snapshot *s, uint32_t domid)
{
	return s->n_doms ? bsearch(&domid, s->doms, s->n_doms, sizeof(*s->doms), by_domid) : NULL;
}

const struct bl_dom *bl_snapshot_living(const struct bl_snapshot *s, const bl_uuid *uuid)
{
	if (bl_uuid_is_null(uuid))
		return NULL;
	for (size_t i = 0; i < s->n_doms; i++)
		if (!(s->doms[i].flags & (BL_DOM_DYING | BL_DOM_HOLDER)) &&
		    bl_uuid_equal(&s->doms[i].uuid, uuid))
			return &s->doms[i];
	return NULL;
}

const struct bl_node *bl_snapshot_node(const struct bl_snapshot *s, int node)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (node >= 0 && s->nodes[i].node == (unsigned)node)
			return &s->nodes[i];
	return NULL;
}

bl_pages bl_snapshot_pool(const struct bl_snapshot *s, int node)
{
	const struct bl_node *n = bl_snapshot_node(s, node);

	if (node < 0)
		return s->pool;
	return n ? n->pool : BL_PAGES(0);
}

bl_pages bl_snapshot_node_room(const struct bl_snapshot *s, int node)
{
	const struct bl_node *n = bl_snapshot_node(s, node);

	if (node < 0)
		return BL_PAGES(UINT64_MAX);
	return n ? bl_pages_sub(n->free, n->claimed) : BL_PAGES(0);
}

bool bl_dom_at_limit(const struct bl_dom *d)
{
	return d->has_target && bl_pages_gt(d->target, d->tot) && bl_pages_le(d->max_pages, d->tot);
}

const char *bl_dom_type_name(enum bl_dom_type t)
{
	switch (t) {
	case BL_DOM_PV:
		return "pv";
	case BL_DOM_PVH:
		return "pvh";
	case BL_DOM_HVM:
		return "hvm";
	}
	return "unknown";
}

const char *bl_refusal_name(enum bl_refusal r)
{
	static const char *const names[] = {
		[BL_REFUSES_NOT] = NULL,
		[BL_REFUSES_MIN] = "min",
		[BL_REFUSES_PRESSURE] = "pressure",
		[BL_REFUSES_NO_PAGES] = "no-pages",
	};

	return (size_t)r < sizeof(names) / sizeof(names[0]) ? names[r] : NULL;
}
