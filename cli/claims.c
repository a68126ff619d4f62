/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/text.h"
#include "cli/verbs.h"

static int run_claims(struct cli *c, int argc, char **argv)
{
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	int r;

	if (!cli_args_plain(c, argc, argv, 0, 1, "ID", &r))
		return r;
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = cli_put_claim(c, o, "id", argv[optind]);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "claims", o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !cli_show_claims(c, bl_json_get(result, "claims")))
		r = cli_fail_memory(c);
	bl_json_free(result);
	return r;
}

const struct cli_verb cli_verb_claims = {
	.name = "claims",
	.usage = "[ID]",
	.summary = "list the claims, or one",
	.help = "Lists the live claims, oldest first, and why a claim is not held yet.\n",
	.run = run_claims,
};

static int run_release(struct cli *c, int argc, char **argv)
{
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	int r;

	if (!cli_args_plain(c, argc, argv, 1, argc, "ID", &r))
		return r;
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = CLI_DONE;
	bl_json_array(o, "ids");
	for (int i = optind; i < argc && r == CLI_DONE; i++)
		r = cli_put_claim(c, o, NULL, argv[i]);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	bl_json_array_end(o);
	r = cli_call(c, "release", o, CLI_ANSWER_MS, &result);
	bl_json_free(result);
	return r;
}

const struct cli_verb cli_verb_release = {
	.name = "release",
	.usage = "ID...",
	.summary = "give claims back",
	.help = "Releases the claims. If one of them does not exist, none is released.\n",
	.run = run_release,
};

static int run_renew(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "ttl", required_argument, NULL, CLI_OPT(0) },
		{ NULL, 0, NULL, 0 },
	};
	const char *ttl = NULL;
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	char left[CLI_TEXT_STR];
	double s;
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0)
		ttl = optarg;
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 1, 1, "ID", &r))
		return r;
	if (!ttl)
		return cli_fail_usage(c, "--ttl is missing");
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = cli_put_claim(c, o, "id", argv[optind]);
	if (r == CLI_DONE)
		r = cli_put_duration(c, o, "ttl_seconds", "--ttl", ttl, false);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "renew", o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !c->quiet &&
	    cli_text_number(bl_json_get(result, "claim"), "expires_in_seconds", &s))
		printf("ends in %s\n", cli_text_duration(s, left));
	bl_json_free(result);
	return r;
}

const struct cli_verb cli_verb_renew = {
	.name = "renew",
	.usage = "ID --ttl DURATION",
	.summary = "extend a claim's lease",
	.help = "The lease runs that long from now.\n\n"
		"  --ttl DURATION   how long\n",
	.run = run_renew,
};
