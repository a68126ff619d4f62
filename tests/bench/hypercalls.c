/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/bench/hypercalls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/manager/manager.h"

#define BOUND 6
/* Domains that one getdomaininfolist asks for at most. */
#define LIST_BATCH 1024
#define SETTLE_SECONDS 2

static const struct bd_host_ops *real;
static struct bd_host_ops counted;
static unsigned n_domains;

/* Hypercalls of the Xen backend for each operation. */
static struct {
	unsigned snapshot, apply, stake, other;
} count;

static unsigned hypercalls(void)
{
	unsigned snapshot = 1 + (n_domains + 1) / LIST_BATCH + 1; /* physinfo, getdomaininfolist */

	/* setmaxmem, if any; a holder: createdomain, max_mem, claim_pages */
	return count.snapshot * snapshot + count.apply + count.stake * 3 + count.other * 3;
}

static int op_snapshot(struct bd_host *h, struct bl_snapshot *s)
{
	count.snapshot++;
	return real->snapshot(h, s);
}

static int op_apply(struct bd_host *h, const struct bl_action *a, struct bl_err *err)
{
	count.apply += a->kind == BL_ACT_MAXMEM;
	return real->apply(h, a, err);
}

static int op_stake(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages, int node,
		    uint32_t *ret_domid, struct bl_err *err)
{
	count.stake++;
	return real->stake(h, handle, id, pages, node, ret_domid, err);
}

static int op_unstake(struct bd_host *h, uint32_t holder, const bl_uuid *handle)
{
	count.other++;
	return real->unstake(h, holder, handle);
}

static int op_transfer(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
		       bl_pages pages, struct bl_err *err)
{
	count.other++;
	return real->transfer(h, holder, handle, domid, pages, err);
}

static int op_cancel(struct bd_host *h, uint32_t domid)
{
	count.other++;
	return real->cancel(h, domid);
}

static void count_host(struct bd_host *h)
{
	real = h->ops;
	counted = *real;
	counted.snapshot = op_snapshot;
	counted.apply = op_apply;
	counted.stake = op_stake;
	counted.unstake = op_unstake;
	counted.transfer = op_transfer;
	counted.cancel = op_cancel;
	h->ops = &counted;
}

static void run_for(struct event_base *base, unsigned seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

static void on_done(void *ud, const struct bl_claim *c, const struct bl_err *err)
{
	if (err || c->state != BL_CLAIM_HELD) {
		fprintf(stderr, "the claim is not held: %s\n", err ? err->msg : "");
		exit(2);
	}
	*(unsigned *)ud = hypercalls();
}

static int measure(struct bd_manager *m, struct event_base *base)
{
	struct bd_claim_request req = { .size = BL_MIB_PAGES(1024), .node = -1 };
	unsigned answered = 0, all;

	run_for(base, SETTLE_SECONDS); /* what there is to do at the start */
	memset(&count, 0, sizeof(count));
	bd_manager_claim(m, &req, on_done, &answered);
	run_for(base, SETTLE_SECONDS); /* and what a claim leaves to do */
	all = hypercalls();
	printf("a claim with room among %u domains: held after %u hypercalls, %u in all "
	       "(%u looks, %u stakes), bound %d:  %s\n",
	       n_domains, answered, all, count.snapshot, count.stake, BOUND,
	       all <= BOUND ? "met" : "BROKEN");
	return all > BOUND;
}

static void say_nothing(int priority, const char *line)
{
	(void)priority, (void)line;
}

static void check(int r, const struct bl_err *err)
{
	if (r < 0) {
		fprintf(stderr, "%s\n", err->msg);
		exit(2);
	}
}

int bench_hypercalls(const char *folder, unsigned n)
{
	char world[64], state_dir[64];
	struct bd_config config;
	struct bd_manager_config mc = { .base = event_base_new(),
					.settings = &config.settings,
					.events = bd_events_new(16) };
	struct bd_host_events events;
	struct bd_manager *m;
	struct bd_host *host;
	struct bl_err err = { .msg = "out of memory" };
	int status;

	bd_log_set_sink(say_nothing);
	n_domains = n + 1;
	snprintf(world, sizeof(world), "%s/world", folder);
	snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
	bd_config_init(&config);
	config.settings.tick = BL_MS(60000); /* not in the middle of this */
	check(bd_state_open(state_dir, NULL, &mc.state, &err), &err);
	check(bd_manager_new(&mc, &m), &err);
	events = bd_manager_host_events(m);
	check(bd_host_sim_open(mc.base, &events, world, state_dir, 1, &host, &err), &err);
	count_host(host);
	check(bd_manager_start(m, host, &err), &err);
	status = measure(m, mc.base);
	bd_manager_free(m);
	bd_events_free(mc.events);
	bd_state_close(mc.state);
	bd_config_free(&config);
	event_base_free(mc.base);
	return status;
}
