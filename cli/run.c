/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a command that builds a domain, with the hook, and claims the memory of the domain before
 * the command starts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/xl.h"
#include "lib/core/uuid.h"

/* The command could not be run. Lower statuses are the command's own. */
#define RUN_FAILED 125
#define SIGNALLED 128

struct run_options {
	const char *claim, *wait;
	bool no_preclaim;
};

enum { OPT_CLAIM, OPT_NO_PRECLAIM, OPT_WAIT };

static const struct option own[] = {
	{ "claim", required_argument, NULL, CLI_OPT(OPT_CLAIM) },
	{ "no-preclaim", no_argument, NULL, CLI_OPT(OPT_NO_PRECLAIM) },
	{ "wait", required_argument, NULL, CLI_OPT(OPT_WAIT) },
	{ NULL, 0, NULL, 0 },
};

/* ---- the claim ---- */

static int put_params(struct cli *c, struct bl_json_out *o, const struct cli_xl_need *need, const char *id,
		      const struct run_options *w)
{
	bl_json_put_uint(o, "size_bytes", need->memory.n);
	bl_json_put_uint(o, "overhead_bytes", need->overhead.n);
	bl_json_put_string(o, "id", id);
	bl_json_put_bool(o, "hooked", true);
	if (need->name[0])
		bl_json_put_string(o, "name", need->name);
	return cli_put_duration(c, o, "wait_seconds", "--wait", w->wait, true);
}

/* Claims what the command needs. Returns CLI_DONE also without a daemon: then id is "", and the
 * command runs as it would without balloonctl. */
static int preclaim(struct cli *c, const struct cli_xl_need *need, const struct run_options *w,
		    char id[BALLOON_ID_SIZE])
{
	struct bl_json_out *o = cli_params();
	struct cli_progress *progress = NULL;
	struct cli_answer answer;
	int r;

	if (!o)
		return cli_fail_memory(c);
	if (balloon_new_id(id) < 0) {
		bl_json_out_free(o);
		return cli_fail(c, "backend", "run", "no random numbers for an id");
	}
	r = put_params(c, o, need, id, w);
	if (r != CLI_DONE) {
		bl_json_out_free(o);
		return r;
	}
	if (!c->quiet)
		progress = cli_progress_start(c, id, w->wait);
	cli_ask(c, "claim", o, -1, &answer);
	cli_progress_stop(progress);
	balloon_free(answer.text);
	if (answer.r == 0)
		return CLI_DONE;
	id[0] = '\0';
	if (strcmp(answer.err.id, "no-daemon") != 0)
		return cli_fail_call(c, &answer.err);
	(void)fprintf(stderr, "balloonctl: run: %s: nothing is claimed ahead\n", answer.err.message);
	return CLI_DONE;
}

/* Releases the claim if the command did not use it. */
static void release_unused(struct cli *c, const char *id)
{
	struct bl_json_out *o = cli_params();
	struct bl_json *result = NULL;
	struct cli_answer a;
	const char *state;

	if (!o)
		return; /* its lease will end */
	bl_json_put_string(o, "id", id);
	cli_ask(c, "claims", o, CLI_ANSWER_MS, &a);
	if (a.r < 0 || bl_json_parse(a.text, strlen(a.text), &result, NULL) < 0) {
		balloon_free(a.text);
		return; /* mostly because the command used it */
	}
	balloon_free(a.text);
	state = cli_text_string(bl_json_at(bl_json_get(result, "claims"), 0), "state");
	if (state && strcmp(state, "building") != 0 && (o = cli_params())) {
		bl_json_array(o, "ids");
		bl_json_put_string(o, NULL, id);
		bl_json_array_end(o);
		cli_ask(c, "release", o, CLI_ANSWER_MS, &a);
		balloon_free(a.text);
	}
	bl_json_free(result);
}

/* ---- the command ---- */

static const char *hook_path(void)
{
	const char *path = secure_getenv("BALLOOND_HOOK");

	return path && *path ? path : BL_LIBDIR "/balloond/libballoon-claim.so";
}

static int set_environment(struct cli *c, const char *claim)
{
	const char *preload = getenv("LD_PRELOAD"), *hook = hook_path();
	char *both = NULL;
	int r;

	if (access(hook, R_OK) < 0)
		return cli_fail(c, "backend", "run", "the hook %s: %s", hook, strerror(errno));
	if (preload && *preload && asprintf(&both, "%s:%s", hook, preload) < 0)
		return cli_fail_memory(c);
	r = setenv("LD_PRELOAD", both ? both : hook, 1);
	if (r == 0 && c->socket)
		r = setenv("BALLOOND_SOCKET", c->socket, 1);
	if (r == 0)
		r = claim && *claim ? setenv("BALLOOND_CLAIM", claim, 1) : unsetenv("BALLOOND_CLAIM");
	free(both);
	return r < 0 ? cli_fail_memory(c) : CLI_DONE;
}

