/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs of balloonctl share: the global options, one call to the
 * daemon, one way to fail. */
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
	const char *socket; /* NULL: the default */
	bool json, quiet, no_color;
	const struct cli_verb *verb; /* NULL: none chosen yet */
	struct balloon *conn;	     /* NULL until the first call */
};

struct cli_verb {
	const char *name;
	const char *usage;   /* what follows the name */
	const char *summary; /* one line for the list */
	const char *help;    /* what the verb's --help says below its usage */
	/* argv[0] is the verb; returns an exit status, its error already said */
	int (*run)(struct cli *c, int argc, char **argv);
};

/* Says `balloonctl: WHAT: WHY` on stderr, with --json the error object on
 * stdout, and returns the exit status of that id. */
int cli_fail(const struct cli *c, const char *id, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int cli_fail_memory(const struct cli *c);
/* The command line is wrong; tells of --help. */
int cli_fail_usage(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* An error of libballoon. */
int cli_fail_call(const struct cli *c, const struct balloon_error *err);

/* Asks the daemon, with the object in params (an open one: this ends and frees
 * it; NULL: none). Waits timeout_ms for the answer, negative: for ever. With
 * --json the result goes to stdout as it came. *ret is the caller's, to be
 * freed with bl_json_free. Returns an exit status. */
int cli_call(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct bl_json **ret);
/* The two halves of it, for who has to do something between the answer and the
 * first word about it. cli_answer frees what cli_ask left in *a. */
struct cli_answer {
	int r; /* 0 or -errno of libballoon */
	char *text;
	struct balloon_error err;
};
void cli_ask(struct cli *c, const char *method, struct bl_json_out *params, int timeout_ms,
	     struct cli_answer *a);
int cli_answer(const struct cli *c, struct cli_answer *a, struct bl_json **ret);
/* What a daemon that is well needs for any answer but a claim's. */
#define CLI_ANSWER_MS 30000

/* An object that was begun, for cli_call; NULL when out of memory. */
struct bl_json_out *cli_params(void);

#endif
