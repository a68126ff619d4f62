/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/ledger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool bl_handle_is_ours(const bl_uuid *handle)
{
	return !memcmp(handle->b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
}

struct bl_claim *bl_ledger_add(struct bl_ledger *l, const struct bl_claim *c)
{
	struct bl_claim *copy;
	size_t at = 0;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct bl_claim **claims = reallocarray(l->claims, cap, sizeof(*claims));

		if (!claims)
			return NULL;
		l->claims = claims;
		l->cap = cap;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *c;
	if (c->reboot)
		while (at < l->n && l->claims[at]->reboot)
			at++;
	else
		at = l->n;
	memmove(&l->claims[at + 1], &l->claims[at], (l->n - at) * sizeof(*l->claims));
	l->claims[at] = copy;
	l->n++;
	return copy;
}

struct bl_claim *bl_ledger_find(const struct bl_ledger *l, const bl_uuid *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (bl_uuid_equal(&l->claims[i]->id, id))
			return l->claims[i];
	return NULL;
}

struct bl_claim *bl_ledger_by_handle(const struct bl_ledger *l, const bl_uuid *handle)
{
	for (size_t i = 0; i < l->n; i++)
		if (bl_uuid_equal(&l->claims[i]->handle, handle))
			return l->claims[i];
	return NULL;
}

struct bl_claim *bl_ledger_by_domid(const struct bl_ledger *l, uint32_t domid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->claims[i]->domid == domid)
			return l->claims[i];
	return NULL;
}

struct bl_claim *bl_ledger_named(const struct bl_ledger *l, const struct bl_dom *d)
{
	struct bl_claim *by_name = NULL;

	for (size_t i = 0; i < l->n; i++) {
		struct bl_claim *c = l->claims[i];

		if (c->domid != BL_DOMID_NONE || bl_claim_ends(c) || c->foreign)
			continue;
		if (c->has_uuid && bl_uuid_equal(&c->uuid, &d->uuid))
			return c;
		if (!by_name && c->name[0] && !strcmp(c->name, d->name))
			by_name = c;
	}
	return by_name;
}

void bl_ledger_remove(struct bl_ledger *l, struct bl_claim *c)
{
	size_t i = 0;

	while (i < l->n && l->claims[i] != c)
		i++;
	assert(i < l->n);
	memmove(&l->claims[i], &l->claims[i + 1], (l->n - i - 1) * sizeof(*l->claims));
	l->n--;
	free(c);
}

void bl_ledger_free(struct bl_ledger *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->claims[i]);
	free(l->claims);
	*l = (struct bl_ledger){ 0 };
}

static bool holds(const struct bl_dom *d, const struct bl_claim *c)
{
	return d->flags & BL_DOM_HOLDER && bl_uuid_equal(&d->uuid, &c->handle);
}

bl_pages bl_ledger_pooled(const struct bl_ledger *l, int node)
{
	bl_pages sum = BL_PAGES(0);

	for (size_t i = 0; i < l->n; i++)
		if (l->claims[i]->node == node)
			sum = bl_pages_add(sum, l->claims[i]->pooled);
	return sum;
}

/* What the pool may have of it. */
static bl_pages pool_want(const struct bl_claim *c, const struct bl_snapshot *s)
{
	const struct bl_dom *d = bl_snapshot_find(s, c->domid);

	if (c->state != BL_CLAIM_BUILDING)
		return c->pooled;
	if (!d)
		return BL_PAGES(0);
	return bl_pages_min(c->pooled, bl_pages_sub(c->size, bl_pages_add(d->tot, d->outstanding)));
}

static void share_pool(struct bl_ledger *l, const struct bl_snapshot *s, bool building,
		       bl_pages taken[BL_NODES_MAX + 1])
{
	for (size_t i = 0; i < l->n; i++) {
		struct bl_claim *c = l->claims[i];
		bl_pages *of_node = &taken[c->node + 1];

		if (!c->pooled.n || (c->state == BL_CLAIM_BUILDING) != building)
			continue;
		c->in_pool = bl_pages_min(pool_want(c, s),
					  bl_pages_sub(bl_snapshot_pool(s, c->node), *of_node));
		*of_node = bl_pages_add(*of_node, c->in_pool);
		c->holder = BL_DOMID_POOL;
		c->staked = bl_pages_add(c->staked, c->in_pool);
	}
}

