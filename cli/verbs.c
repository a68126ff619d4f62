/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/verbs.h"

#include <string.h>

const struct cli_verb *const *const cli_families[] = {
	cli_verbs_status,
	cli_verbs_claim,
	cli_verbs_claims,
	cli_verbs_run,
	cli_verbs_set,
	cli_verbs_plan,
	cli_verbs_monitor,
#ifdef HAVE_SIM
	cli_verbs_sim,
#endif
	NULL,
};

const struct cli_verb *cli_verb_find(const char *name)
{
	for (const struct cli_verb *const *const *f = cli_families; *f; f++)
		for (const struct cli_verb *const *v = *f; *v; v++)
			if (!strcmp((*v)->name, name))
				return *v;
	return NULL;
}
