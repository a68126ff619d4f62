/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon from its options to its exit status. */
#ifndef BD_APP_H
#define BD_APP_H

#include <stdbool.h>
#include <stdio.h>

struct bd_options {
	bool sim;	    /* --backend sim */
	const char *config; /* NULL: the default file, which may be missing */
	const char *socket, *state_dir;
	const char *claims_dir; /* for the records of claims; NULL: below state_dir */
	const char *sim_world;	/* NULL: the built-in world */
	double sim_speed;
	enum { BD_RUN, BD_CHECK_CONFIG, BD_DROP_HOLDERS, BD_VERSION, BD_HELP } what;
};

/* 0, or -EINVAL with a line on err. Strings of *ret are argv's. */
int bd_options_parse(int argc, char **argv, FILE *err, struct bd_options *ret);

/* The whole of main(). Returns the exit status: 0 done or stopped, 1 failed, 2 usage. */
int bd_app_main(int argc, char **argv);

#endif
