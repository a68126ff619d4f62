/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages on stderr while a claim waits: on a terminal a line with the progress and the
 * time left; and, if the wait is too short for the known rates, a wait that is long enough. A
 * thread with a connection of its own asks for the progress. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"

struct cli_progress;

/* wait: the argument of --wait, or NULL. Returns NULL if there is nothing to print, or the thread
 * cannot be started. c, id and wait must stay until the stop. */
struct cli_progress *cli_progress_start(const struct cli *c, const char *id, const char *wait);
/* Removes the line. NULL is fine. */
void cli_progress_stop(struct cli_progress *p);

#endif
