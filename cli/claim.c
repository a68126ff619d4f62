/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"

struct claim_options {
	const char *size, *id, *name, *uuid, *node, *min, *overhead, *wait, *ttl;
	bool no_wait, now;
};

enum {
	OPT_ID,
	OPT_NAME,
	OPT_UUID,
	OPT_NODE,
	OPT_MIN,
	OPT_OVERHEAD,
	OPT_WAIT,
	OPT_NO_WAIT,
	OPT_NOW,
	OPT_TTL
};

static const struct option own[] = {
	{ "id", required_argument, NULL, CLI_OPT(OPT_ID) },
	{ "name", required_argument, NULL, CLI_OPT(OPT_NAME) },
	{ "uuid", required_argument, NULL, CLI_OPT(OPT_UUID) },
	{ "node", required_argument, NULL, CLI_OPT(OPT_NODE) },
	{ "min", required_argument, NULL, CLI_OPT(OPT_MIN) },
	{ "overhead", required_argument, NULL, CLI_OPT(OPT_OVERHEAD) },
	{ "wait", required_argument, NULL, CLI_OPT(OPT_WAIT) },
	{ "no-wait", no_argument, NULL, CLI_OPT(OPT_NO_WAIT) },
	{ "now", no_argument, NULL, CLI_OPT(OPT_NOW) },
	{ "ttl", required_argument, NULL, CLI_OPT(OPT_TTL) },
	{ NULL, 0, NULL, 0 },
};

static void take_option(struct claim_options *w, int val)
{
	switch (val) {
	case CLI_OPT(OPT_ID):
		w->id = optarg;
		break;
	case CLI_OPT(OPT_NAME):
		w->name = optarg;
		break;
	case CLI_OPT(OPT_UUID):
		w->uuid = optarg;
		break;
	case CLI_OPT(OPT_NODE):
		w->node = optarg;
		break;
	case CLI_OPT(OPT_MIN):
		w->min = optarg;
		break;
	case CLI_OPT(OPT_OVERHEAD):
		w->overhead = optarg;
		break;
	case CLI_OPT(OPT_WAIT):
		w->wait = optarg;
		break;
	case CLI_OPT(OPT_NO_WAIT):
		w->no_wait = true;
		break;
	case CLI_OPT(OPT_NOW):
		w->now = true;
		break;
	case CLI_OPT(OPT_TTL):
		w->ttl = optarg;
		break;
	}
}

/* Writes the params. Returns an exit status if one of them is wrong. */
static int put_params(struct cli *c, struct bl_json_out *o, const struct claim_options *w)
{
	int r = cli_put_size(c, o, "size_bytes", "SIZE", w->size);

	if (r == CLI_DONE)
		r = cli_put_uuid(c, o, "id", "--id", w->id);
	if (r == CLI_DONE)
		r = cli_put_text(c, o, "name", "--name", w->name);
	if (r == CLI_DONE)
		r = cli_put_uuid(c, o, "uuid", "--uuid", w->uuid);
	if (r == CLI_DONE)
		r = cli_put_number(c, o, "node", "--node", w->node);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "min_bytes", "--min", w->min);
	if (r == CLI_DONE)
		r = cli_put_size(c, o, "overhead_bytes", "--overhead", w->overhead);
	if (r == CLI_DONE)
		r = cli_put_duration(c, o, "wait_seconds", "--wait", w->wait, true);
	if (r == CLI_DONE)
		r = cli_put_duration(c, o, "ttl_seconds", "--ttl", w->ttl, false);
	if (r == CLI_DONE && w->no_wait)
		bl_json_put_bool(o, "no_wait", true);
	if (r == CLI_DONE && w->now)
		bl_json_put_bool(o, "now", true);
	return r;
}

/* Prints the id alone on stdout, so that `id=$(balloonctl claim 4G)` is all that a script needs. */
static int print_id(struct cli *c, const struct bl_json *claim, const struct claim_options *w)
{
	const char *id = cli_text_string(claim, "id");
	uint64_t held = cli_text_uint(claim, "size_bytes");
	char got[CLI_TEXT_STR];

	if (!id)
		return cli_fail(c, "backend", "claim", "the answer holds no claim");
	puts(id);
	/* The claim may be smaller than SIZE: a person wants to know. */
	if (!c->quiet && w->min) {
		struct bl_err err;
		bl_bytes asked;

		if (bl_size_parse("SIZE", w->size, &asked, &err) == 0 && held < asked.n)
			fprintf(stderr, "balloonctl: claim: %s of the %s asked for\n",
				cli_text_bytes(claim, "size_bytes", got), w->size);
	}
	return CLI_DONE;
}

static int run_claim(struct cli *c, int argc, char **argv)
{
	struct claim_options w = { 0 };
	struct cli_progress *progress = NULL;
	struct bl_json *result = NULL;
	struct bl_json_out *o;
	struct cli_answer answer;
	char id[BALLOON_ID_SIZE];
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0)
		take_option(&w, val);
	if (val == CLI_ARGS_STOP || !cli_args_count(c, argc, 1, 1, "SIZE", &r))
		return r;
	if ((w.wait != NULL) + w.no_wait + w.now > 1)
		return cli_fail_usage(c, "only one of --wait, --no-wait and --now can be given");
	w.size = argv[optind];
	if (!w.id) {
		/* With an id made here, the progress of the claim can be asked for. */
		if (balloon_new_id(id) < 0)
			return cli_fail(c, "backend", "claim", "no random numbers for an id");
		w.id = id;
	}
	o = cli_params();
	if (!o)
		return cli_fail_memory(c);
	r = put_params(c, o, &w);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	if (!c->quiet && !w.no_wait && !w.now)
		progress = cli_progress_start(c, w.id, w.wait);
	cli_ask(c, "claim", o, -1, &answer);
	cli_progress_stop(progress);
	r = cli_answer(c, &answer, &result);
	if (r == CLI_DONE && !c->json)
		r = print_id(c, bl_json_get(result, "claim"), &w);
	bl_json_free(result);
	return r;
}

const struct cli_verb cli_verb_claim = {
	.name = "claim",
	.usage = "SIZE [OPTION...]",
	.summary = "make room and hold it; prints the claim's id",
	.help = "Prints the claim's id once the claim is held. A claim that can never be met is\n"
		"refused at once (exit status 3). A claim that guests can make room for waits as long\n"
		"as more memory comes. A claim that needs another claim to end is refused, with a\n"
		"list of the claims, unless --wait is given. When the wait ends (4) or is\n"
		"interrupted, the claim is withdrawn.\n\n"
		"  --wait DURATION    wait at most that long, also for other claims to end\n"
		"  --no-wait          queue the claim, print its id and return\n"
		"  --now              use only memory that is free at this moment\n"
		"  --min SIZE         accept this much when no more can come\n"
		"  --ttl DURATION     the lease, which starts when the claim is held (default 10m)\n"
		"  --name NAME        the name of the domain that the claim is for\n"
		"  --uuid UUID        the UUID of the domain that the claim is for\n"
		"  --overhead SIZE    keep this much more free until the domain is built\n"
		"  --node N           use memory of that node alone\n"
		"  --id UUID          the claim's id; the same id again returns the same claim\n",
	.run = run_claim,
};
