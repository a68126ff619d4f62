// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "model.h"

/* An id that a caller may name: mostly of a domain. */
static domid_t some_owner(void)
{
	switch (rnd_below(&model.rnd, 8)) {
	case 0:
	case 1:
	case 2:
		return XEN_CLAIM_POOL;
	case 3:
		return rnd_one_in(&model.rnd, 8) ? DOMID_SELF : (domid_t)some_domain();
	default:
		return (domid_t)some_domain();
	}
}

static uint16_t some_node(void)
{
	if (rnd_one_in(&model.rnd, 3))
		return XEN_CLAIM_ANY_NODE;
	if (rnd_one_in(&model.rnd, 32))
		return (uint16_t)rnd_in(&model.rnd, XEN_NODES, 0xfffe);
	return (uint16_t)rnd_below(&model.rnd, XEN_NODES);
}

/* Sizes around all that the rules compare with. */
static uint64_t some_pages(unsigned int owner, unsigned int node)
{
	const struct rules_dom *d = owner < XEN_DOMAINS ? &model.now.dom[owner] : NULL;
	uint64_t claim = d ? d->claim : rules_claim_of(&model.now, owner, node), base = d ? d->tot : 0;
	uint64_t spare = rules_spare(&model.now);

	if (node < XEN_NODES && rnd_one_in(&model.rnd, 2))
		spare = rules_spare_on(&model.now, (int)node);
	switch (rnd_below(&model.rnd, 12)) {
	case 0:
		return 0;
	case 1:
		return rnd_below(&model.rnd, 2 * XEN_NODE_PAGES);
	case 2:
		return rnd_one_in(&model.rnd, 2) ? UINT64_MAX : UINT64_C(1) << rnd_in(&model.rnd, 31, 63);
	case 3:
		return base + claim + spare + 1;
	case 4:
		return base + claim + spare;
	case 5:
		return base + claim + 1;
	case 6:
		return base + claim;
	case 7:
		return base + (claim ? rnd_below(&model.rnd, claim) : 0);
	case 8:
		return d ? d->max : claim;
	case 9:
		return d ? d->max + 1 : claim + 2;
	default:
		return base + claim + rnd_below(&model.rnd, spare / 2 + 2);
	}
}

void call_pages(void)
{
	int id = some_domain(), want, got;
	uint64_t pages = some_pages((unsigned int)id, XEN_CLAIM_ANY_NODE);

	if (!model.now.dom[id].exists)
		return;
	check_before(&model.now);
	want = rules_claim_pages(&model.now, id, pages);
	got = xen_claim_pages(id, pages);
	say("claim_pages d%d %" PRIu64 ": %d, by the rules %d\n", id, pages, got, want);
	check_that(ANSWERS, got == want, "XENMEM_claim_pages");
	check_after(&model.now, false);
	check_seen(OP_PAGES, got);
}

static void same_answer(const struct xen_memory_claim_ctl *ctl, long got,
			const struct xen_memory_claim_ctl *asked,
			const struct xen_memory_claim_ctl *by_rules, long want)
{
	say("op %" PRIu32 " owner %u source %u node %u pages %" PRIu64 ": %ld, by the rules %ld; %" PRIu64
	    ", by the rules %" PRIu64 "\n",
	    asked->op, asked->owner, asked->source, asked->node, asked->pages, got, want, ctl->pages,
	    by_rules->pages);
	check_that(ANSWERS, got == want, "XENMEM_claim_ctl");
	check_that(ANSWERS, !memcmp(ctl, by_rules, sizeof(*ctl)), "what XENMEM_claim_ctl gives back");
}

/* A claim that must be set whatever else is the case. */
static bool sure(const struct xen_memory_claim_ctl *ctl)
{
	const struct rules_dom *d = &check.before.dom[ctl->owner % XEN_DOMAINS];
	bool any = ctl->node == XEN_CLAIM_ANY_NODE;

	if (ctl->source || check.before.denied)
		return false;
	if (!any && (ctl->node >= XEN_NODES || !(check.before.online >> ctl->node & 1)))
		return false;
	if (ctl->owner == XEN_CLAIM_POOL)
		return ctl->pages <= rules_claim_of(&check.before, ctl->owner, ctl->node);
	return ctl->owner < XEN_DOMAINS && d->exists && ctl->pages <= d->tot + d->claim &&
	       (any || ctl->node == d->node || !d->claim);
}

