/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hypervisor's allocator and its answers, as measured on Xen 4.17, without the faults that
 * later versions mended (freeing memory re-grows a claim; a claim on a dying domain stays for
 * ever; free - claims wraps). */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "lib/sim/world.h"

/* Claims can exceed the free pages once pages went offline: then nothing is unclaimed, rather
 * than a huge number. */
uint64_t bl_sim_unclaimed(const struct bl_sim *s)
{
	return bl_sim_sat(s->free, s->outstanding);
}

/* The node that the next pages of d come from. */
static size_t node_to_take(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	size_t best = 0;

	if (d->node && s->node_free[d->node - 1])
		return d->node - 1;
	for (size_t i = 1; i < s->w->n_nodes; i++)
		if (s->node_free[i] > s->node_free[best])
			best = i;
	return best;
}

static size_t node_to_give(const struct bl_sim *s, const struct bl_sim_dom *d)
{
	size_t best = 0;

	for (size_t i = 1; i < s->w->n_nodes; i++)
		if (d->pages[i] > d->pages[best])
			best = i;
	return best;
}

/* Moves n free pages to one of d's accounts. */
static void assign(struct bl_sim *s, const struct bl_sim_dom *d, uint64_t *account, uint64_t n)
{
	while (n) {
		size_t i = node_to_take(s, d);
		uint64_t k = bl_sim_least(n, s->node_free[i]);

		assert(k);
		account[i] += k;
		s->node_free[i] -= k;
		s->free -= k;
		n -= k;
	}
}

static void set_outstanding(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n)
{
	s->outstanding = s->outstanding - d->outstanding + n;
	d->outstanding = n;
}

/* Each page needs room under max_pages, a free page, and either a page of d's own claim or a page
 * that no claim covers. */
uint64_t bl_sim_take(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n)
{
	n = bl_sim_least(n, bl_sim_sat(d->max_pages, bl_sim_tot(s, d)));
	n = bl_sim_least(n, bl_sim_least(s->free, d->outstanding + bl_sim_unclaimed(s)));
	if (!n)
		return 0;
	bl_sim_begin(s, d);
	assign(s, d, d->pages, n);
	set_outstanding(s, d, bl_sim_sat(d->outstanding, n));
	bl_sim_commit(s);
	return n;
}

uint64_t bl_sim_give(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n)
{
	uint64_t done = 0, tot = bl_sim_tot(s, d);

	n = bl_sim_least(n, tot);
	if (!n)
		return 0;
	bl_sim_begin(s, d);
	while (done < n) {
		size_t i = node_to_give(s, d);
		uint64_t k = bl_sim_least(n - done, d->pages[i]);

		d->pages[i] -= k;
		s->node_free[i] += k;
		s->free += k;
		done += k;
	}
	bl_sim_commit(s);
	return n;
}

int bl_sim_claim_of(struct bl_sim *s, struct bl_sim_dom *d, uint64_t pages)
{
	uint64_t tot = bl_sim_tot(s, d);

	if (pages) {
		if (d->phase == BL_SIM_DYING || d->outstanding || pages <= tot || pages > d->max_pages)
			return -EINVAL;
		if (pages - tot > bl_sim_unclaimed(s))
			return -ENOMEM;
	}
	bl_sim_begin(s, d);
	set_outstanding(s, d, pages ? pages - tot : 0);
	bl_sim_commit(s);
	return 0;
}

int bl_sim_claim(struct bl_sim *s, const struct bl_sim_claim_op *op)
{
	struct bl_sim_dom *d = bl_sim_find(s, op->domid);

	/* DOMID_SELF is no domain's number and is refused like any unknown number. */
	if (op->order || op->flags || !d)
		return -EINVAL;
	if (op->caller)
		return -EPERM;
	bl_sim_touch(s);
	return bl_sim_claim_of(s, d, op->pages);
}

void bl_sim_pool_hold(struct bl_sim *s, uint64_t pages)
{
	s->outstanding = s->outstanding - s->w->pool + pages;
	s->w->pool = pages;
}

int bl_sim_pool_set(struct bl_sim *s, bl_pages pages)
{
	if (bl_sim_sat(pages.n, s->w->pool) > bl_sim_unclaimed(s))
		return -ENOMEM;
	bl_sim_touch(s);
	bl_sim_pool_hold(s, pages.n);
	return 0;
}

int bl_sim_pool_move(struct bl_sim *s, uint32_t domid, bl_pages pages)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (!d || d->phase == BL_SIM_DYING)
		return -ESRCH;
	if (pages.n > s->w->pool)
		return -ENOENT;
	if (pages.n > bl_sim_sat(d->max_pages, bl_sim_tot(s, d) + d->outstanding))
		return -ERANGE;
	bl_sim_touch(s);
	bl_sim_begin(s, d);
	bl_sim_pool_hold(s, s->w->pool - pages.n);
	set_outstanding(s, d, d->outstanding + pages.n);
	bl_sim_commit(s);
	return 0;
}

