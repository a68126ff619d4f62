/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated host: its world is in memory that outlives the daemon, as the file does in
 * which the backend keeps it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/sim/map.h"
#include "lib/sim/sim.h"
#include "tests/scenario/random-host.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/host.h"
#include "tests/stateful/wires.h"

static int world_fd = -1;
static void *world;

int __wrap_bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
			   struct bl_err *reterr);
int __wrap_bd_sim_map_open(const char *state_dir, const char *world_file, struct bd_sim_map *ret,
			   struct bl_err *reterr)
{
	(void)state_dir, (void)world_file, (void)reterr;
	*ret = (struct bd_sim_map){ .fd = -1, .mem = world, .size = bl_sim_world_size() };
	return 0;
}

void __wrap_bd_sim_map_close(struct bd_sim_map *m);
void __wrap_bd_sim_map_close(struct bd_sim_map *m)
{
	(void)m;
}

/* ---- what the backend asks of the simulator, which may fail ---- */

#define FAILS(name)                                                                                         \
	int error_ = faults_hypercall(name);                                                                \
	if (error_)                                                                                         \
	return reterr ? bl_err_set(reterr, error_, BL_ERR_BACKEND, "it fails") : -error_

int __real_bl_sim_snapshot(struct bl_sim *s, struct bl_snapshot *snap);
int __wrap_bl_sim_snapshot(struct bl_sim *s, struct bl_snapshot *snap);
int __wrap_bl_sim_snapshot(struct bl_sim *s, struct bl_snapshot *snap)
{
	int error = faults_hypercall("getinfolist");

	return error ? -error : __real_bl_sim_snapshot(s, snap);
}

int __real_bl_sim_apply(struct bl_sim *s, const struct bl_action *a, struct bl_err *reterr);
int __wrap_bl_sim_apply(struct bl_sim *s, const struct bl_action *a, struct bl_err *reterr);
int __wrap_bl_sim_apply(struct bl_sim *s, const struct bl_action *a, struct bl_err *reterr)
{
	FAILS("setmaxmem");
	return __real_bl_sim_apply(s, a, reterr);
}

int __real_bl_sim_stake(struct bl_sim *s, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
			uint32_t *ret_domid, struct bl_err *reterr);
int __wrap_bl_sim_stake(struct bl_sim *s, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
			uint32_t *ret_domid, struct bl_err *reterr);
int __wrap_bl_sim_stake(struct bl_sim *s, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
			uint32_t *ret_domid, struct bl_err *reterr)
{
	int r;

	FAILS("createdomain");
	r = __real_bl_sim_stake(s, handle, id, pages, node, ret_domid, reterr);
	faults_step();
	return r;
}

int __real_bl_sim_unstake(struct bl_sim *s, uint32_t holder, const bl_uuid *handle);
int __wrap_bl_sim_unstake(struct bl_sim *s, uint32_t holder, const bl_uuid *handle);
int __wrap_bl_sim_unstake(struct bl_sim *s, uint32_t holder, const bl_uuid *handle)
{
	int error = faults_hypercall("destroydomain"), r;

	if (error)
		return -error;
	r = __real_bl_sim_unstake(s, holder, handle);
	faults_step();
	return r;
}

int __real_bl_sim_pool_set(struct bl_sim *s, bl_pages pages);
int __wrap_bl_sim_pool_set(struct bl_sim *s, bl_pages pages);
int __wrap_bl_sim_pool_set(struct bl_sim *s, bl_pages pages)
{
	int error = faults_hypercall("claim_ctl"), r;

	if (error)
		return -error;
	r = __real_bl_sim_pool_set(s, pages);
	faults_step();
	return r;
}

/* ---- in the eyes of the checks: a copy, and nothing of it is written back ---- */

static struct bl_sim *copy;
static void *copy_mem;
static struct bl_snapshot seen;

static void look(void)
{
	struct bl_err err;

	copy_mem = mmap(NULL, bl_sim_world_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, world_fd, 0);
	if (copy_mem == MAP_FAILED)
		abort();
	if (bl_sim_open(copy_mem, bl_sim_world_size(), &copy, &err) || bl_sim_check(copy, &err))
		world_failed("the host's books are wrong: %s", err.msg);
	bl_snapshot_reset(&seen);
	if (__real_bl_sim_snapshot(copy, &seen))
		abort();
	bl_sim_free(copy);
	munmap(copy_mem, bl_sim_world_size());
}

/* Once a step, before the others. */
static void check_books(void)
{
	look();
}

static uint64_t staked(const bl_uuid *handle)
{
	for (size_t i = 0; i < seen.n_doms; i++)
		if (seen.doms[i].flags & BL_DOM_HOLDER && bl_uuid_equal(&seen.doms[i].uuid, handle))
			return seen.doms[i].outstanding.n;
	return 0;
}

static uint64_t pool(void)
{
	return seen.pool.n;
}

/* Builds are asked of the daemon itself, which names the claims. */
static bool builds(void)
{
	return true;
}

static bool runs(const bl_uuid *uuid)
{
	for (size_t i = 0; i < seen.n_doms; i++)
		if (!(seen.doms[i].flags & (BL_DOM_BUILDING | BL_DOM_DYING)) &&
		    bl_uuid_equal(&seen.doms[i].uuid, uuid))
			return true;
	return false;
}

static void each_holder(const struct bl_ledger *l)
{
	for (size_t i = 0; i < seen.n_doms; i++)
		if (seen.doms[i].flags & BL_DOM_HOLDER && !bl_ledger_by_handle(l, &seen.doms[i].uuid))
			world_failed("domain %u holds %llu pages for no claim", seen.doms[i].domid,
				     (unsigned long long)seen.doms[i].outstanding.n);
}

static void begin(struct rnd *r)
{
	static struct host_text text;
	struct bl_sim *s;
	struct bl_err err;

	random_host(&text, r);
	if (rnd_one_in(r, 3)) {
		static const char pools[] = "claim-method=pool\n";

		memcpy(text.buf + text.len, pools, sizeof(pools));
		text.len += sizeof(pools) - 1;
	}
	world_fd = memfd_create("world", MFD_CLOEXEC);
	if (world_fd < 0 || ftruncate(world_fd, (off_t)bl_sim_world_size()) < 0)
		abort();
	world = mmap(NULL, bl_sim_world_size(), PROT_READ | PROT_WRITE, MAP_SHARED, world_fd, 0);
	if (world == MAP_FAILED)
		abort();
	if (bl_sim_world_parse(world, "world", text.buf, text.len, &err) ||
	    bl_sim_open(world, bl_sim_world_size(), &s, &err))
		world_failed("no world: %s", err.msg);
	bl_sim_keep(s)->boot.b[0] = 1;
	bl_sim_free(s);
}

static void peace(void)
{
}

static int open_host(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		     struct bl_err *reterr)
{
	return bd_host_sim_open(base, ev, NULL, "", 1.0, ret, reterr);
}

static const struct played_host sim_host = { .name = "sim", .open = open_host };

const struct host_view sim_view = {
	.host = &sim_host,
	.staked = staked,
	.pool = pool,
	.builds = builds,
	.runs = runs,
	.check_books = check_books,
	.each_holder = each_holder,
	.begin = begin,
	.peace = peace,
};
