/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated host as a backend. Its time is CLOCK_BOOTTIME times the
 * speed, taken in whenever somebody looks; while no daemon runs it goes on, as
 * a real host does: the next start catches up, at the speed the world had. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/host.h"
#include "daemon/base/log.h"
#include "daemon/sim/map.h"
#include "lib/sim/sim.h"

struct sim_host {
	struct bd_host host; /* first: the manager knows only that */
	struct bd_sim_map map;
	struct bl_sim *sim;
	double speed;
	uint64_t real0, virtual0; /* one moment on both clocks: ns, ms */
	struct event *timer;	  /* when domains next come or go of themselves */
	uint64_t told;		  /* the changes the manager knows of */
	char *world_file;
};

static struct sim_host *sim_of(struct bd_host *h)
{
	return (struct sim_host *)h;
}

/* ---- Time ------------------------------------------------------------------- */

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t scaled(uint64_t ns, double speed)
{
	double ms = (double)ns / 1e6 * speed;

	return ms < 1e15 ? (uint64_t)ms : UINT64_C(1000000000000000);
}

/* Lets the world come up to now. */
static void catch_up(struct sim_host *h)
{
	uint64_t real = real_ns();
	bl_ms due = BL_MS(h->virtual0 + scaled(real - h->real0, h->speed));
	struct bl_sim_keep *keep = bl_sim_keep(h->sim);

	/* Killed between the two, the world loses this step and no more. */
	keep->real_ns = real;
	bl_sim_step(h->sim, bl_ms_since(due, bl_sim_now(h->sim)));
}

static void arm(struct sim_host *h)
{
	bl_ms next = bl_sim_next_change(h->sim), now = bl_sim_now(h->sim);
	struct timeval tv = { 0, 0 };

	if (bl_sim_changes(h->sim) == h->told) {
		double wait;

		if (next.n == BL_MS_NEVER.n) {
			evtimer_del(h->timer);
			return;
		}
		wait = (double)bl_ms_since(next, now).n / 1000 / h->speed;
		wait = wait < 0.001 ? 0.001 : wait > 86400 ? 86400 : wait;
		tv.tv_sec = (time_t)wait;
		tv.tv_usec = (suseconds_t)((wait - (double)tv.tv_sec) * 1e6);
	}
	evtimer_add(h->timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ud)
{
	struct sim_host *h = ud;

	(void)fd;
	(void)what;
	catch_up(h);
	if (bl_sim_changes(h->sim) != h->told) {
		h->told = bl_sim_changes(h->sim);
		h->host.events.changed(h->host.events.ud);
	}
	arm(h);
}

/* ---- The table ---------------------------------------------------------------- */

static const char *op_version(struct bd_host *host)
{
	(void)host;
	return "simulated 1.0";
}

static void op_close(struct bd_host *host)
{
	struct sim_host *h = sim_of(host);

	if (h->timer)
		event_free(h->timer);
	bl_sim_free(h->sim);
	bd_sim_map_close(&h->map);
	free(h->world_file);
	free(h);
}

static bl_ms op_now(struct bd_host *host)
{
	catch_up(sim_of(host));
	return bl_sim_now(sim_of(host)->sim);
}

static double op_speed(struct bd_host *host)
{
	return sim_of(host)->speed;
}

static int op_boot_id(struct bd_host *host, bl_uuid *ret)
{
	*ret = bl_sim_keep(sim_of(host)->sim)->boot;
	return 0;
}

static int op_snapshot(struct bd_host *host, struct bl_snapshot *s)
{
	struct sim_host *h = sim_of(host);
	int r;

	catch_up(h);
	r = bl_sim_snapshot(h->sim, s);
	if (!r)
		h->told = bl_sim_changes(h->sim);
	arm(h);
	return r;
}

static int op_apply(struct bd_host *host, const struct bl_action *a, struct bl_err *reterr)
{
	catch_up(sim_of(host));
	return bl_sim_apply(sim_of(host)->sim, a, reterr);
}

static int op_stake(struct bd_host *host, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		    uint32_t *ret_domid, struct bl_err *reterr)
{
	catch_up(sim_of(host));
	return bl_sim_stake(sim_of(host)->sim, handle, id, pages, node, ret_domid, reterr);
}

static int op_unstake(struct bd_host *host, uint32_t holder, const bl_uuid *handle)
{
	catch_up(sim_of(host));
	return bl_sim_unstake(sim_of(host)->sim, holder, handle);
}

static int op_transfer(struct bd_host *host, uint32_t holder, const bl_uuid *handle, uint32_t domid,
		       bl_pages pages, struct bl_err *reterr)
{
	catch_up(sim_of(host));
	return bl_sim_transfer(sim_of(host)->sim, holder, handle, domid, pages, reterr);
}

static int op_cancel(struct bd_host *host, uint32_t domid)
{
	catch_up(sim_of(host));
	return bl_sim_cancel(sim_of(host)->sim, domid);
}

static int op_pool_set(struct bd_host *host, int node, bl_pages pages, struct bl_err *reterr)
{
	char size[BL_SIZE_STR];

	if (node >= 0)
		return bl_err_set(reterr, EOPNOTSUPP, BL_ERR_UNSUPPORTED,
				  "a simulated host has no claims on a node");
	catch_up(sim_of(host));
	if (bl_sim_pool_set(sim_of(host)->sim, pages))
		return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
				  "the hypervisor has no room for a pool of %s",
				  bl_pages_format(pages, size));
	return 0;
}

