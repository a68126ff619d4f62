/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/verbs.h"

static const struct cli_verb *const verbs[] = {
	&cli_verb_status,
	&cli_verb_claim,
	&cli_verb_claims,
	&cli_verb_release,
	&cli_verb_renew,
	&cli_verb_run,
	&cli_verb_set,
	&cli_verb_forget,
	&cli_verb_plan,
	&cli_verb_explain,
	&cli_verb_rebalance,
	&cli_verb_pause,
	&cli_verb_resume,
	&cli_verb_monitor,
	&cli_verb_ping,
	&cli_verb_sim,
	NULL,
};

static const struct cli_verb *find(const char *name)
{
	for (const struct cli_verb *const *v = verbs; *v; v++)
		if (!strcmp((*v)->name, name))
			return *v;
	return NULL;
}

/* True if --json is given: errors that are found before --json is read must be objects as well. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
			return true;
	return false;
}

static int run(struct cli *c, int argc, char **argv)
{
	int status = CLI_DONE, at = cli_args_global(c, argc, argv, &status);

	if (at < 0)
		return status;
	c->verb = find(argv[at]);
	if (!c->verb)
		return cli_fail_usage(c, "no command '%.64s'", argv[at]);
	optind = 0; /* glibc: start again */
	return c->verb->run(c, argc - at, argv + at);
}

int main(int argc, char **argv)
{
	struct cli c = { .verbs = verbs, .json = wants_json(argc, argv) };
	int status;

	setlocale(LC_CTYPE, ""); /* for the width of names on the terminal */
	status = run(&c, argc, argv);
	balloon_close(c.conn);
	if (ferror(stdout) | fflush(stdout)) {
		fprintf(stderr, "balloonctl: standard output: %s\n", strerror(errno));
		return status ? status : CLI_FAILED;
	}
	return status;
}
