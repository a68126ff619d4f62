// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"

#define WORLDS 3000
#define OPERATIONS 1200

struct model model;

static unsigned int some_max(void)
{
	return rnd_one_in(&model.rnd, 3) ? UINT32_MAX
					 : (unsigned int)rnd_below(&model.rnd, 2 * XEN_NODE_PAGES);
}

static void create(int id)
{
	check_before(&model.now);
	do
		model.affinity[id] = (unsigned int)rnd_below(&model.rnd, 1u << XEN_NODES);
	while (!(model.affinity[id] & model.now.online));
	model.gave_up[id] = false;
	model.now.dom[id] = (struct rules_dom){ .exists = true, .max = some_max() };
	xen_create(id, model.affinity[id], (unsigned int)model.now.dom[id].max);
	say("create d%d max %" PRIu64 " nodes %#x\n", id, model.now.dom[id].max, model.affinity[id]);
	check_after(&model.now, false);
}

/* One step of its death. */
static void die(int id)
{
	check_before(&model.now);
	if (!model.now.dom[id].dying) {
		say("d%d begins to die\n", id);
		model.now.dom[id].dying = true;
		xen_kill_begins(id);
	} else if (!model.gave_up[id]) {
		say("d%d gives up its claim\n", id);
		model.gave_up[id] = true;
		model.now.dom[id].claim = 0;
		xen_kill_gives_up(id);
	} else {
		for (unsigned int i = model.n_held; i-- > 0;)
			if (model.held[i].id == id)
				memory_free(i);
		say("d%d is gone\n", id);
		check_that(STATE, !model.now.dom[id].claim && !check.seen.dom[id].claim,
			   "a claim outlives its domain");
		model.now.dom[id].exists = false;
		xen_destroy(id);
	}
	check_after(&model.now, false);
}

static void limit(int id)
{
	if (!model.now.dom[id].exists)
		return;
	model.now.dom[id].max = some_max();
	xen_set_max(id, (unsigned int)model.now.dom[id].max);
	say("d%d max %" PRIu64 "\n", id, model.now.dom[id].max);
}

static void live_or_die(void)
{
	int id = some_domain();

	if (!model.now.dom[id].exists)
		create(id);
	else if (model.now.dom[id].dying || rnd_one_in(&model.rnd, 12))
		die(id);
}

/* ---- worlds -------------------------------------------------------------------- */
static void begin(void)
{
	unsigned int pages[XEN_NODES];
	int cpu_node;

	memset(&model.now, 0, sizeof(model.now));
	memset(model.going, 0, sizeof(model.going));
	check.installed = 0;
	model.now.online = (unsigned int)rnd_in(&model.rnd, 1, (1u << XEN_NODES) - 1);
	for (int node = 0; node < XEN_NODES; node++) {
		pages[node] = rnd_one_in(&model.rnd, 8) || !(model.now.online >> node & 1)
				      ? 0
				      : (unsigned int)rnd_in(&model.rnd, 1,
							     XEN_NODE_PAGES >> rnd_below(&model.rnd, 4));
		model.now.free[node] = pages[node];
		check.installed += pages[node];
	}
	do
		cpu_node = (int)rnd_below(&model.rnd, XEN_NODES);
	while (!(model.now.online >> cpu_node & 1));
	xen_boot(pages, model.now.online, cpu_node);
	say("nodes %#x with %u %u %u %u pages\n", model.now.online, pages[0], pages[1], pages[2], pages[3]);
}

static void step(void)
{
	uint64_t what = rnd_below(&model.rnd, 64);

	xen_denied = rnd_one_in(&model.rnd, 16) ? (unsigned int)rnd_below(&model.rnd, XEN_DENIED_POOL * 2)
						: 0;
	model.now.denied = xen_denied;
	if (what < 22)
		memory_take();
	else if (what < 36 && model.n_held)
		memory_free((unsigned int)rnd_below(&model.rnd, model.n_held));
	else if (what < 44)
		call_set();
	else if (what < 51)
		call_move();
	else if (what < 54)
		call_pages();
	else if (what < 57)
		call_query();
	else if (what < 58)
		call_bad();
	else if (what < 59)
		limit(some_domain());
	else if (what < 60 && rnd_one_in(&model.rnd, 2))
		memory_offline();
	else
		live_or_die();
}

/* Everybody goes, and nothing is left. */
static void end(void)
{
	model.now.denied = xen_denied = 0;
	for (int id = 0; id < XEN_DOMAINS; id++)
		while (model.now.dom[id].exists)
			die(id);
	for (int node = 0; node <= XEN_NODES; node++) {
		struct xen_memory_claim_ctl ctl = { .version = XEN_CLAIM_VERSION,
						    .op = XEN_CLAIM_OP_set,
						    .owner = XEN_CLAIM_POOL,
						    .node = node < XEN_NODES ? (uint16_t)node
									     : XEN_CLAIM_ANY_NODE };

		if (node == XEN_NODES || (model.now.online >> node & 1))
			call_ctl(&ctl, OP_SET);
	}
	while (model.n_held)
		memory_free(model.n_held - 1);
	check_that(SUMS, !check.seen.outstanding, "claims are left when all owners are gone");
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, WORLDS);
	struct timespec from, to;
	double s;

	printf("1..%d\n# seed %" PRIu64 ", %" PRIu64 " worlds\n", PROMISES, run.seed, run.to - run.from);
	clock_gettime(CLOCK_MONOTONIC, &from);
	check.seed = run.seed;
	check.say = run.replay;
	for (check.world = run.from; check.world < run.to; check.world++) {
		model.rnd = rnd_of_world(run.seed, check.world);
		begin();
		for (int i = 0; i < OPERATIONS; i++)
			step();
		end();
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	s = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("# %" PRIu64 " operations in %.1f s, %.0f a second\n", check.ops, s, (double)check.ops / s);
	if (run.to - run.from >= WORLDS)
		check_all_seen();
	check_passed();
	return 0;
}
