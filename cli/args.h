/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verb's options and arguments. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <getopt.h>

#include "cli/cli.h"
#include "lib/core/size.h"

/* Values of a verb's own options, to switch on. */
#define CLI_OPT(n) (256 + (n))

enum cli_args {
	CLI_ARGS_END = 0,   /* no more options; arguments from optind on */
	CLI_ARGS_STOP = -1, /* end with *ret_status: help was shown, or an error said */
};

/* The next of the verb's own options (its val; the argument is in optarg), or
 * an enum cli_args. The global ones are taken on the way. own ends with a NULL
 * name, NULL: none. */
int cli_args_next(struct cli *c, int argc, char **argv, const struct option *own, int *ret_status);
/* For verbs without options: false, and a status to end with in *ret_status,
 * also when there are fewer arguments than min (missing says what they are) or
 * more than max. */
bool cli_args_plain(struct cli *c, int argc, char **argv, int min, int max, const char *missing,
		    int *ret_status);
/* The same check alone, after the options. */
bool cli_args_count(struct cli *c, int argc, int min, int max, const char *missing, int *ret_status);

/* Takes the global options before the verb; the verb's place in argv, or -1
 * with *ret_status. */
int cli_args_global(struct cli *c, int argc, char **argv, int *ret_status);

/* Each writes one parameter, or says what is wrong with `what` (the argument's
 * name) and returns an exit status. text NULL: not given, nothing is written. */
int cli_put_size(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
int cli_put_duration(struct cli *c, struct bl_json_out *o, const char *key, const char *what,
		     const char *text, bool zero_ok);
int cli_put_number(struct cli *c, struct bl_json_out *o, const char *key, const char *what,
		   const char *text);
int cli_put_uuid(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
int cli_put_text(struct cli *c, struct bl_json_out *o, const char *key, const char *what, const char *text);
/* A claim's id as it was typed: any text, the daemon knows its claims. */
int cli_put_claim(struct cli *c, struct bl_json_out *o, const char *key, const char *text);

#endif