static uint64_t next_domid(struct bl_sim *s)
{
	uint64_t id = s->w->next_domid;

	while (id >= BL_SIM_DOMID_FIRST_RESERVED || bl_sim_find(s, (uint32_t)id))
		id = id + 1 < BL_SIM_DOMID_FIRST_RESERVED ? id + 1 : 1;
	s->w->next_domid = id + 1;
	return id;
}

void bl_sim_make(struct bl_sim *s, struct bl_sim_dom *d, uint64_t overhead)
{
	uint64_t domid = next_domid(s);

	assert(!bl_sim_exists(d) && overhead <= bl_sim_unclaimed(s));
	bl_sim_begin(s, d);
	d->domid = domid;
	d->phase = BL_SIM_EMPTY;
	assign(s, d, d->overhead, overhead);
	bl_sim_commit(s);
	s->slot_of[domid] = (uint16_t)(bl_sim_slot(s, d) + 1);
	if (domid > s->top_domid)
		s->top_domid = (uint32_t)domid;
	s->seen[bl_sim_slot(s, d)] = (struct bl_sim_seen){ 0 };
	s->changes++;
}

int bl_sim_domain_create(struct bl_sim *s, const bl_uuid *handle, uint32_t *ret_domid)
{
	struct bl_sim_dom *d;

	if (bl_sim_unclaimed(s) < BL_SIM_EMPTY_PAGES)
		return -ENOMEM;
	d = bl_sim_new_slot(s->w);
	if (!d)
		return -ENOSPC;
	bl_sim_touch(s);
	bl_sim_begin(s, d);
	d->uuid = *handle;
	bl_sim_make(s, d, BL_SIM_EMPTY_PAGES);
	bl_sim_commit(s);
	*ret_domid = (uint32_t)d->domid;
	return 0;
}

bool bl_sim_reap(struct bl_sim *s, struct bl_sim_dom *d, uint64_t n)
{
	bl_sim_give(s, d, bl_sim_least(n, bl_sim_sat(bl_sim_tot(s, d), d->keeps)));
	if (bl_sim_tot(s, d))
		return true;
	s->slot_of[d->domid] = 0;
	for (size_t i = 0; i < s->w->n_nodes; i++) {
		s->node_free[i] += d->overhead[i];
		s->free += d->overhead[i];
	}
	bl_sim_begin(s, d);
	if (d->reboots)
		bl_sim_start_again(s, d);
	else
		d->phase = BL_SIM_FREE;
	bl_sim_commit(s);
	s->changes++;
	return false;
}

int bl_sim_kill(struct bl_sim *s, struct bl_sim_dom *d)
{
	if (!d->domid)
		return -EINVAL;
	if (d->phase == BL_SIM_DYING)
		return -EBUSY;
	bl_sim_touch(s);
	bl_sim_begin(s, d);
	d->phase = BL_SIM_DYING;
	set_outstanding(s, d, 0);
	bl_sim_commit(s);
	s->changes++;
	bl_sim_reap(s, d, 0); /* a domain without memory is gone at once */
	return 0;
}

int bl_sim_domain_destroy(struct bl_sim *s, uint32_t domid)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	return d ? bl_sim_kill(s, d) : -ESRCH;
}

int bl_sim_setmaxmem(struct bl_sim *s, uint32_t domid, bl_pages pages)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (!d)
		return -ESRCH;
	if (d->max_pages != pages.n)
		bl_sim_touch(s);
	d->max_pages = pages.n;
	return 0;
}

uint64_t bl_sim_populate(struct bl_sim *s, uint32_t domid, uint64_t pages)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (!d || d->phase == BL_SIM_DYING)
		return 0;
	bl_sim_touch(s);
	return bl_sim_take(s, d, pages);
}

uint64_t bl_sim_depopulate(struct bl_sim *s, uint32_t domid, uint64_t pages)
{
	struct bl_sim_dom *d = bl_sim_find(s, domid);

	if (!d)
		return 0;
	bl_sim_touch(s);
	return bl_sim_give(s, d, pages);
}

uint64_t bl_sim_offline(struct bl_sim *s, unsigned node, uint64_t pages)
{
	uint64_t n;

	if (node >= s->w->n_nodes)
		return 0;
	n = bl_sim_least(pages, s->node_free[node]);
	bl_sim_touch(s);
	s->w->node_total[node] -= n;
	s->node_free[node] -= n;
	s->free -= n;
	s->total -= n;
	return n;
}
