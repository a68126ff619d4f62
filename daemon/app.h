/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon from its options to its exit status. */
#ifndef BD_APP_H
#define BD_APP_H

#include <stdbool.h>
#include <stdio.h>

struct bd_options {
	bool sim;	    /* --backend sim */
	const char *config; /* NULL: the default, which may be missing */
	const char *socket, *state_dir;
	const char *claims_dir; /* of the claims' records; NULL: below state_dir */
	const char *sim_world;	/* NULL: the built-in world */
	double sim_speed;
	enum { BD_RUN, BD_CHECK_CONFIG, BD_DROP_HOLDERS, BD_VERSION, BD_HELP } what;
};

/* 0, or -EINVAL with a line on err. Strings stay argv's. */
int bd_options_parse(int argc, char **argv, FILE *err, struct bd_options *ret);

/* What main does; its exit status: 0 done or stopped cleanly, 1 failed, 2 usage. */
int bd_app_main(int argc, char **argv);

#endif
