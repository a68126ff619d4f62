/* SPDX-License-Identifier: GPL-2.0-or-later */
/* balloonctl as it reads: a daemon answers anything at all. The first byte of the input,
 * 'a' and so on, chooses the command, the rest is what the daemon sends. Whatever that is, the command
 * ends with a status of the contract, and what it prints is UTF-8. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/verbs.h"
#include "lib/client/conn.h"
#include "lib/core/text.h"
#include "tests/fuzz/target.h"

/* What fits into a socket that nobody reads yet. */
#define SENT_MAX 65536

/* ---- a daemon that says this, and hangs up ---- */

static const uint8_t *answer;
static size_t answer_len;
static int daemon_end = -1;

static void hang_up(void)
{
	if (daemon_end >= 0)
		close(daemon_end);
	daemon_end = -1;
}

int __wrap_bl_conn_open(struct bl_conn *c, const char *path, struct balloon_error *reterr);
int __wrap_bl_conn_open(struct bl_conn *c, const char *path, struct balloon_error *reterr)
{
	int pair[2];

	(void)path, (void)reterr;
	FUZZ_EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	FUZZ_EXPECT(send(pair[0], answer, answer_len, 0) == (ssize_t)answer_len);
	/* Behind it comes nothing, and what balloonctl asks is not read. */
	FUZZ_EXPECT(shutdown(pair[0], SHUT_WR) == 0);
	bl_conn_close(c);
	c->fd = pair[1];
	hang_up();
	daemon_end = pair[0];
	return 0;
}

/* A claim whose connection broke is asked for again after a while. */
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t, (void)left;
	return 0;
}

/* ---- the commands ---- */

#define ID "11111111-1111-4111-8111-111111111111"

static const struct {
	const struct cli_verb *verb;
	const char *args[6];
} commands[] = {
	{ &cli_verb_status, { NULL } },
	{ &cli_verb_status, { "--json", NULL } },
	{ &cli_verb_status, { "web", NULL } },
	{ &cli_verb_claims, { NULL } },
	{ &cli_verb_claim, { "1G", "--id", ID, "--now", NULL } },
	{ &cli_verb_claim, { "1G", "--id", ID, "--no-wait", "--json", NULL } },
	{ &cli_verb_release, { ID, NULL } },
	{ &cli_verb_renew, { ID, "--ttl", "5m", NULL } },
	{ &cli_verb_set, { "web", "--min", "1G", NULL } },
	{ &cli_verb_forget, { "web", NULL } },
	{ &cli_verb_plan, { "4G", NULL } },
	{ &cli_verb_explain, { "web", NULL } },
	{ &cli_verb_rebalance, { NULL } },
	{ &cli_verb_pause, { NULL } },
	{ &cli_verb_monitor, { "--since", "0", NULL } },
	{ &cli_verb_monitor, { "--json", NULL } },
	{ &cli_verb_ping, { NULL } },
	{ &cli_verb_sim, { "create", "web", "1G", NULL } },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int run(unsigned n)
{
	struct cli c = { .verb = commands[n].verb, .no_color = true };
	char *argv[8], words[8][64];
	int argc = 0, status;

	snprintf(words[0], sizeof(words[0]), "%s", c.verb->name);
	argv[argc++] = words[0];
	for (size_t i = 0; commands[n].args[i]; i++) {
		snprintf(words[argc], sizeof(words[0]), "%s", commands[n].args[i]);
		argv[argc] = words[argc];
		argc++;
	}
	argv[argc] = NULL;
	optind = 0; /* glibc: begin anew */
	status = c.verb->run(&c, argc, argv);
	balloon_close(c.conn);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *was_out = stdout, *was_err = stderr;
	char *said = NULL, *complained = NULL;
	size_t n_said = 0, n_complained = 0;
	int status;

	if (!size || size > SENT_MAX)
		return 0;
	setlocale(LC_CTYPE, "C.UTF-8");
	answer = data + 1;
	answer_len = size - 1;
	stdout = open_memstream(&said, &n_said);
	stderr = open_memstream(&complained, &n_complained);
	if (!stdout || !stderr)
		abort();
	status = run((uint8_t)(data[0] - 'a') % N_COMMANDS);
	fclose(stdout);
	fclose(stderr);
	stdout = was_out;
	stderr = was_err;
	hang_up();
	FUZZ_EXPECT(status >= CLI_DONE && status <= CLI_NOT_PERMITTED);
	FUZZ_EXPECT(status != CLI_DONE || !n_complained);
	FUZZ_EXPECT(status == CLI_DONE || n_complained);
	FUZZ_EXPECT(bl_text_utf8(said, n_said));
	/* One line for a person. */
	FUZZ_EXPECT(!n_complained || bl_text_clean(complained, n_complained - 1));
	free(said);
	free(complained);
	return 0;
}
