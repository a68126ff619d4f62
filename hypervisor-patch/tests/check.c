// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

struct check check;

static const char *const promises[PROMISES] = {
	[ANSWERS] = "every call and every allocation is answered by the rules",
	[STATE] = "claims and memory are what the rules make of them",
	[SUMS] = "the sums are those of the claims, and nothing wraps",
	[KEPT] = "nothing but a lost page makes claims not fit in the memory",
	[PAGE] = "a claimant gets a page while claims fit",
	[SHRINKS] = "a claim that does not grow, on its node or on none, is not refused",
	[MOVES] = "a move changes no sum",
	[FREES] = "to free pages changes no claim",
	[QUERIES] = "a query tells of each claim once, and of their sum",
	[VIRQ] = "whenever less is unclaimed, the threshold is looked at",
	[UNBROKEN] = "locks are taken in order and given back, no assertion fails",
	[SEEN] = "every answer there is was seen",
};

static const char *const ops[OPS] = {
	"claim_pages", "query", "set", "move", "bad call", "allocate", "assign"
};
#define ANSWER_MAX 128
static uint64_t answers[OPS][ANSWER_MAX];

static void tell(int failed)
{
	for (int i = 0; i < PROMISES; i++)
		printf("%sok %d - %s\n", i == failed ? "not " : "", i + 1, promises[i]);
}

void check_that(enum promise promise, bool holds, const char *what)
{
	if (holds)
		return;
	printf("# %s\n# operation %" PRIu64 "; each is said with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n",
	       what, check.ops, check.seed, check.world);
	tell((int)promise);
	exit(1);
}

void check_passed(void)
{
	tell(-1);
}

void xen_broken(const char *what, const char *where)
{
	printf("# in %s:\n", where);
	check_that(UNBROKEN, false, what);
	abort();
}

void check_before(const struct rules *now)
{
	check.ops++;
	check.before = *now;
	check.seen_before = check.seen;
	xen_virq_looked_at();
}

static void sums(const struct xen_view *v)
{
	uint64_t all = v->pool[XEN_NODES], free = 0;

	for (int node = 0; node < XEN_NODES; node++) {
		uint64_t there = v->pool[node];

		for (int id = 0; id < XEN_DOMAINS; id++)
			there += v->dom[id].node == node ? v->dom[id].claim : 0;
		check_that(SUMS, there == v->node_claims[node], "the sum of a node");
		check_that(SUMS, there <= check.installed, "more is claimed of a node than there ever was");
		check_that(SUMS, v->node_free[node] <= check.installed,
			   "more is free on a node than there ever was");
		all += v->pool[node];
		free += v->node_free[node];
	}
	for (int id = 0; id < XEN_DOMAINS; id++)
		all += v->dom[id].claim;
	check_that(SUMS, all == v->outstanding, "the sum of all claims");
	check_that(SUMS, all <= check.installed, "more is claimed than there ever was");
	check_that(SUMS, free == v->free, "the free pages of all nodes");
}

static void state(const struct rules *now, const struct xen_view *v)
{
	for (int node = 0; node < XEN_NODES; node++)
		check_that(STATE, v->node_free[node] == now->free[node], "the free pages of a node");
	check_that(STATE, !memcmp(v->pool, now->pool, sizeof(now->pool)), "the claims of the pool");
	for (int id = 0; id < XEN_DOMAINS; id++) {
		const struct rules_dom *d = &now->dom[id];

		check_that(STATE, v->dom[id].tot == d->tot, "the pages of a domain");
		check_that(STATE, v->dom[id].claim == d->claim, "the claim of a domain");
		check_that(STATE, !d->claim || v->dom[id].node == d->node, "the node of a claim");
	}
}

static void kept(const struct rules *now)
{
	check_that(KEPT, !rules_fit(&check.before) || rules_fit(now), "in all");
	for (int node = 0; node < XEN_NODES; node++)
		check_that(KEPT, !rules_fit_on(&check.before, node) || rules_fit_on(now, node), "on a node");
}

void check_after(const struct rules *now, bool lost)
{
	uint64_t free, outstanding, looked_at = xen_virq_looked_at();

	xen_at_rest();
	xen_look(&check.seen);
	sums(&check.seen);
	state(now, &check.seen);
	if (!lost) {
		kept(now);
		check_that(VIRQ,
			   rules_spare(now) >= rules_spare(&check.before) || looked_at == rules_spare(now),
			   "nobody looked after the last change");
	}
	xen_physinfo(&free, &outstanding);
	check_that(SUMS, free == rules_free(now) && outstanding == rules_claims(now),
		   "what physinfo is told");
}

void check_seen(enum op op, long answer)
{
	check_that(ANSWERS, answer <= 0 && answer > -ANSWER_MAX, "neither 0 nor an error");
	answers[op][-answer]++;
}

void check_all_seen(void)
{
	static const struct {
		enum op op;
		int answers[8];
	} wanted[] = {
		{ OP_PAGES, { EINVAL, ENOMEM } },
		{ OP_QUERY, { EINVAL, EPERM, ERANGE, EFAULT } },
		{ OP_SET, { EINVAL, EPERM, ESRCH, ERANGE, ENOMEM } },
		{ OP_MOVE, { EINVAL, EPERM, ESRCH, ERANGE, ENOENT } },
		{ OP_BAD, { EINVAL, EOPNOTSUPP, EFAULT } },
		{ OP_TAKE, { ENOMEM } },
		{ OP_ASSIGN, { EINVAL } },
	};

	for (int op = 0; op < OPS; op++) {
		printf("# %s:", ops[op]);
		for (int e = 0; e < ANSWER_MAX; e++)
			if (answers[op][e])
				printf(" %s %" PRIu64, e ? strerrorname_np(e) : "done", answers[op][e]);
		printf("\n");
	}
	for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		check_that(SEEN, wanted[i].op == OP_BAD || answers[wanted[i].op][0], ops[wanted[i].op]);
		for (const int *e = wanted[i].answers; *e; e++)
			check_that(SEEN, answers[wanted[i].op][*e], ops[wanted[i].op]);
	}
}
