/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/guests.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "tests/stateful/checks.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

#define PAGES_PER_MIB 256
#define FIRST_DOMID 1
#define REUSED_DOMIDS 40 /* so few that they come again and again */
#define SLACK 256	 /* what a toolstack lets a domain have above its size */

struct guest guests[GUESTS_MAX];
unsigned guests_looks, guests_built;
bool guests_names_unsure;
uint64_t guests_by_hand_at;
static uint64_t stolen, booked;
static uint8_t last_uuid;

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* ---- pages ---- */

/* As the hypervisor gives them: up to its limit, from what is free and claimed by nobody
 * else, and first from its own claim. */
static void populate(struct fake_domain *d, uint64_t want)
{
	uint64_t claimed = fake_xen_outstanding() - d->outstanding;
	uint64_t n = less(fake_xen.free, claimed);

	n = n < less(d->max, d->tot) ? n : less(d->max, d->tot);
	n = n < want ? n : want;
	d->tot += n;
	d->outstanding = less(d->outstanding, n);
	fake_xen.free -= n;
}

static void depopulate(struct fake_domain *d, uint64_t n)
{
	n = n < d->tot ? n : d->tot;
	d->tot -= n;
	fake_xen.free += n;
}

int64_t guests_imbalance(void)
{
	uint64_t sum = fake_xen.free + stolen;

	for (size_t i = 0; i < fake_xen.n_doms; i++)
		if (fake_xen.doms[i].used)
			sum += fake_xen.doms[i].tot;
	if (fake_xen_outstanding() > fake_xen.free)
		return -(int64_t)fake_xen_outstanding();
	return (int64_t)sum - (int64_t)booked;
}

/* ---- finding ---- */

struct guest *guests_by_domid(uint32_t domid)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (guests[i].state != GUEST_NONE && guests[i].domid == domid)
			return &guests[i];
	return NULL;
}

struct guest *guests_some(struct rnd *r)
{
	unsigned from = (unsigned)rnd_below(r, GUESTS_MAX);

	for (unsigned i = 0; i < GUESTS_MAX; i++)
		if (guests[(from + i) % GUESTS_MAX].state != GUEST_NONE)
			return &guests[(from + i) % GUESTS_MAX];
	return NULL;
}

/* The first that is free, from that one on. The hypervisor counts up; here the ids come
 * round soon, as they do on a host that is up for long. */
static uint32_t free_domid(uint32_t from)
{
	for (uint32_t i = 0; i < REUSED_DOMIDS; i++) {
		uint32_t domid = FIRST_DOMID + (from + i) % REUSED_DOMIDS;

		if (!fake_xen_find(domid))
			return domid;
	}
	abort();
}

/* ---- the toolstack ---- */

static void write_keys(struct guest *g)
{
	char uuid[BL_UUID_STR];
	uint64_t kib = (uint64_t)((int64_t)g->goal - g->offset) * 4;

	bl_uuid_format(&g->uuid, uuid);
	fake_store_setf(g->domid, "name", "%s", g->name);
	fake_store_setf(g->domid, "memory/target", "%" PRIu64, kib);
	fake_store_setf(g->domid, "memory/static-max", "%" PRIu64, g->max * 4);
	fake_store_setf(g->domid, "memory/videoram", "0");
	fake_store_setf(g->domid, "vm", "/vm/%s", uuid);
}

