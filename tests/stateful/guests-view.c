/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-ins of Xen in the eyes of the checks, and what the daemon may do there. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/ledger.h"
#include "tests/stateful/checks.h"
#include "tests/stateful/guests.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

/* A second write of a value follows the first after half a second, see
 * daemon/xen/target.c; and what is queued for a xenstored that is silent is old. */
#define WRITES_LATE_MS 1000

static bool is_ours(const struct fake_domain *d)
{
	return d && bl_handle_is_ours(&d->handle);
}

static uint64_t staked(const bl_uuid *handle)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < fake_xen.n_doms; i++)
		if (fake_xen.doms[i].used && bl_uuid_equal(&fake_xen.doms[i].handle, handle))
			sum += fake_xen.doms[i].outstanding;
	return sum;
}

static uint64_t pool(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= FAKE_NODES; i++)
		sum += fake_xen.pool[i];
	return sum;
}

static bool were_built;
static unsigned built_before;

static bool builds(void)
{
	bool r = were_built || guests_built != built_before;

	built_before = guests_built;
	were_built = false;
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		were_built |= guests[i].state == GUEST_BUILT;
	return r || were_built || guests_names_unsure;
}

static bool runs(const bl_uuid *uuid)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if ((guests[i].state == GUEST_RUNS || guests[i].state == GUEST_PAUSED) &&
		    bl_uuid_equal(&guests[i].uuid, uuid))
			return true;
	return false;
}

static void check_books(void)
{
	int64_t wrong = guests_imbalance();

	if (wrong)
		world_failed("the host's books are wrong by %" PRId64 " pages", wrong);
}

static void each_holder(const struct bl_ledger *l)
{
	for (size_t i = 0; i < fake_xen.n_doms; i++) {
		const struct fake_domain *d = &fake_xen.doms[i];

		const struct bl_claim *claim = d->used && is_ours(d) ? bl_ledger_by_handle(l, &d->handle)
								     : NULL;

		if (d->used && is_ours(d) && (!claim || claim->holder != d->domid))
			world_failed("domain %u holds %" PRIu64 " pages for no claim", d->domid,
				     d->outstanding);
	}
}

/* ---- what the daemon may do ---- */

static bool is_left_alone(const struct guest *g)
{
	return g->state != GUEST_RUNS || g->saved;
}

void guests_check_call(const char *name, uint32_t domid)
{
	const struct fake_domain *d = fake_xen_find(domid);
	const struct guest *g = guests_by_domid(domid);

	if (!strcmp(name, "destroydomain") && d && !is_ours(d))
		world_failed("domain %u is destroyed, and was none of balloond's", domid);
	if (!strcmp(name, "setmaxmem") && g && is_left_alone(g) &&
	    (g->state != GUEST_PAUSED || guests_by_hand_at != played_now()))
		world_failed("the limit of domain %u is set while it is %s", domid,
			     g->saved		       ? "saved"
			     : g->state == GUEST_BUILT ? "built"
						       : "paused or gone");
	if (!strcmp(name, "claim_pages") && !is_ours(d) && (!g || g->state != GUEST_BUILT))
		world_failed("memory is claimed for domain %u, which nobody builds", domid);
}

/* Under the lock of the store: nothing of it may be asked. */
void guests_check_write(const char *path, const char *value)
{
	uint32_t domid = (uint32_t)strtoul(path + strlen("/local/domain/"), NULL, 10);
	const struct guest *g = guests_by_domid(domid);
	int64_t pages = (int64_t)(strtoull(value, NULL, 10) / 4);

	if (strstr(path, "/name") && fake_xen_find(domid) && !is_ours(fake_xen_find(domid)))
		world_failed("domain %u is given a name, and is none of balloond's", domid);
	if (!strstr(path, "/memory/target"))
		return;
	if (!g)
		world_failed("%s is written, and there is no such guest", path);
	if (pages > (int64_t)g->max)
		world_failed("the target of domain %u is above its allocation: %s KiB", domid, value);
	if (is_left_alone(g) && !guests_names_unsure && g->touched_at + WRITES_LATE_MS < played_now() &&
	    guests_by_hand_at + WRITES_LATE_MS < played_now())
		world_failed("the target of domain %u is written while it is to be left alone", domid);
}

static void begin(struct rnd *r)
{
	were_built = false;
	guests_begin(r);
}

const struct host_view guests_view = {
	.host = &guests_host,
	.staked = staked,
	.pool = pool,
	.builds = builds,
	.runs = runs,
	.check_books = check_books,
	.each_holder = each_holder,
	.begin = begin,
	.peace = guests_peace,
};
