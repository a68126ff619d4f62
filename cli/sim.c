/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "lib/core/text.h"

struct sim_options {
	const char *max, *claim, *uuid;
};

static int put_create(struct cli *c, struct bl_json_out *o, int n, char **args, const struct sim_options *w)
{
	int r;

	if (n != 2)
		return cli_fail_usage(c, "create takes NAME and SIZE");
	r = cli_put_text(c, o, "name", "NAME", args[0]);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "size_bytes", "SIZE", args[1]);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "max_bytes", "--max", w->max);
	if (r == CLI_DONE)
		r = cli_put_claim(c, o, "claim", w->claim);
	if (r == CLI_DONE)
		r = cli_put_uuid(c, o, "uuid", "--uuid", w->uuid);
	return r;
}

static int put_destroy(struct cli *c, struct bl_json_out *o, int n, char **args, const struct sim_options *w)
{
	if (n != 1 || w->max || w->claim || w->uuid)
		return cli_fail_usage(c, "destroy takes NAME");
	return cli_put_text(c, o, "name", "NAME", args[0]);
}

static int put_set(struct cli *c, struct bl_json_out *o, int n, char **args, const struct sim_options *w)
{
	int r;

	if (n < 2 || w->max || w->claim || w->uuid)
		return cli_fail_usage(c, "set takes NAME and KEY=VALUE");
	r = cli_put_text(c, o, "name", "NAME", args[0]);
	bl_json_object(o, "values");
	for (int i = 1; i < n && r == CLI_DONE; i++) {
		char *value = strchr(args[i], '=');

		if (!value || value == args[i] || !bl_text_utf8(args[i], (size_t)(value - args[i])))
			return cli_fail_usage(c, "'%.64s' is not KEY=VALUE", args[i]);
		for (int k = 1; k < i; k++)
			if (!strncmp(args[k], args[i], (size_t)(value - args[i])) &&
			    !args[k][value - args[i]])
				return cli_fail_usage(c, "'%s' is given twice", args[k]);
		*value++ = '\0';
		r = cli_put_text(c, o, args[i], args[i], value);
	}
	bl_json_object_end(o);
	return r;
}

static const struct {
	const char *name, *method;
	int (*put)(struct cli *c, struct bl_json_out *o, int n, char **args, const struct sim_options *w);
} subs[] = {
	{ "create", "sim.create", put_create },
	{ "destroy", "sim.destroy", put_destroy },
	{ "set", "sim.set", put_set },
};

static int send_sub(struct cli *c, size_t sub, int n, char **args, const struct sim_options *w)
{
	struct bl_json_out *o = cli_params();
	struct bl_json *result = NULL;
	int r = o ? subs[sub].put(c, o, n, args, w) : cli_fail_memory(c);

	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, subs[sub].method, o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !c->quiet && bl_json_get(result, "domain"))
		cli_show_domain(bl_json_get(result, "domain"));
	bl_json_free(result);
	return r;
}

static int run_sim(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "max", required_argument, NULL, CLI_OPT(0) },
		{ "claim", required_argument, NULL, CLI_OPT(1) },
		{ "uuid", required_argument, NULL, CLI_OPT(2) },
		{ NULL, 0, NULL, 0 },
	};
	struct sim_options w = { 0 };
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0) {
		if (val == CLI_OPT(0))
			w.max = optarg;
		else if (val == CLI_OPT(1))
			w.claim = optarg;
		else
			w.uuid = optarg;
	}
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 1, argc, "create, destroy or set", &r))
		return r;
	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]); i++)
		if (!strcmp(argv[optind], subs[i].name))
			return send_sub(c, i, argc - optind - 1, argv + optind + 1, &w);
	return cli_fail_usage(c, "'%.64s' is not create, destroy or set", argv[optind]);
}

const struct cli_verb cli_verb_sim = {
	.name = "sim",
	.usage = "create|destroy|set NAME [ARGUMENT...]",
	.summary = "make, end and change the guests of a simulated host",
	.help = "  sim create NAME SIZE [--max SIZE] [--claim ID] [--uuid UUID]\n"
		"  sim destroy NAME\n"
		"  sim set NAME KEY=VALUE...\n\n"
		"Only for the simulated backend. The keys of 'set' are those of a world's file:\n"
		"used, rate, telemetry, behaviour and so on.\n\n"
		"  --max SIZE    the allocation of a guest that starts with less\n"
		"  --claim ID    the claim to build the guest from\n"
		"  --uuid UUID   the UUID of an earlier guest that is started again\n",
	.run = run_sim,
};
