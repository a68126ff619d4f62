/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs: a table in each family's file, and the list of all tables. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/cli.h"

/* Each ends with NULL. */
extern const struct cli_verb *const cli_verbs_claim[], *const cli_verbs_claims[], *const cli_verbs_monitor[];
extern const struct cli_verb *const cli_verbs_plan[], *const cli_verbs_run[], *const cli_verbs_set[];
extern const struct cli_verb *const cli_verbs_sim[], *const cli_verbs_status[];

extern const struct cli_verb *const *const cli_families[]; /* in the order of --help; ends with NULL */

const struct cli_verb *cli_verb_find(const char *name); /* NULL: no such verb */

#endif
