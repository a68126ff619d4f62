/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs, a file per family. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/cli.h"

extern const struct cli_verb cli_verb_claim;					/* claim.c */
extern const struct cli_verb cli_verb_claims, cli_verb_release, cli_verb_renew; /* claims.c */
extern const struct cli_verb cli_verb_run;					/* run.c */
extern const struct cli_verb cli_verb_monitor;					/* monitor.c */
extern const struct cli_verb cli_verb_plan, cli_verb_explain;			/* plan.c */
extern const struct cli_verb cli_verb_set, cli_verb_forget, cli_verb_rebalance, cli_verb_pause,
	cli_verb_resume;				     /* set.c */
extern const struct cli_verb cli_verb_sim;		     /* sim.c */
extern const struct cli_verb cli_verb_status, cli_verb_ping; /* status.c */

#endif