static int op_pool_move(struct bd_host *host, int node, uint32_t domid, bl_pages pages,
			struct bl_err *reterr)
{
	int r;

	(void)node;
	catch_up(sim_of(host));
	r = bl_sim_pool_move(sim_of(host)->sim, domid, pages);
	if (r)
		return bl_err_set(reterr, -r, r == -ESRCH ? BL_ERR_NO_SUCH_DOMAIN : BL_ERR_BACKEND,
				  "the hypervisor does not move a claim to domain %u: %s", domid,
				  strerror(-r));
	return 0;
}

static void op_adopt(struct bd_host *host, uint32_t domid)
{
	bl_sim_adopt(sim_of(host)->sim, domid);
}

static void op_problems(struct bd_host *host, void (*add)(void *ud, const char *line), void *ud)
{
	const struct sim_host *h = sim_of(host);
	char line[512];

	if (!h->map.other_source)
		return;
	snprintf(line, sizeof(line),
		 "the simulated host was made from another file than %s, and stays until %s is "
		 "removed from the state folder",
		 h->world_file, BD_SIM_MAP_NAME);
	add(ud, line);
}

static const struct bd_host_ops ops = {
	.name = "sim",
	.version = op_version,
	.close = op_close,
	.now = op_now,
	.speed = op_speed,
	.boot_id = op_boot_id,
	.snapshot = op_snapshot,
	.apply = op_apply,
	.stake = op_stake,
	.unstake = op_unstake,
	.transfer = op_transfer,
	.cancel = op_cancel,
	.pool_set = op_pool_set,
	.pool_move = op_pool_move,
	.adopt = op_adopt,
	.problems = op_problems,
};

/* ---- Opening ------------------------------------------------------------------- */

/* The time that went by while nobody simulated, and the two clocks tied. */
static void start_clock(struct sim_host *h)
{
	struct bl_sim_keep *keep = bl_sim_keep(h->sim);
	uint64_t real = real_ns(), last = keep->real_ns;

	keep->real_ns = real;
	/* BOOTTIME began anew: the machine was booted, and nobody knows when. */
	if (last && last < real)
		bl_sim_step(h->sim, BL_MS(scaled(real - last, keep->speed)));
	keep->speed = h->speed;
	h->real0 = real;
	h->virtual0 = bl_sim_now(h->sim).n;
}

static int set_up(struct sim_host *h, struct event_base *base, const char *world_file, struct bl_err *reterr)
{
	int r = bl_sim_open(h->map.mem, h->map.size, &h->sim, reterr);

	if (r)
		return r;
	h->host.pool = bl_sim_has_pool(h->sim);
	h->timer = evtimer_new(base, on_timer, h);
	h->world_file = world_file ? strdup(world_file) : NULL;
	if (!h->timer || (world_file && !h->world_file))
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	start_clock(h);
	h->told = bl_sim_changes(h->sim);
	return 0;
}

int bd_host_sim_open(struct event_base *base, const struct bd_host_events *ev, const char *world_file,
		     const char *state_dir, double speed, struct bd_host **ret, struct bl_err *reterr)
{
	struct sim_host *h;
	int r;

	if (!(speed >= 0.001 && speed <= 1e6))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "the speed of a simulated host must be from 0.001 to 1000000");
	h = calloc(1, sizeof(*h));
	if (!h)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	h->host = (struct bd_host){ .ops = &ops, .events = *ev };
	h->speed = speed;
	r = bd_sim_map_open(state_dir, world_file, &h->map, reterr);
	if (!r && h->map.passing)
		bd_log(LOG_WARNING,
		       "the simulated host ends with this process: its file in %s cannot be "
		       "written",
		       state_dir);
	if (r) {
		free(h);
		return r;
	}
	r = set_up(h, base, world_file, reterr);
	if (r) {
		op_close(&h->host);
		return r;
	}
	*ret = &h->host;
	return 0;
}

/* ---- What only a simulated host can --------------------------------------------- */

int bd_host_sim_create(struct bd_host *host, const struct bl_sim_launch *launch,
		       const struct bl_claim *claim, uint32_t *ret_domid, struct bl_err *reterr)
{
	struct sim_host *h = sim_of(host);
	struct bl_sim_launch l = *launch;
	int r;

	l.holder = NULL;
	l.pooled = BL_PAGES(0);
	if (claim && claim->holder == BL_DOMID_POOL)
		l.pooled = claim->in_pool;
	else if (claim)
		l.holder = &claim->handle;

	catch_up(h);
	r = bl_sim_launch(h->sim, &l, ret_domid, reterr);
	arm(h);
	return r;
}

int bd_host_sim_destroy(struct bd_host *host, uint32_t domid, struct bl_err *reterr)
{
	struct sim_host *h = sim_of(host);
	int r;

	catch_up(h);
	r = bl_sim_domain_destroy(h->sim, domid);
	arm(h);
	if (r == -ESRCH)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "no domain %u", domid);
	if (r == -EINVAL)
		return bl_err_set(reterr, EINVAL, BL_ERR_BAD_STATE, "dom0 cannot be destroyed");
	return r ? bl_err_set(reterr, -r, BL_ERR_BAD_STATE, "domain %u is dying already", domid) : 0;
}

int bd_host_sim_set(struct bd_host *host, uint32_t domid, const char *key, const char *value,
		    struct bl_err *reterr)
{
	struct sim_host *h = sim_of(host);
	int r;

	catch_up(h);
	r = bl_sim_set(h->sim, domid, key, value, reterr);
	arm(h);
	return r;
}
