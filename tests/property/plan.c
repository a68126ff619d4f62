/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every rule that a single plan can break, over random worlds. A world that
 * breaks one is made small and shown. */
#include <inttypes.h>

#include "tests/property/rules.h"

/* NULL: kept. Prints the world when asked to. */
static const char *try(const struct rule *rule, const struct run *run, uint64_t number,
		       struct world_drop drop, bool print)
{
	struct world w;
	struct bl_plan plan = { 0 };
	struct bl_plan_in in;
	const char *why;

	world_make(&w, run->seed, number, drop);
	in = world_in(&w);
	why = bl_plan_make(&plan, &in) ? "no plan" : rule->broken(&w, &plan);
	if (print)
		world_print(&w, &plan);
	bl_plan_free(&plan);
	world_free(&w);
	return why;
}

static void shrink(const struct rule *rule, const struct run *run, uint64_t number)
{
	struct world_drop drop = { 0 };
	const char *why;

	for (unsigned i = 0; i < WORLD_DOMS; i++) {
		drop.doms |= UINT64_C(1) << i;
		if (!try(rule, run, number, drop, false))
			drop.doms &= ~(UINT64_C(1) << i);
	}
	for (unsigned i = 0; i < WORLD_CLAIMS; i++) {
		drop.claims |= UINT64_C(1) << i;
		if (!try(rule, run, number, drop, false))
			drop.claims &= ~(UINT64_C(1) << i);
	}
	why = try(rule, run, number, drop, true);
	printf("# %s\n# replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", why, run->seed, number);
}

static void check_all(const struct run *run, bool *ok)
{
	struct bl_plan plan = { 0 };

	for (uint64_t n = run->from; n < run->to; n++) {
		struct world w;
		struct bl_plan_in in;

		world_make(&w, run->seed, n, (struct world_drop){ 0 });
		in = world_in(&w);
		if (bl_plan_make(&plan, &in))
			abort();
		for (size_t i = 0; i < n_rules; i++)
			if (ok[i] && rules[i].broken(&w, &plan)) {
				ok[i] = false;
				printf("# ---- %s\n", rules[i].name);
				shrink(&rules[i], run, n);
			}
		if (run->replay)
			world_print(&w, &plan);
		world_free(&w);
	}
	bl_plan_free(&plan);
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, 100000);
	bool ok[16];
	int status = 0;

	printf("1..%zu\n# seed %" PRIu64 ", %" PRIu64 " worlds\n", n_rules, run.seed, run.to - run.from);
	for (size_t i = 0; i < n_rules; i++)
		ok[i] = true;
	check_all(&run, ok);
	for (size_t i = 0; i < n_rules; i++) {
		printf("%sok %zu - rule %s\n", ok[i] ? "" : "not ", i + 1, rules[i].name);
		status |= !ok[i];
	}
	return status;
}
