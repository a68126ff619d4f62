/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/text.h"
#include "cli/verbs.h"

enum { OPT_MIN, OPT_MAX, OPT_WEIGHT, OPT_MODE, OPT_NO_PERSIST };

struct set_options {
	const char *domain, *size, *min, *max, *weight, *mode;
	bool no_persist;
};

static int put_params(struct cli *c, struct bl_json_out *o, const struct set_options *w)
{
	int r = cli_put_text(c, o, "domain", "DOMAIN", w->domain);

	if (r == CLI_DONE)
		r = cli_put_size(c, o, "size_bytes", "SIZE", w->size);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "min_bytes", "--min", w->min);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "max_bytes", "--max", w->max);
	if (r == CLI_DONE)
		r = cli_put_number(c, o, "weight", "--weight", w->weight);
	if (r == CLI_DONE)
		r = cli_put_text(c, o, "mode", "--mode", w->mode);
	if (r == CLI_DONE && w->no_persist)
		bl_json_put_bool(o, "persist", false);
	return r;
}

static int send_set(struct cli *c, const struct set_options *w)
{
	struct bl_json_out *o = cli_params();
	struct bl_json *result = NULL;
	int r = o ? put_params(c, o, w) : cli_fail_memory(c);

	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "set", o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !c->quiet)
		cli_show_domain(bl_json_get(result, "domain"));
	bl_json_free(result);
	return r;
}

static int run_set(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "min", required_argument, NULL, CLI_OPT(OPT_MIN) },
		{ "max", required_argument, NULL, CLI_OPT(OPT_MAX) },
		{ "weight", required_argument, NULL, CLI_OPT(OPT_WEIGHT) },
		{ "mode", required_argument, NULL, CLI_OPT(OPT_MODE) },
		{ "no-persist", no_argument, NULL, CLI_OPT(OPT_NO_PERSIST) },
		{ NULL, 0, NULL, 0 },
	};
	struct set_options w = { 0 };
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0) {
		if (val == CLI_OPT(OPT_MIN))
			w.min = optarg;
		else if (val == CLI_OPT(OPT_MAX))
			w.max = optarg;
		else if (val == CLI_OPT(OPT_WEIGHT))
			w.weight = optarg;
		else if (val == CLI_OPT(OPT_MODE))
			w.mode = optarg;
		else
			w.no_persist = true;
	}
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 1, 2, "DOMAIN", &r))
		return r;
	w.domain = argv[optind];
	w.size = argv[optind + 1]; /* argv ends with NULL */
	if (!w.size && !w.min && !w.max && !w.weight && !w.mode)
		return cli_fail_usage(c, "nothing to set: SIZE or an option is missing");
	return send_set(c, &w);
}

const struct cli_verb cli_verb_set = {
	.name = "set",
	.usage = "DOMAIN [SIZE] [OPTION...]",
	.summary = "set a domain's size by hand, or its limits",
	.help = "SIZE sets the target by hand and puts the domain in mode manual: it then gives\n"
		"nothing to claims. The options change its limits, which are kept by UUID over\n"
		"restarts.\n\n"
		"  --min SIZE      never shrink the domain below this\n"
		"  --max SIZE      never let the domain grow above this\n"
		"  --weight N      its share of spare memory; 100 unless set\n"
		"  --mode MODE     auto: balloond decides; manual: the size stays as it is set;\n"
		"                  ignore: balloond leaves the domain alone\n"
		"  --no-persist    forget this when balloond is restarted\n",
	.run = run_set,
};

static void show_forgotten(const struct bl_json *result)
{
	const char *uuid = cli_text_string(result, "uuid");

	if (!cli_text_true(result, "forgotten"))
		printf("%s: nothing was remembered\n", uuid ? uuid : "-");
	else if (!bl_json_get(result, "domain"))
		printf("%s: forgotten\n", uuid ? uuid : "-");
	else
		cli_show_domain(bl_json_get(result, "domain"));
}

static int run_forget(struct cli *c, int argc, char **argv)
{
	struct bl_json_out *o;
	struct bl_json *result = NULL;
	int r;

	if (!cli_args_plain(c, argc, argv, 1, 1, "DOMAIN", &r))
		return r;
	o = cli_params();
	r = o ? cli_put_text(c, o, "domain", "DOMAIN", argv[optind]) : cli_fail_memory(c);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	r = cli_call(c, "forget", o, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !c->quiet)
		show_forgotten(result);
	bl_json_free(result);
	return r;
}

const struct cli_verb cli_verb_forget = {
	.name = "forget",
	.usage = "DOMAIN",
	.summary = "forget what is known of a domain",
	.help = "Forgets the size that a domain was started with, the limits that were set for it,\n"
		"and that somebody else controls its target. For a running domain its present size\n"
		"counts as the size that it was started with. DOMAIN may also be the UUID of a\n"
		"domain that is gone.\n",
	.run = run_forget,
};

/* Runs a verb without arguments, and prints what it did. */
static int run_plain(struct cli *c, int argc, char **argv, const char *said)
{
	struct bl_json *result = NULL;
	int r;

	if (!cli_args_plain(c, argc, argv, 0, 0, "", &r))
		return r;
	r = cli_call(c, c->verb->name, NULL, CLI_ANSWER_MS, &result);
	if (r == CLI_DONE && !c->json && !c->quiet)
		puts(said);
	bl_json_free(result);
	return r;
}

static int run_rebalance(struct cli *c, int argc, char **argv)
{
	return run_plain(c, argc, argv,
			 "balloond looks at all guests now; 'balloonctl status' shows what moves");
}

static int run_pause(struct cli *c, int argc, char **argv)
{
	return run_plain(c, argc, argv, "paused: no guest is touched until 'balloonctl resume'");
}

static int run_resume(struct cli *c, int argc, char **argv)
{
	return run_plain(c, argc, argv, "resumed");
}

const struct cli_verb cli_verb_rebalance = {
	.name = "rebalance",
	.usage = "",
	.summary = "look at all guests now instead of at the next tick",
	.help = "Makes balloond look at the host now, and move what has to be moved.\n",
	.run = run_rebalance,
};

const struct cli_verb cli_verb_pause = {
	.name = "pause",
	.usage = "",
	.summary = "stop touching every guest, at once",
	.help = "No target moves until 'resume', also after a restart. Claims that are held stay\n"
		"held, and claims that fit into free memory are still held.\n",
	.run = run_pause,
};

const struct cli_verb cli_verb_resume = {
	.name = "resume",
	.usage = "",
	.summary = "let balloond move guests again after 'pause'",
	.help = "Lets balloond move guests again after 'pause'.\n",
	.run = run_resume,
};
