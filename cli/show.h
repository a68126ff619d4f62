/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's objects as people see them. Each prints to stdout. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"

/* One line, then one a problem. */
void cli_show_daemon(const struct cli *c, const struct bl_json *daemon);
void cli_show_host(const struct bl_json *host);
/* Tables, and below them why for those where it matters; false: out of
 * memory. */
bool cli_show_domains(const struct cli *c, const struct bl_json *domains);
bool cli_show_claims(const struct cli *c, const struct bl_json *claims);
/* Its limits and target, on one line. */
void cli_show_domain(const struct bl_json *domain);
/* Whom it is for: "web", a UUID, "domain 5", or "". */
#define CLI_SHOW_FOR_STR 256
const char *cli_show_for(const struct bl_json *claim, char buf[CLI_SHOW_FOR_STR]);

#endif
