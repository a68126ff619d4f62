/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/verbs.h"

#define WATCH_DEFAULT_MS 2000U
/* A shorter interval only keeps the host busy. */
#define WATCH_LEAST_MS 100U

static int show_status(struct cli *c, const struct bl_json *status)
{
	bool ok;

	cli_show_daemon(c, bl_json_get(status, "daemon"));
	cli_show_host(bl_json_get(status, "host"));
	putchar('\n');
	ok = cli_show_domains(c, bl_json_get(status, "domains"));
	if (ok && bl_json_count(bl_json_get(status, "claims"))) {
		putchar('\n');
		ok = cli_show_claims(c, bl_json_get(status, "claims"));
	}
	return ok ? CLI_DONE : cli_fail_memory(c);
}

static int once(struct cli *c, int n, char **domains, bool clear)
{
	struct bl_json_out *o = cli_params();
	struct bl_json *status = NULL;
	int r = CLI_DONE;

	if (!o)
		return cli_fail_memory(c);
	if (n)
		bl_json_array(o, "domains");
	for (int i = 0; i < n && r == CLI_DONE; i++)
		r = cli_put_text(c, o, NULL, "DOMAIN", domains[i]);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	if (n)
		bl_json_array_end(o);
	r = cli_call(c, "status", o, CLI_ANSWER_MS, &status);
	if (r == CLI_DONE && !c->json) {
		if (clear)
			fputs("\033[H\033[2J", stdout);
		r = show_status(c, status);
	}
	bl_json_free(status);
	return r;
}

static void rest(bl_ms ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms.n / 1000), .tv_nsec = (long)(ms.n % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static int watch(struct cli *c, int n, char **domains, bl_ms every)
{
	bool clear = cli_table_width(STDOUT_FILENO) && !c->json;

	for (;;) {
		int r = once(c, n, domains, clear);

		if (r != CLI_DONE || fflush(stdout))
			return r;
		rest(every);
		if (!clear && !c->json)
			putchar('\n');
	}
}

static int run_status(struct cli *c, int argc, char **argv)
{
	static const struct option own[] = {
		{ "watch", optional_argument, NULL, CLI_OPT(0) },
		{ NULL, 0, NULL, 0 },
	};
	bl_ms every = { 0 };
	int val, status;

	while ((val = cli_args_next(c, argc, argv, own, &status)) > 0) {
		struct bl_err err;

		every = BL_MS(WATCH_DEFAULT_MS);
		if (optarg && bl_duration_parse("--watch", optarg, false, &every, &err) < 0)
			return cli_fail(c, "invalid-params", "status", "%s", err.msg);
		if (every.n < WATCH_LEAST_MS)
			every = BL_MS(WATCH_LEAST_MS);
	}
	if (val == CLI_ARGS_STOP)
		return status;
	return every.n ? watch(c, argc - optind, argv + optind, every)
		       : once(c, argc - optind, argv + optind, false);
}

const struct cli_verb cli_verb_status = {
	.name = "status",
	.usage = "[DOMAIN...] [--watch[=DURATION]]",
	.summary = "the host, its domains and its claims",
	.help = "Shows how much of the host's memory is free and what keeps free memory from being\n"
		"available; each domain with its size, target and limits; and the claims. Below the\n"
		"tables is the reason for every domain that is not steady; 'explain' tells more.\n\n"
		"  --watch[=DURATION]   repeat that, by default every two seconds\n",
	.run = run_status,
};

static int run_ping(struct cli *c, int argc, char **argv)
{
	struct bl_json *result = NULL;
	const struct bl_json *version;
	int status;

	if (!cli_args_plain(c, argc, argv, 0, 0, "", &status))
		return status;
	status = cli_call(c, "ping", NULL, CLI_ANSWER_MS, &result);
	if (status == CLI_DONE && !c->json) {
		char major[CLI_TEXT_STR], minor[CLI_TEXT_STR], pid[CLI_TEXT_STR];

		cli_show_daemon(c, bl_json_get(result, "daemon"));
		version = bl_json_get(result, "version");
		printf("protocol %s.%s, pid %s, claims by %s\n", cli_text_count(version, "major", major),
		       cli_text_count(version, "minor", minor),
		       cli_text_count(bl_json_get(result, "daemon"), "pid", pid),
		       cli_text_string(bl_json_get(result, "daemon"), "claim_method")
			       ? cli_text_string(bl_json_get(result, "daemon"), "claim_method")
			       : "-");
	}
	bl_json_free(result);
	return status;
}

const struct cli_verb cli_verb_ping = {
	.name = "ping",
	.usage = "",
	.summary = "show whether the daemon answers, its versions and health",
	.help = "Shows the versions of the daemon, the protocol and the backend, and the daemon's\n"
		"health with every problem it knows of.\n",
	.run = run_ping,
};
