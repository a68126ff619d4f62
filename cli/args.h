/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options and arguments of a verb. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <getopt.h>

#include "cli/cli.h"
#include "lib/core/size.h"

/* Values of a verb's own options, for a switch. */
#define CLI_OPT(n) (256 + (n))

enum cli_args {
	CLI_ARGS_END = 0,   /* no more options; arguments from optind on */
	CLI_ARGS_STOP = -1, /* end with *ret_status: help was printed, or an error */
};

/* Returns the value of the next of the verb's own options, with its argument in optarg, or an
 * enum cli_args. Handles the global options. own: ends with a NULL name; NULL: the verb has none. */
int cli_args_next(struct cli *c, int argc, char **argv, const struct option *own, int *ret_status);
/* Handles the command line of a verb without options. False: end with *ret_status; also if there
 * are fewer arguments than min (`missing` tells which) or more than max. */
bool cli_args_plain(struct cli *c, int argc, char **argv, int min, int max, const char *missing,
		    int *ret_status);
/* Checks the number of arguments, after the options. */
bool cli_args_count(struct cli *c, int argc, int min, int max, const char *missing, int *ret_status);

/* Handles the global options before the verb. Returns the verb's index in argv, or -1 with
 * *ret_status. */
int cli_args_global(struct cli *c, int argc, char **argv, int *ret_status);

/* Each writes a parameter; or prints what is wrong with the argument named `what`, and returns an
 * exit status. text NULL: the argument was not given, and nothing is written. */
int cli_put_size(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
int cli_put_duration(struct cli *c, struct bl_json_out *o, const char *key, const char *what,
		     const char *text, bool zero_ok);
int cli_put_number(struct cli *c, struct bl_json_out *o, const char *key, const char *what,
		   const char *text);
int cli_put_uuid(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
int cli_put_text(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
/* Writes a claim's id as it was typed: any text, since the daemon knows its claims. */
int cli_put_claim(struct cli *c, struct bl_json_out *o, const char *key, const char *text);

#endif