void call_ctl(struct xen_memory_claim_ctl *ctl, enum op op)
{
	struct xen_memory_claim_ctl asked = *ctl, by_rules = *ctl;
	long want, got;

	check_before(&model.now);
	want = rules_claim_ctl(&model.now, &by_rules);
	got = xen_claim_ctl(ctl);
	same_answer(ctl, got, &asked, &by_rules, want);
	check_after(&model.now, false);
	check_seen(op, got);
	if (op == OP_SET)
		check_that(SHRINKS, !got || !sure(&asked), "set");
	if (op == OP_MOVE) {
		check_that(MOVES, check.seen.outstanding == check.seen_before.outstanding, "in all");
		check_that(MOVES,
			   !memcmp(check.seen.node_claims, check.seen_before.node_claims,
				   sizeof(check.seen.node_claims)),
			   "of a node");
	}
}

void call_set(void)
{
	struct xen_memory_claim_ctl ctl = {
		.version = XEN_CLAIM_VERSION,
		.op = XEN_CLAIM_OP_set,
		.owner = some_owner(),
		.node = some_node(),
	};

	ctl.pages = some_pages(ctl.owner, ctl.node);
	ctl.source = rnd_one_in(&model.rnd, 128);
	call_ctl(&ctl, OP_SET);
}

void call_move(void)
{
	struct xen_memory_claim_ctl ctl = {
		.version = XEN_CLAIM_VERSION,
		.op = XEN_CLAIM_OP_move,
		.owner = some_owner(),
		.source = some_owner(),
		.node = some_node(),
	};
	uint64_t there = rules_claim_of(&model.now, ctl.source, ctl.node);

	ctl.pages = rnd_one_in(&model.rnd, 4) ? there + rnd_one_in(&model.rnd, 2)
					      : rnd_below(&model.rnd, there + 1);
	if (rnd_one_in(&model.rnd, 32))
		ctl.pages = UINT64_MAX >> rnd_below(&model.rnd, 40);
	call_ctl(&ctl, OP_MOVE);
}

void call_query(void)
{
	struct xen_claim_entry entries[16];
	struct xen_memory_claim_ctl ctl = {
		.version = XEN_CLAIM_VERSION,
		.op = XEN_CLAIM_OP_query,
		.node = XEN_CLAIM_ANY_NODE,
		.entries = (uintptr_t)entries,
		.nr_entries = 16,
	};
	uint64_t sum = 0;
	long got;

	if (rnd_one_in(&model.rnd, 2))
		ctl.nr_entries = (uint32_t)rnd_below(&model.rnd, 17);
	if (rnd_one_in(&model.rnd, 16))
		ctl.entries = (uintptr_t)XEN_BAD_ADDRESS;
	if (rnd_one_in(&model.rnd, 16))
		*(rnd_one_in(&model.rnd, 2) ? &ctl.owner : &ctl.source) = (domid_t)some_domain();
	if (rnd_one_in(&model.rnd, 32))
		ctl.node = some_node();
	memset(entries, 0x5a, sizeof(entries));
	uint32_t room = ctl.nr_entries;
	call_ctl(&ctl, OP_QUERY);
	got = ctl.nr_entries;
	if (!room || ctl.entries == (uintptr_t)XEN_BAD_ADDRESS || entries[0].pad == 0x5a5a5a5a)
		return; /* nothing was written */
	for (long i = 0; i < got; i++) {
		check_that(QUERIES,
			   entries[i].pages && !entries[i].pad &&
				   entries[i].pages ==
					   rules_claim_of(&model.now, entries[i].owner, entries[i].node),
			   "an entry");
		for (long j = 0; j < i; j++)
			check_that(QUERIES,
				   entries[i].owner != entries[j].owner ||
					   entries[i].node != entries[j].node,
				   "an entry twice");
		sum += entries[i].pages;
	}
	check_that(QUERIES, (uint32_t)got <= room, "more than there is room for");
	check_that(QUERIES, sum == ctl.outstanding_pages && sum == rules_claims(&model.now), "the sum");
}

/* Whatever may be wrong before an operation begins. */
void call_bad(void)
{
	struct xen_memory_claim_ctl ctl = { .version = XEN_CLAIM_VERSION,
					    .op = (uint32_t)rnd_below(&model.rnd, 3),
					    .node = XEN_CLAIM_ANY_NODE };

	switch (rnd_below(&model.rnd, 5)) {
	case 0:
		check_seen(OP_BAD, xen_claim_ctl(NULL));
		return;
	case 1:
		ctl.version = (uint32_t)rnd_below(&model.rnd, 2) * 2;
		break;
	case 2:
		ctl.op = 3 + (uint32_t)rnd_below(&model.rnd, 1000);
		break;
	case 3:
		*(rnd_one_in(&model.rnd, 2) ? &ctl.pad2 : &ctl.nr_entries) = 1;
		ctl.pad = (uint16_t)rnd_below(&model.rnd, 2);
		ctl.op = (uint32_t)rnd_in(&model.rnd, 1, 2);
		break;
	default:
		ctl.entries = 8;
		ctl.op = (uint32_t)rnd_in(&model.rnd, 1, 2);
	}
	call_ctl(&ctl, OP_BAD);
}