static void remove_keys(uint32_t domid)
{
	static const char *const keys[] = { "name",
					    "memory/target",
					    "memory/static-max",
					    "memory/videoram",
					    "data/balloond/stat",
					    "control/shutdown",
					    "vm" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		fake_store_setf(domid, keys[i], NULL);
}

static struct guest *build_as(struct rnd *r, uint32_t domid, const bl_uuid *uuid, const char *name)
{
	struct guest *g = NULL;
	struct fake_domain *d;

	for (unsigned i = 0; i < GUESTS_MAX && !g; i++)
		if (guests[i].state == GUEST_NONE)
			g = &guests[i];
	if (!g)
		return NULL;
	guests_built++;
	*g = (struct guest){
		.state = GUEST_BUILT,
		.domid = domid,
		.hvm = rnd_one_in(r, 2),
		.stuck = rnd_one_in(r, 8),
		.reports = rnd_one_in(r, 3),
		.wire = WIRES,
		.goal = rnd_in(r, 64, 1024) * PAGES_PER_MIB,
		.rate = rnd_in(r, 1, 400) * PAGES_PER_MIB,
		.touched_at = played_now(),
	};
	g->max = g->goal + (rnd_one_in(r, 2) ? 0 : rnd_in(r, 0, 512) * PAGES_PER_MIB);
	g->offset = g->hvm && rnd_one_in(r, 2) ? (int64_t)rnd_in(r, 0, 600) - 100 : 0;
	g->used = rnd_in(r, 1, g->goal);
	if (uuid)
		g->uuid = *uuid;
	else
		g->uuid = (bl_uuid){ { 0x77, [15] = ++last_uuid } };
	snprintf(g->name, sizeof(g->name), "g%u", last_uuid);
	if (name)
		snprintf(g->name, sizeof(g->name), "%s", name);
	d = fake_xen_add(g->domid, g->hvm, false, 0);
	d->handle = g->uuid;
	d->flags |= XEN_DOMINF_paused;
	d->cpu_time = 0;
	d->max = g->max + SLACK + (g->offset > 0 ? (uint64_t)g->offset : 0);
	write_keys(g);
	return g;
}

struct guest *guests_build(struct rnd *r, const bl_uuid *uuid, const char *name)
{
	return build_as(r, free_domid((uint32_t)rnd_below(r, REUSED_DOMIDS)), uuid, name);
}

bool guests_stake(struct guest *g)
{
	struct fake_domain *d = fake_xen_find(g->domid);

	if (d->outstanding || g->goal <= d->tot ||
	    g->goal - d->tot > less(fake_xen.free, fake_xen_outstanding()))
		return false;
	d->outstanding = g->goal - d->tot;
	d->claim_node = FAKE_NO_NODE;
	return true;
}

void guests_destroy(struct guest *g)
{
	struct fake_domain *d = fake_xen_find(g->domid);

	guests_save(g, false);
	fake_xen.free += d->tot;
	d->used = false;
	remove_keys(g->domid);
	fake_store_leave(g->domid);
	g->state = GUEST_NONE;
}

void guests_end(struct guest *g, unsigned reason)
{
	struct fake_domain *d = fake_xen_find(g->domid);

	if (g->state != GUEST_RUNS)
		return;
	d->flags |= XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
	g->state = GUEST_ENDED;
	g->touched_at = played_now();
	fake_store_leave(0); /* xenstored tells of it */
}

void guests_pause(struct guest *g, bool on)
{
	struct fake_domain *d = fake_xen_find(g->domid);

	if (g->state != (on ? GUEST_RUNS : GUEST_PAUSED))
		return;
	d->flags = on ? d->flags | XEN_DOMINF_paused : d->flags & ~(unsigned)XEN_DOMINF_paused;
	g->state = on ? GUEST_PAUSED : GUEST_RUNS;
	g->touched_at = played_now();
}

void guests_mem_set(struct guest *g, uint64_t kib)
{
	if (g->state == GUEST_NONE)
		return;
	g->touched_at = played_now();
	fake_store_setf(g->domid, "memory/target", "%" PRIu64, kib);
}

/* ---- what guests do ---- */

static void balloon(struct guest *g, struct fake_domain *d, uint64_t ms)
{
	char path[64], text[64] = "";
	uint64_t most = g->rate * ms / 1000, want;
	int64_t target;

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", g->domid);
	if (g->stuck || !fake_store_get(path, text, sizeof(text)))
		return;
	target = (int64_t)(strtoull(text, NULL, 10) / 4) + g->offset;
	if (target < 1)
		return;
	want = (uint64_t)target;
	most = most ? most : 1;
	if (want > d->tot)
		populate(d, want - d->tot < most ? want - d->tot : most);
	else
		depopulate(d, d->tot - want < most ? d->tot - want : most);
}

/* It is there when it has its pages. */
static void build(struct guest *g, struct fake_domain *d, uint64_t ms)
{
	if (g->waits)
		return;
	populate(d, less(g->goal, d->tot) < ms * 2000 ? less(g->goal, d->tot) : ms * 2000);
	if (d->tot < g->goal)
		return;
	d->flags &= ~(unsigned)XEN_DOMINF_paused;
	d->cpu_time = 1;
	d->outstanding = 0;
	g->state = GUEST_RUNS;
	g->touched_at = played_now();
	fake_store_introduce(g->domid);
}

static void pass(uint64_t ms)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct guest *g = &guests[i];
		struct fake_domain *d = g->state == GUEST_NONE ? NULL : fake_xen_find(g->domid);

		if (d && g->state == GUEST_RUNS)
			balloon(g, d, ms);
		else if (d && g->state == GUEST_BUILT)
			build(g, d, ms);
	}
}

