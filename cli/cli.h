/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts that all verbs of balloonctl share: the global options, a call to the daemon, and the
 * way to fail. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>

#include "lib/client/balloon.h"
#include "lib/proto/json.h"

/* The exit statuses of the contract. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO_MEMORY = 3,
	CLI_TIMEOUT = 4,
	CLI_NO_SUCH = 5,
	CLI_NO_DAEMON = 6,
	CLI_NOT_PERMITTED = 7,
};

struct cli {
	/* The tables of all verbs, for --help. Ends with NULL. */
	const struct cli_verb *const *const *families;
	const char *socket; /* NULL: the default socket */
	bool json, quiet, no_color;
	const struct cli_verb *verb; /* NULL: none chosen yet */
	struct balloon *conn;	     /* NULL until the first call */
};

struct cli_verb {
	const char *name;
	const char *usage;   /* what follows the verb's name */
	const char *summary; /* a line for the list of verbs */
	const char *help;    /* what the verb's --help prints below its usage */
	/* argv[0] is the verb. Returns an exit status, after printing its error. */
	int (*run)(struct cli *c, int argc, char **argv);
};

/* Prints `balloonctl: WHAT: WHY` on stderr and, with --json, the error object on stdout. Returns
 * the exit status for the id. */
int cli_fail(const struct cli *c, const char *id, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int cli_fail_memory(const struct cli *c);
/* For a wrong command line: mentions --help. */
int cli_fail_usage(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For an error of libballoon. */
int cli_fail_call(const struct cli *c, const struct balloon_error *err);

/* Sends a request and waits timeout_ms for the answer; negative: for ever. params: an open
 * object, which this ends and frees; NULL: none. With --json prints the result as it was
 * received. *ret is the caller's, to be freed with bl_json_free(). Returns an exit status. */
int cli_call(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct bl_json **ret);
/* The two halves of cli_call(), for a caller that has something to do between the answer and the
 * first output. cli_answer() frees what cli_ask() left in *a. */
struct cli_answer {
	int r; /* 0 or -errno of libballoon */
	char *text;
	struct balloon_error err;
};
void cli_ask(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct cli_answer *a);
int cli_answer(const struct cli *c, struct cli_answer *a, struct bl_json **ret);
/* More time than a working daemon needs for any answer except a claim's. */
#define CLI_ANSWER_MS 30000

/* Begins an object for cli_call(); NULL: out of memory. */
struct bl_json_out *cli_params(void);

#endif
