// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "model.h"

/* Back to the heap, but for pages that go. */
static bool freed(const struct xen_extent *e)
{
	bool lost = false;

	for (unsigned int p = e->start; p < e->start + (1u << e->order); p++) {
		lost |= model.going[e->node][p];
		model.now.free[e->node] += !model.going[e->node][p];
		model.going[e->node][p] = false;
	}
	return lost;
}

/* Out of the nodes where it may be met, by which is asked for first. */
static bool right_node(unsigned int may, int id, int node, bool counted, int got)
{
	const struct rules_dom *d = id == XEN_NOBODY ? NULL : &model.now.dom[id];

	if (!(may >> got & 1))
		return false;
	if (node != XEN_NO_NODE && (may >> node & 1))
		return got == node;
	if (node == XEN_NO_NODE && d && counted && d->claim && d->node != XEN_NO_NODE &&
	    (may >> d->node & 1))
		return got == d->node;
	return !d || !(may & model.affinity[id]) || (model.affinity[id] >> got & 1);
}

/* It claimed a page, and asks for one where the claim is good for it. */
static bool is_due(int id, int order, bool counted, int node, bool exact)
{
	const struct rules_dom *d = id == XEN_NOBODY ? NULL : &model.now.dom[id];

	if (!d || !d->claim || order || !counted || !rules_fit(&model.now))
		return false;
	if (exact && d->node != node)
		return false;
	return d->node == XEN_NO_NODE || rules_fit_on(&model.now, d->node);
}

static void assign(int id, const struct xen_extent *e, unsigned int flags)
{
	struct rules_dom *d = &model.now.dom[id];
	uint64_t pages = UINT64_C(1) << e->order;
	bool counted = !(flags & XEN_MEMF_no_refcount), lost = false;
	bool refused = d->dying || (counted && d->tot + pages > d->max), got;

	check_before(&model.now);
	if (refused)
		lost = freed(e);
	else
		d->tot += counted ? pages : 0;
	got = xen_assign(id, e, flags);
	check_that(ANSWERS, got == !refused, "the assignment");
	check_after(&model.now, lost);
	check_seen(OP_ASSIGN, got ? 0 : -EINVAL);
	if (got)
		model.held[model.n_held++] = (struct held){ *e, id, !counted };
}

void memory_take(void)
{
	int id = rnd_one_in(&model.rnd, 8) ? XEN_NOBODY : some_domain(), node = XEN_NO_NODE;
	int order = rnd_one_in(&model.rnd, 2) ? 0 : (int)rnd_below(&model.rnd, XEN_ORDER_MAX + 1);
	unsigned int flags = rnd_one_in(&model.rnd, 8) ? (unsigned int)rnd_in(&model.rnd, 1, 3) : 0, may = 0;
	bool counted = !flags, exact, due, got;
	struct xen_extent e = { 0 };

	if (id != XEN_NOBODY && !model.now.dom[id].exists)
		return;
	if (rnd_one_in(&model.rnd, 2))
		node = (int)rnd_below(&model.rnd, XEN_NODES);
	exact = node != XEN_NO_NODE && rnd_one_in(&model.rnd, 2);
	flags |= exact ? XEN_MEMF_exact_node : 0;
	for (int n = 0; n < XEN_NODES; n++)
		if ((!exact || n == node) && xen_has_extent(n, order) &&
		    rules_may_take(&model.now, id, n, UINT64_C(1) << order, counted))
			may |= 1u << n;
	due = is_due(id, order, counted, node, exact);
	check_before(&model.now);
	got = xen_take(id, order, flags, node, &e);
	say("take d%d order %d flags %u node %d: %d on %d, may be of %#x%s\n", id, order, flags, node, got,
	    e.node, may, due ? ", is due" : "");
	check_that(PAGE, got || !due, "an allocation of a page");
	check_that(ANSWERS, got == !!may, "an allocation");
	check_that(ANSWERS, !got || right_node(may, id, node, counted, e.node), "the node of an allocation");
	if (got)
		rules_taken(&model.now, id, e.node, UINT64_C(1) << order, counted);
	check_after(&model.now, false);
	check_seen(OP_TAKE, got ? 0 : -ENOMEM);
	if (!got)
		return;
	if (id == XEN_NOBODY || (flags & XEN_MEMF_no_owner))
		model.held[model.n_held++] = (struct held){ e, XEN_NOBODY, false };
	else
		assign(id, &e, flags);
}

void memory_free(unsigned int i)
{
	struct held h = model.held[i];
	bool lost;

	model.held[i] = model.held[--model.n_held];
	check_before(&model.now);
	say("free d%d order %d of node %d\n", h.id, h.e.order, h.e.node);
	if (h.id != XEN_NOBODY && !h.extra)
		model.now.dom[h.id].tot -= UINT64_C(1) << h.e.order;
	lost = freed(&h.e);
	xen_free(h.id, &h.e, h.extra);
	check_after(&model.now, lost);
	check_that(FREES, check.seen.outstanding == check.seen_before.outstanding, "in all");
	for (int id = 0; id < XEN_DOMAINS; id++)
		check_that(FREES, check.seen.dom[id].claim == check.seen_before.dom[id].claim,
			   "of a domain");
}

void memory_offline(void)
{
	int node = (int)rnd_below(&model.rnd, XEN_NODES);
	unsigned int page = (unsigned int)rnd_below(&model.rnd, XEN_NODE_PAGES);
	bool free;

	if (model.n_held && rnd_one_in(&model.rnd, 2)) {
		const struct xen_extent *e = &model.held[rnd_below(&model.rnd, model.n_held)].e;

		node = e->node;
		page = e->start + (unsigned int)rnd_below(&model.rnd, 1u << e->order);
	} else if (!xen_page_is_free(node, page)) {
		return;
	}
	check_before(&model.now);
	say("offline page %u of node %d\n", page, node);
	free = xen_page_is_free(node, page);
	model.now.free[node] -= free;
	model.going[node][page] = !free;
	xen_offline(node, page);
	check_after(&model.now, true);
}