/* Passes on signals that were sent to balloonctl alone; those of the terminal reach the command
 * as well. */
static int wait_for(pid_t pid, const sigset_t *waited)
{
	for (;;) {
		siginfo_t info;
		int sig = sigwaitinfo(waited, &info), status;

		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
		if (sig > 0 && sig != SIGCHLD && info.si_code <= 0)
			(void)kill(pid, sig);
	}
}

static int run_command(struct cli *c, char **argv)
{
	static const int passed[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t waited, before;
	int failed[2], error = 0, r;
	pid_t pid;

	(void)sigemptyset(&waited);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		(void)sigaddset(&waited, passed[i]);
	(void)sigaddset(&waited, SIGCHLD);
	(void)sigaction(SIGCHLD, &plain, NULL);
	(void)sigprocmask(SIG_BLOCK, &waited, &before);
	if (pipe2(failed, O_CLOEXEC) < 0)
		return cli_fail(c, "backend", "run", "%s", strerror(errno)), RUN_FAILED;
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		execvp(argv[0], argv);
		error = errno;
		(void)!write(failed[1], &error, sizeof(error));
		_exit(RUN_FAILED);
	}
	r = errno;
	(void)close(failed[1]);
	if (pid > 0 && read(failed[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	(void)close(failed[0]);
	if (pid < 0)
		return cli_fail(c, "backend", "run", "%s", strerror(r)), RUN_FAILED;
	r = wait_for(pid, &waited);
	if (error)
		cli_fail(c, "backend", "run", "%s: %s", argv[0], strerror(error));
	return r;
}

static int run_run(struct cli *c, int argc, char **argv)
{
	struct run_options w = { 0 };
	struct cli_xl_need need;
	char id[BALLOON_ID_SIZE] = "";
	enum cli_xl what = CLI_XL_OTHER;
	struct bl_err err;
	bl_uuid uuid;
	int val, r;

	while ((val = cli_args_next(c, argc, argv, own, &r)) > 0) {
		if (val == CLI_OPT(OPT_CLAIM))
			w.claim = optarg;
		else if (val == CLI_OPT(OPT_WAIT))
			w.wait = optarg;
		else
			w.no_preclaim = true;
	}
	if (val == CLI_ARGS_STOP)
		return r == CLI_DONE ? r : RUN_FAILED;
	if (optind >= argc)
		return cli_fail_usage(c, "a command is missing"), RUN_FAILED;
	if (w.claim && w.no_preclaim)
		return cli_fail_usage(c, "only one of --claim and --no-preclaim can be given"), RUN_FAILED;
	if (w.claim && !bl_uuid_parse(w.claim, &uuid))
		return cli_fail(c, "no-such-claim", "run", "no claim '%.64s'", w.claim), RUN_FAILED;
	if (!w.claim && !w.no_preclaim)
		what = cli_xl_need(argv + optind, &need, &err);
	if (what == CLI_XL_UNKNOWN && !c->quiet)
		(void)fprintf(stderr, "balloonctl: run: %s: nothing is claimed ahead\n", err.msg);
	if (what == CLI_XL_BUILDS && preclaim(c, &need, &w, id) != CLI_DONE)
		return RUN_FAILED;
	r = set_environment(c, w.claim ? w.claim : id) == CLI_DONE ? run_command(c, argv + optind)
								   : RUN_FAILED;
	if (id[0])
		release_unused(c, id);
	return r;
}

const struct cli_verb cli_verb_run = {
	.name = "run",
	.usage = "[OPTION...] -- COMMAND [ARGUMENT...]",
	.summary = "run a command that builds a domain, with its memory claimed",
	.help = "Runs the command with balloond's hook, so that the domain that it builds gets its\n"
		"memory through a claim. For `xl create` and `xl restore` the memory is claimed\n"
		"before the command starts: a domain that does not fit is refused, with the reason,\n"
		"before anything is built. At the end the rest of the claim is released.\n\n"
		"  --wait DURATION    wait at most that long, also for other claims to end\n"
		"  --claim ID         use a claim that is held already\n"
		"  --no-preclaim      claim nothing before the command starts\n\n"
		"Exit status: the command's; 128 plus the signal's number if a signal ended it; 125\n"
		"if the command could not be run, or its memory was refused.\n",
	.run = run_run,
};
