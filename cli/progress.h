/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said on stderr while a claim waits: on a terminal a line of how far it is
 * and how long it will take; and where a limit was given that the known rates cannot
 * meet, what would. Asks on a connection of its own, in a thread of its own. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

struct cli_progress;

/* wait: what was given with --wait, or NULL. NULL when there is nothing to say, or
 * nothing could be started. c, id and wait must stay until the stop. */
struct cli_progress *cli_progress_start(const struct cli *c, const char *id, const char *wait);
/* Takes the line away. NULL is fine. */
void cli_progress_stop(struct cli_progress *p);

#endif
