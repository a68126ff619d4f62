/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The books of a world, read without any of the daemon's code. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/sim/world.h"
#include "tests/kill/points.h"

static const char *const phases[BL_SIM_PHASES] = {
	[BL_SIM_EMPTY] = "empty",
	[BL_SIM_BUILDING] = "building",
	[BL_SIM_RUNNING] = "running",
	[BL_SIM_DYING] = "dying",
};

static void dump_domain(const struct bl_sim *s, const struct bl_sim_dom *d, bool first)
{
	char uuid[BL_UUID_STR];
	uint64_t overhead = 0;

	bl_uuid_format(&d->uuid, uuid);
	for (size_t i = 0; i < s->w->n_nodes; i++)
		overhead += d->overhead[i];
	printf("%s{\"domid\":%" PRIu64 ",\"uuid\":\"%s\",\"name\":\"%s\",\"phase\":\"%s\","
	       "\"holder\":%s,\"pages\":%" PRIu64 ",\"overhead\":%" PRIu64 ",\"outstanding\":%" PRIu64
	       ",\"target\":%" PRIu64 "}",
	       first ? "" : ",", d->domid, uuid, d->name, phases[d->phase],
	       bl_handle_is_ours(&d->uuid) ? "true" : "false", bl_sim_tot(s, d), overhead, d->outstanding,
	       d->target);
}

static int dump(void *mem, size_t size)
{
	struct bl_sim *s;
	struct bl_err err;
	bool first = true;

	if (bl_sim_open(mem, size, &s, &err) < 0 || bl_sim_check(s, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	printf("{\"total\":%" PRIu64 ",\"free\":%" PRIu64 ",\"outstanding\":%" PRIu64 ",\"pool\":%" PRIu64
	       ",\"domains\":[",
	       s->total, s->free, s->outstanding, s->w->pool);
	for (size_t j = 0; j < s->w->n_slots; j++)
		if (bl_sim_exists(&s->w->doms[j])) {
			dump_domain(s, &s->w->doms[j], first);
			first = false;
		}
	printf("]}\n");
	bl_sim_free(s);
	return 0;
}

int dump_world(const char *file)
{
	size_t size = bl_sim_world_size();
	int fd = open(file, O_RDONLY | O_CLOEXEC), r;
	/* A copy: looking must not mend what was cut short. */
	void *mem = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (mem == MAP_FAILED) {
		perror(file);
		return 2;
	}
	r = dump(mem, size);
	munmap(mem, size);
	close(fd);
	return r;
}
