/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line on the terminal while a claim waits: how far it is and how long it
 * will take. Asks on a connection of its own, in a thread of its own. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

struct cli_progress;

/* NULL when stderr is no terminal, or nothing could be started: then there is
 * no line. socket and id must stay until the stop. */
struct cli_progress *cli_progress_start(const char *socket, const char *id);
/* Takes the line away. NULL is fine. */
void cli_progress_stop(struct cli_progress *p);

#endif
