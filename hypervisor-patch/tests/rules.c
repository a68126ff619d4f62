// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>

#include "rules.h"

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t rules_free(const struct rules *r)
{
	uint64_t sum = 0;

	for (int node = 0; node < XEN_NODES; node++)
		sum += r->free[node];
	return sum;
}

uint64_t rules_claims(const struct rules *r)
{
	uint64_t sum = 0;

	for (int i = 0; i <= XEN_NODES; i++)
		sum += r->pool[i];
	for (int id = 0; id < XEN_DOMAINS; id++)
		sum += r->dom[id].claim;
	return sum;
}

uint64_t rules_claims_on(const struct rules *r, int node)
{
	uint64_t sum = r->pool[node];

	for (int id = 0; id < XEN_DOMAINS; id++)
		sum += r->dom[id].node == node ? r->dom[id].claim : 0;
	return sum;
}

uint64_t rules_spare(const struct rules *r)
{
	return less(rules_free(r), rules_claims(r));
}

uint64_t rules_spare_on(const struct rules *r, int node)
{
	return less(r->free[node], rules_claims_on(r, node));
}

bool rules_fit(const struct rules *r)
{
	return rules_claims(r) <= rules_free(r);
}

bool rules_fit_on(const struct rules *r, int node)
{
	return rules_claims_on(r, node) <= r->free[node];
}

unsigned int rules_entries(const struct rules *r)
{
	unsigned int n = 0;

	for (int i = 0; i <= XEN_NODES; i++)
		n += r->pool[i] != 0;
	for (int id = 0; id < XEN_DOMAINS; id++)
		n += r->dom[id].claim != 0;
	return n;
}

static bool names(const struct rules_dom *d, unsigned int node)
{
	return node == XEN_CLAIM_ANY_NODE ? d->node == XEN_NO_NODE : d->node == (int)node;
}

static uint64_t *pool_at(struct rules *r, unsigned int node)
{
	return &r->pool[node == XEN_CLAIM_ANY_NODE ? XEN_NODES : node];
}

uint64_t rules_claim_of(const struct rules *r, unsigned int owner, unsigned int node)
{
	if (node >= XEN_NODES && node != XEN_CLAIM_ANY_NODE)
		return 0;
	if (owner == XEN_CLAIM_POOL)
		return r->pool[node == XEN_CLAIM_ANY_NODE ? XEN_NODES : node];
	if (owner >= XEN_DOMAINS || !names(&r->dom[owner], node))
		return 0;
	return r->dom[owner].claim;
}

static void claim_is(struct rules_dom *d, unsigned int node, uint64_t pages)
{
	d->claim = pages;
	d->node = node == XEN_CLAIM_ANY_NODE ? XEN_NO_NODE : (int)node;
}

int rules_claim_pages(struct rules *r, int id, uint64_t pages)
{
	struct rules_dom *d = &r->dom[id];

	if (pages) {
		if (d->dying || d->claim || pages <= d->tot || pages > d->max)
			return -EINVAL;
		if (pages - d->tot > rules_spare(r))
			return -ENOMEM;
	}
	claim_is(d, XEN_CLAIM_ANY_NODE, less(pages, d->tot));
	return 0;
}

/* ---- XENMEM_claim_ctl ---------------------------------------------------------- */
static long owner_answer(const struct rules *r, unsigned int owner)
{
	if (owner == XEN_CLAIM_POOL)
		return r->denied & XEN_DENIED_POOL ? -EPERM : 0;
	if (owner >= XEN_DOMAINS || !r->dom[owner].exists)
		return -ESRCH;
	return r->denied >> owner & 1 ? -EPERM : 0;
}

/* Room for that much more of a claim that names the node. */
static bool has_room(const struct rules *r, unsigned int node, uint64_t more, uint64_t more_there)
{
	return more <= rules_spare(r) &&
	       (node == XEN_CLAIM_ANY_NODE || more_there <= rules_spare_on(r, (int)node));
}

static long set_domain(struct rules *r, struct rules_dom *d, struct xen_memory_claim_ctl *ctl)
{
	uint64_t want = less(ctl->pages, d->tot);
	bool grows = want > d->claim;
	bool elsewhere = want && ctl->node != XEN_CLAIM_ANY_NODE && !names(d, ctl->node);
	uint64_t there = names(d, ctl->node) ? d->claim : 0;
	long answer = 0;

	if (grows || elsewhere) {
		if (d->dying)
			answer = -ESRCH;
		else if (ctl->pages > d->max)
			answer = -ERANGE;
		else if (!has_room(r, ctl->node, less(want, d->claim), want - there))
			answer = -ENOMEM;
	}
	if (!answer)
		claim_is(d, ctl->node, want);
	ctl->pages = d->claim;
	return answer;
}

