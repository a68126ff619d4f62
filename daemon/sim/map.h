/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of a simulated world, mapped and locked. */
#ifndef BD_SIM_MAP_H
#define BD_SIM_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/err.h"

struct bd_sim_map {
	int fd; /* holds the lock */
	void *mem;
	size_t size;
	/* The world in the file was not made from the given world_file. */
	bool other_source;
	/* The file cannot be written: the world ends with this process. */
	bool passing;
};

/* Maps state_dir/sim-world; a copy if that folder cannot be written. A missing file is made from
 * world_file, or from the built-in world (NULL), and appears only when it is whole. -EBUSY:
 * another process has it. */
int bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
		    struct bl_err *reterr);
void bd_sim_map_close(struct bd_sim_map *m);

#define BD_SIM_MAP_NAME "sim-world"

#endif