void guests_thief(struct rnd *r, bool back)
{
	uint64_t room = less(fake_xen.free, fake_xen_outstanding());
	uint64_t n = back ? stolen : rnd_below(r, room + 1);

	stolen = back ? 0 : stolen + n;
	fake_xen.free = back ? fake_xen.free + n : fake_xen.free - n;
}

void guests_peace(void)
{
	for (unsigned i = 0; i < GUESTS_MAX; i++) {
		struct guest *g = &guests[i];

		if (g->state == GUEST_NONE)
			continue;
		guests_save(g, false);
		guests_pause(g, false);
		g->stuck = false;
		if (g->state == GUEST_BUILT || g->state == GUEST_ENDED)
			guests_destroy(g);
	}
	guests_thief(NULL, true);
}

/* ---- the host ---- */

static bool swaps; /* the next guest that is looked at is another by then */
static struct rnd swap_rnd;

void guests_swap(struct rnd *r)
{
	swaps = true;
	swap_rnd.s = rnd_next(r);
}

/* Between the look at all domains and the one right before an act. */
static void swap(uint32_t domid)
{
	struct guest *g = guests_by_domid(domid);

	if (!swaps || !g || g->state != GUEST_RUNS)
		return;
	swaps = false;
	guests_destroy(g);
	(void)build_as(&swap_rnd, domid, NULL, NULL);
}

static int on_call(const char *name, uint32_t domid)
{
	int error = faults_hypercall(name);

	guests_looks += !strcmp(name, "physinfo");
	/* That is no error that passes: there is no pool for us. */
	if (error == EPERM && !strcmp(name, "claim_ctl"))
		error = EAGAIN;
	if (!strcmp(name, "getinfolist"))
		swap(domid);
	if (!error)
		guests_check_call(name, domid);
	/* The hypervisor chooses an id that is free, a guest's of before perhaps. */
	if (!error && !strcmp(name, "createdomain"))
		fake_xen.next_domid = free_domid(fake_xen.next_domid + 7);
	return error;
}

static void on_write(const char *path, const char *value)
{
	guests_check_write(path, value);
}

static void process_gone(void)
{
	fake_store_hang_up();
}

static int open_host(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		     struct bl_err *reterr)
{
	return bd_host_xen_open(base, ev, ret, reterr);
}

const struct played_host guests_host = {
	.name = "xen",
	.open = open_host,
	.pass = pass,
	.process_gone = process_gone,
};

void guests_begin(struct rnd *r)
{
	unsigned n = (unsigned)rnd_in(r, 1, 6);

	memset(guests, 0, sizeof(guests));
	stolen = 0;
	last_uuid = 0;
	swaps = false;
	guests_by_hand_at = 0;
	fake_store_reset();
	fake_xen_reset();
	fake_xen.patched = rnd_one_in(r, 2);
	fake_xen.on_call = on_call;
	fake_store_on_write = on_write;
	fake_xen.free = 7000 * PAGES_PER_MIB;
	booked = fake_xen.free + fake_xen.doms[0].tot;
	fake_xen.total = booked + 3000;
	for (unsigned i = 0; i < n; i++) {
		struct guest *g = guests_build(r, NULL, NULL);
		struct fake_domain *d = fake_xen_find(g->domid);

		populate(d, g->goal);
		build(g, d, 0);
	}
	/* Some hosts are full. */
	if (rnd_one_in(r, 2)) {
		stolen = rnd_below(r, fake_xen.free);
		fake_xen.free -= stolen;
		fake_xen.total -= stolen;
		booked -= stolen;
		stolen = 0;
	}
}
