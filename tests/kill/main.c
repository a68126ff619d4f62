/* SPDX-License-Identifier: GPL-2.0-or-later */
/* balloond with places to be killed at: KILL_AT=N in the environment kills it
 * at the Nth, KILL_LOG=FILE tells of each. With --dump-world FILE it prints
 * what a simulated world, of which no daemon runs, holds. */
#include <stdio.h>
#include <string.h>

#include "daemon/app.h"
#include "tests/kill/points.h"

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--dump-world"))
		return dump_world(argv[2]);
	points_init();
	return bd_app_main(argc, argv);
}
