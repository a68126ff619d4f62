/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/verbs.h"

static void show_verdict(const struct bl_json *plan, const char *size)
{
	const char *verdict = cli_text_string(plan, "verdict"), *reason = cli_text_string(plan, "reason");
	char most[CLI_TEXT_STR], left[CLI_TEXT_STR];
	double eta;

	if (!verdict)
		verdict = "?";
	printf("A claim of %s ", size);
	if (!strcmp(verdict, "now"))
		printf("would be held at once");
	else if (!strcmp(verdict, "reclaim"))
		printf("would be held once %s", bl_json_count(bl_json_get(plan, "domains"))
							? "balloons have moved"
							: "pages have come back");
	else if (!strcmp(verdict, "later"))
		printf("would be refused now");
	else if (!strcmp(verdict, "never"))
		printf("can never be held here: %s is the most", cli_text_bytes(plan, "most_bytes", most));
	else
		printf("has the verdict '%s'", verdict);
	if (strcmp(verdict, "now") && cli_text_number(plan, "eta_seconds", &eta))
		printf(", in about %s", cli_text_duration(eta, left));
	printf(".\n");
	if (reason && *reason)
		printf("%s\n", reason);
}

static const char *change(const struct bl_json *domain, char buf[CLI_TEXT_STR])
{
	const struct bl_json *v = bl_json_get(domain, "change_bytes");
	char size[BL_SIZE_STR];
	int64_t n;

	if (!v || bl_json_type(v) != BL_JSON_INT)
		return "-";
	n = bl_json_int(v);
	snprintf(buf, CLI_TEXT_STR, "%s%s", n < 0 ? "-" : "+",
		 bl_size_format(BL_BYTES(n < 0 ? -(uint64_t)n : (uint64_t)n), size));
	return buf;
}

static bool show_moves(const struct cli *c, const struct bl_json *domains)
{
	static const struct cli_column columns[] = {
		{ "ID", CLI_RIGHT },   { "NAME", CLI_CUT },	{ "SIZE", CLI_RIGHT },
		{ "GOAL", CLI_RIGHT }, { "CHANGE", CLI_RIGHT },
	};
	struct cli_table *t;

	if (!bl_json_count(domains))
		return true;
	putchar('\n');
	t = cli_table_new(c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < bl_json_count(domains); i++) {
		const struct bl_json *d = bl_json_at(domains, i);
		char b[CLI_TEXT_STR];

		cli_table_row(t);
		cli_table_cell(t, 0, cli_text_count(d, "domid", b), CLI_PLAIN);
		cli_table_cell(t, 1, cli_text_string(d, "name"), CLI_PLAIN);
		cli_table_cell(t, 2, cli_text_bytes(d, "current_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 3, cli_text_bytes(d, "goal_bytes", b), CLI_PLAIN);
		cli_table_cell(t, 4, change(d, b), CLI_PLAIN);
	}
	return cli_table_print(t);
}

static int run_plan(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "overhead", required_argument, NULL, CLI_OPT(0) },
		{ NULL, 0, NULL, 0 },
	};
	const char *overhead = NULL, *verdict;
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0)
		overhead = optarg;
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 1, 1, "SIZE", &r))
		return r;
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = cli_put_size(c, o, "size_bytes", "SIZE", argv[optind]);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "overhead_bytes", "--overhead", overhead);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "plan", o, CLI_ANSWER_MS, &result);
	if (r != CLI_DONE)
		return r;
	if (!c->json) {
		show_verdict(result, argv[optind]);
		if (!show_moves(c, bl_json_get(result, "domains")))
			r = cli_fail_memory(c);
	}
	verdict = cli_text_string(result, "verdict");
	if (r == CLI_DONE && verdict && (!strcmp(verdict, "later") || !strcmp(verdict, "never")))
		r = CLI_NO_MEMORY;
	bl_json_free(result);
	return r;
}

static const struct cli_verb verb_plan = {
	.name = "plan",
	.usage = "SIZE [--overhead SIZE]",
	.summary = "what a claim of that size would do, without doing it",
	.help = "Tells whether the claim would be held, where its memory would come from, and which\n"
		"domains would move by how much. Exit status 3 if the claim would be refused.\n\n"
		"  --overhead SIZE   keep this much more free\n",
	.run = run_plan,
};

static void show_explanation(const struct bl_json *result)
{
	const struct bl_json *d = bl_json_get(result, "domain"), *reasons = bl_json_get(result, "reasons");
	const char *reason = cli_text_string(result, "reason"), *uuid = cli_text_string(d, "uuid");
	char domid[CLI_TEXT_STR];

	cli_show_domain(d);
	for (size_t i = 0; i < bl_json_count(reasons); i++)
		if (bl_json_type(bl_json_at(reasons, i)) == BL_JSON_STRING)
			printf("  %s\n", bl_json_string(bl_json_at(reasons, i), NULL));
	if (!bl_json_count(reasons) && reason)
		printf("  %s\n", reason);
	printf("  domid %s, UUID %s\n", cli_text_count(d, "domid", domid), uuid ? uuid : "-");
}

static int run_explain(struct cli *c, int argc, char **argv)
{
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	int r;

	if (!cli_args_plain(c, argc, argv, 1, 1, "DOMAIN", &r))
		return r;
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = cli_put_text(c, o, "domain", "DOMAIN", argv[optind]);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "explain", o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json)
		show_explanation(result);
	bl_json_free(result);
	return r;
}

static const struct cli_verb verb_explain = {
	.name = "explain",
	.usage = "DOMAIN",
	.summary = "why a domain has the target it has",
	.help = "Tells why the domain has its size, what it could give, where its limits come from\n"
		"and what would change them.\n",
	.run = run_explain,
};

const struct cli_verb *const cli_verbs_plan[] = { &verb_plan, &verb_explain, NULL };