static long set(struct rules *r, struct xen_memory_claim_ctl *ctl)
{
	uint64_t *pool;
	long answer;

	if (ctl->source)
		return -EINVAL;
	answer = owner_answer(r, ctl->owner);
	if (answer)
		return answer;
	if (ctl->owner != XEN_CLAIM_POOL)
		return set_domain(r, &r->dom[ctl->owner], ctl);
	pool = pool_at(r, ctl->node);
	if (ctl->pages <= *pool || has_room(r, ctl->node, ctl->pages - *pool, ctl->pages - *pool))
		*pool = ctl->pages;
	else
		answer = -ENOMEM;
	ctl->pages = *pool;
	return answer;
}

static void move_it(struct rules *r, const struct xen_memory_claim_ctl *ctl)
{
	if (ctl->source == XEN_CLAIM_POOL)
		*pool_at(r, ctl->node) -= ctl->pages;
	else
		r->dom[ctl->source].claim -= ctl->pages;
	if (ctl->owner == XEN_CLAIM_POOL)
		*pool_at(r, ctl->node) += ctl->pages;
	else
		claim_is(&r->dom[ctl->owner], ctl->node, r->dom[ctl->owner].claim + ctl->pages);
}

static long move(struct rules *r, struct xen_memory_claim_ctl *ctl)
{
	const struct rules_dom *to = ctl->owner < XEN_DOMAINS ? &r->dom[ctl->owner] : NULL;
	long answer;

	if (ctl->source == ctl->owner)
		return -EINVAL;
	answer = owner_answer(r, ctl->source);
	if (!answer)
		answer = owner_answer(r, ctl->owner);
	if (answer)
		return answer;
	if (to && to->dying)
		answer = -ESRCH;
	else if (ctl->pages > rules_claim_of(r, ctl->source, ctl->node))
		answer = -ENOENT;
	else if (to && to->claim && !names(to, ctl->node))
		answer = -EINVAL;
	else if (to && to->tot + to->claim + ctl->pages > to->max)
		answer = -ERANGE;
	else if (ctl->pages)
		move_it(r, ctl);
	ctl->pages = to ? to->claim : *pool_at(r, ctl->node);
	return answer;
}

static long query(const struct rules *r, struct xen_memory_claim_ctl *ctl)
{
	unsigned int room = ctl->nr_entries < XEN_CLAIM_MAX_ENTRIES ? ctl->nr_entries
								    : XEN_CLAIM_MAX_ENTRIES;
	unsigned int n = rules_entries(r);

	if (ctl->owner || ctl->source || ctl->pages || ctl->node != XEN_CLAIM_ANY_NODE)
		return -EINVAL;
	if (r->denied & XEN_DENIED_POOL)
		return -EPERM;
	ctl->nr_entries = n;
	ctl->free_pages = rules_free(r);
	ctl->outstanding_pages = rules_claims(r);
	if (room && n > room)
		return -ERANGE;
	return room && n && ctl->entries == (uintptr_t)XEN_BAD_ADDRESS ? -EFAULT : 0;
}

long rules_claim_ctl(struct rules *r, struct xen_memory_claim_ctl *ctl)
{
	if (ctl->version != XEN_CLAIM_VERSION) {
		ctl->version = XEN_CLAIM_VERSION;
		return -EOPNOTSUPP;
	}
	if (ctl->pad || ctl->pad2)
		return -EINVAL;
	if (ctl->op == XEN_CLAIM_OP_query)
		return query(r, ctl);
	if (ctl->op != XEN_CLAIM_OP_set && ctl->op != XEN_CLAIM_OP_move)
		return -EOPNOTSUPP;
	if (ctl->entries || ctl->nr_entries)
		return -EINVAL;
	if (ctl->node != XEN_CLAIM_ANY_NODE && (ctl->node >= XEN_NODES || !(r->online >> ctl->node & 1)))
		return -ERANGE;
	return ctl->op == XEN_CLAIM_OP_set ? set(r, ctl) : move(r, ctl);
}

/* ---- allocations --------------------------------------------------------------- */
static uint64_t covered(const struct rules *r, int id, int node, uint64_t pages, bool counted)
{
	if (id == XEN_NOBODY || !counted || (r->dom[id].node != XEN_NO_NODE && r->dom[id].node != node))
		return 0;
	return r->dom[id].claim < pages ? r->dom[id].claim : pages;
}

/* What others have claimed stays: so many pages in all, so many of the node. */
bool rules_may_take(const struct rules *r, int id, int node, uint64_t pages, bool counted)
{
	uint64_t by_claim = covered(r, id, node, pages, counted);
	uint64_t there = by_claim && r->dom[id].node == node ? by_claim : 0;

	return !rules_claims(r) ||
	       (pages - by_claim <= rules_spare(r) && pages - there <= rules_spare_on(r, node));
}

void rules_taken(struct rules *r, int id, int node, uint64_t pages, bool counted)
{
	if (id != XEN_NOBODY)
		r->dom[id].claim -= covered(r, id, node, pages, counted);
	r->free[node] -= pages;
}
