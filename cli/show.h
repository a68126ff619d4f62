/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the daemon's objects on stdout, for people. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"

/* A line for the daemon, then a line per problem. */
void cli_show_daemon(const struct cli *c, const struct bl_json *daemon);
void cli_show_host(const struct bl_json *host);
/* A table, and below it the reasons for rows that need one; false: out of memory. */
bool cli_show_domains(const struct cli *c, const struct bl_json *domains);
bool cli_show_claims(const struct cli *c, const struct bl_json *claims);
/* The limits and the target, on one line. */
void cli_show_domain(const struct bl_json *domain);
/* Whom a claim is for: "web", a UUID, "domain 5", or "". */
#define CLI_SHOW_FOR_STR 256
const char *cli_show_for(const struct bl_json *claim, char buf[CLI_SHOW_FOR_STR]);

#endif