static bl_pages outstanding_of(const struct bl_snapshot *s, uint32_t domid)
{
	const struct bl_dom *d = bl_snapshot_find(s, domid);

	return d ? d->outstanding : BL_PAGES(0);
}

/* One that would not go when its claim moved away leaves the claim with two, once it waits
 * again: the one with the most pages is it. */
static void find_holder(struct bl_ledger *l, const struct bl_snapshot *s, const struct bl_dom *d)
{
	for (size_t i = 0; i < l->n; i++) {
		struct bl_claim *c = l->claims[i];

		if (holds(d, c) &&
		    (c->holder == BL_DOMID_NONE || d->outstanding.n > outstanding_of(s, c->holder).n))
			c->holder = d->domid;
	}
}

/* Holders are found again by handle; last tick's domid is only a hint. */
static void find_holders(struct bl_ledger *l, const struct bl_snapshot *s)
{
	size_t found = 0, there = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct bl_claim *c = l->claims[i];
		const struct bl_dom *d = bl_snapshot_find(s, c->holder);

		c->holder = d && holds(d, c) ? d->domid : BL_DOMID_NONE;
		found += c->holder != BL_DOMID_NONE;
	}
	for (size_t k = 0; k < s->n_doms; k++)
		there += (s->doms[k].flags & BL_DOM_HOLDER) != 0;
	for (size_t k = 0; k < s->n_doms && there > found; k++)
		if (s->doms[k].flags & BL_DOM_HOLDER)
			find_holder(l, s, &s->doms[k]);
}

void bl_ledger_match(struct bl_ledger *l, const struct bl_snapshot *s)
{
	bl_pages taken[BL_NODES_MAX + 1] = { { 0 } };

	find_holders(l, s);
	for (size_t i = 0; i < l->n; i++) {
		struct bl_claim *c = l->claims[i];

		c->in_pool = BL_PAGES(0);
		c->staked = bl_pages_add(outstanding_of(s, c->holder), outstanding_of(s, c->domid));
	}
	share_pool(l, s, false, taken);
	share_pool(l, s, true, taken);
}

bl_pages bl_claim_promised(const struct bl_claim *c, const struct bl_snapshot *s)
{
	bl_pages covered = c->staked, overhead = c->overhead;
	const struct bl_dom *d = bl_snapshot_find(s, c->domid);
	const struct bl_dom *before = c->after ? bl_snapshot_find(s, c->after) : NULL;

	if (bl_claim_ends(c) && c->state == BL_CLAIM_RECLAIMING && c->holder == BL_DOMID_NONE)
		return BL_PAGES(0);
	if (d)
		covered = bl_pages_add(covered, d->tot);
	if (before)
		covered = bl_pages_add(covered, before->tot);
	if (c->holder != BL_DOMID_NONE && c->holder != BL_DOMID_POOL)
		overhead = bl_pages_sub(overhead, BL_HOLDER_PAGES);
	return bl_pages_add(overhead, bl_pages_sub(c->size, covered));
}

bool bl_claim_live(const struct bl_claim *c)
{
	return c->state <= BL_CLAIM_BUILDING;
}

bool bl_claim_ends(const struct bl_claim *c)
{
	return c->ends > BL_CLAIM_BUILDING;
}

static const char *const state_names[] = {
	[BL_CLAIM_RECLAIMING] = "reclaiming", [BL_CLAIM_HELD] = "held",
	[BL_CLAIM_BUILDING] = "building",     [BL_CLAIM_DONE] = "done",
	[BL_CLAIM_FAILED] = "failed",	      [BL_CLAIM_EXPIRED] = "expired",
	[BL_CLAIM_RELEASED] = "released",
};

#define N_STATES (sizeof(state_names) / sizeof(state_names[0]))

const char *bl_claim_state_name(enum bl_claim_state s)
{
	return (size_t)s < N_STATES ? state_names[s] : "unknown";
}

bool bl_claim_state_parse(const char *name, enum bl_claim_state *ret)
{
	for (size_t i = 0; i < N_STATES; i++)
		if (!strcmp(state_names[i], name)) {
			*ret = (enum bl_claim_state)i;
			return true;
		}
	return false;
}
