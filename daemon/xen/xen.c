/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/xen.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long to wait at the start, before the event loop runs, for xenstored and for the guests'
 * offsets, so that the first tick knows both. */
#define START_STORE BL_MS(2000)
#define START_OFFSETS BL_MS(BD_XEN_OFFSET_STILL_MOVED.n + 500)
#define START_STEP BL_MS(100)

static struct bd_host_xen *xen_of(struct bd_host *h)
{
	return (struct bd_host_xen *)h;
}

static void close_host(struct bd_host *h)
{
	struct bd_host_xen *x = xen_of(h);

	bd_xen_conflicts_free(x->conflicts);
	bd_store_close(x->store);
	bd_xen_guests_free(&x->guests);
	bd_xen_call_close(x->call);
	bd_clock_timer_free(x->offset_timer);
	bd_xen_build_free(x);
	free(x);
}

static bl_ms now(struct bd_host *h)
{
	(void)h;
	return bd_clock_now();
}

static const char *version(struct bd_host *h)
{
	return bd_xen_call_version(xen_of(h)->call);
}

static double speed(struct bd_host *h)
{
	(void)h;
	return 1.0;
}

/* The host's memory lives as long as dom0's kernel. */
static int boot_id(struct bd_host *h, bl_uuid *ret)
{
	char text[BL_UUID_STR] = "";
	ssize_t n;
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	(void)h;
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n != (ssize_t)sizeof(text) - 1 || !bl_uuid_parse(text, ret))
		return -EIO;
	return 0;
}

/* A scan of /proc is expensive, so it is done only before an action. One per tick is enough,
 * since a tick does all its actions at once. */
static bool is_saved(struct bd_host_xen *x, uint32_t domid)
{
	if (!x->saving_checked) {
		bd_xen_saving_refresh(&x->saving);
		x->saving_checked = true;
		x->saving_checked_at = bd_clock_now();
	}
	return bd_xen_saving_has(&x->saving, domid);
}

static int refuse_saved(const struct bd_host_xen *x, const struct bd_xen_guest *g, struct bl_err *reterr)
{
	if (x->saving.doubt)
		return bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE,
				  "domain %" PRIu32
				  " (%s) is not moved: balloond cannot see whether it is being "
				  "saved or sent away: %s",
				  g->domid, g->name, bd_xen_saving_doubt(&x->saving));
	return bl_err_set(reterr, EBUSY, BL_ERR_BAD_STATE,
			  "domain %" PRIu32 " (%s) is being saved or sent away", g->domid, g->name);
}

static int apply_maxmem(struct bd_host_xen *x, struct bd_xen_guest *g, bl_pages pages)
{
	/* A guest's limit follows its pages down, so that the guest cannot take them back. dom0
	 * is trusted, and nothing else records the limit that dom0 booted with. */
	if (g->domid == 0) {
		g->asked_max = pages;
		if (pages.n <= g->max.n)
			return 0;
	}
	return bd_xen_call_setmaxmem(x->call, g->domid, bl_pages_add(pages, bd_xen_slack(g)));
}

static int apply_target(struct bd_xen_guest *g, const struct bl_action *a)
{
	uint64_t kib;

	if (!g->offset.known)
		return -EAGAIN;
	kib = bl_pages_to_kib(bd_xen_offset_sub(&g->offset, a->pages)).n;
	if (kib == 0)
		return -EINVAL;
	if (a->kind == BL_ACT_NUDGE && g->target.present && kib == g->target.kib)
		return bd_xen_target_nudge(g, a);
	return bd_xen_target_set(g, kib, a);
}

static int act(struct bd_host_xen *x, struct bd_xen_guest *g, const struct bl_action *a)
{
	switch (a->kind) {
	case BL_ACT_MAXMEM:
		return apply_maxmem(x, g, a->pages);
	case BL_ACT_TARGET:
	case BL_ACT_NUDGE:
		return apply_target(g, a);
	case BL_ACT_STAKE:
		break;
	}
	return -EINVAL;
}

static int apply(struct bd_host *h, const struct bl_action *a, struct bl_err *reterr)
{
	struct bd_host_xen *x = xen_of(h);
	struct bd_xen_guest *g = bd_xen_guests_find(&x->guests, a->domid);
	struct bd_xen_info info;
	int r = bd_xen_still_there(x, a->domid, &info);

	if (!g || r == -ESRCH)
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN, "domain %" PRIu32 " is gone",
				  a->domid);
	if (r == 0 && is_saved(x, a->domid))
		return refuse_saved(x, g, reterr);
	if (r == 0)
		r = act(x, g, a);
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "cannot set the %s of domain %" PRIu32 " (%s): %s",
				  a->kind == BL_ACT_MAXMEM ? "limit" : "target", a->domid, g->name,
				  strerror(-r));
	return 0;
}

static void adopt(struct bd_host *h, uint32_t domid)
{
	struct bd_xen_guest *g = bd_xen_guests_find(&xen_of(h)->guests, domid);

	if (g)
		g->external = false;
}

static void reread(struct bd_host *h, uint32_t domid)
{
	struct bd_xen_guest *g = bd_xen_guests_find(&xen_of(h)->guests, domid);

	if (g)
		bd_xen_guests_reread(g);
}

static void problems(struct bd_host *h, void (*add)(void *ud, const char *line), void *ud)
{
	const struct bd_xen_found_conflicts *d = bd_xen_conflicts_known(xen_of(h)->conflicts);
	bl_ms since = bd_store_silent(xen_of(h)->store);
	uint64_t silent = bl_ms_since(bd_clock_now(), since).n / 1000;
	const char *doubt = bd_xen_saving_doubt(&xen_of(h)->saving);
	char line[256];

	if (d->autoballoon)
		add(ud, "xl shrinks dom0 for what it builds: autoballoon=\"off\" is missing in "
			"/etc/xen/xl.conf");
	if (d->balancer[0]) {
		(void)snprintf(line, sizeof(line), "another balancer runs, %s: one of the two must go",
			       d->balancer);
		add(ud, line);
	}
	if (*doubt) {
		(void)snprintf(line, sizeof(line),
			       "no guest is moved, because balloond cannot see which guests are "
			       "being saved or migrated: %s",
			       doubt);
		add(ud, line);
	}
	if (!since.n || silent < 2)
		return;
	(void)snprintf(line, sizeof(line),
		       "xenstored has not answered for %" PRIu64
		       " s: names and targets are the last known, no guest is moved",
		       silent);
	add(ud, line);
}

static const struct bd_host_ops ops = {
	.name = "xen",
	.version = version,
	.close = close_host,
	.now = now,
	.speed = speed,
	.boot_id = boot_id,
	.snapshot = bd_xen_snapshot,
	.apply = apply,
	.stake = bd_xen_holder_stake,
	.unstake = bd_xen_holder_unstake,
	.transfer = bd_xen_holder_transfer,
	.cancel = bd_xen_holder_cancel,
	.pool_set = bd_xen_pool_set,
	.pool_move = bd_xen_pool_move,
	.name_holder = bd_xen_holder_name,
	.reread = reread,
	.adopt = adopt,
	.problems = problems,
};

static void on_offset_soon(void *ud)
{
	struct bd_host_xen *x = ud;

	x->host.events.changed(x->host.events.ud);
}

static bool offsets_pending(const struct bd_host_xen *x)
{
	struct bd_xen_guest *g, *next;

	HASH_ITER(hh, x->guests.table, g, next)
	if (bd_xen_offset_soon(&g->offset, bd_clock_now()))
		return true;
	return false;
}

static void ignore_change(void *ud)
{
	(void)ud;
}

static void ignore_failure(void *ud, const struct bl_action *a, int error)
{
	(void)ud;
	(void)a;
	(void)error;
}

/* Takes snapshots until the first tick has all that it needs to know. A silent xenstored only
 * makes the first tick know less. */
static int take_first_snapshots(struct bd_host_xen *x)
{
	struct bl_snapshot s = { 0 };
	uint64_t end;
	int r;

	(void)is_saved(x, 0); /* finds a doubt early, so that it is reported at the start */
	r = bd_xen_snapshot(&x->host, &s);
	if (r == 0 && bd_store_settle(x->store, START_STORE) == 0) {
		x->guests.reads_at = BL_MS(0); /* the table of guests is filled now */
		r = bd_xen_snapshot(&x->host, &s);
		end = bd_clock_now().n + START_OFFSETS.n;
		while (r == 0 && offsets_pending(x) && bd_clock_now().n < end) {
			bd_clock_sleep(START_STEP);
			r = bd_xen_snapshot(&x->host, &s);
		}
		/* The snapshots have asked for the guests' reports. */
		(void)bd_store_settle(x->store, START_STORE);
	}
	bl_snapshot_free(&s);
	return r;
}

int bd_host_xen_open(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		     struct bl_err *reterr)
{
	struct bd_host_xen *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	x->host.ops = &ops;
	/* Events are ignored until this function has returned. */
	x->host.events = (struct bd_host_events){ .changed = ignore_change, .failed = ignore_failure };
	x->base = base;
	x->guests.base = base;
	x->guests.events = &x->host.events;
	x->offset_timer = bd_clock_timer_new(base, on_offset_soon, x);
	if (!x->offset_timer || bd_xen_build_init(x)) {
		bd_clock_timer_free(x->offset_timer);
		free(x);
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	}
	r = bd_xen_call_open(&x->call, reterr);
	if (r == 0)
		r = bd_store_open(base, bd_xen_guests_reply, &x->guests, &x->store, reterr);
	if (r < 0) {
		close_host(&x->host);
		return r;
	}
	x->guests.store = x->store;
	x->conflicts = bd_xen_conflicts_new(base, bd_xen_call_cmdline(x->call));
	r = x->conflicts ? bd_xen_pool_probe(x->call, &x->host.pool) : -ENOMEM;
	if (r == 0)
		r = take_first_snapshots(x);
	if (r < 0) {
		close_host(&x->host);
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot read the host: %s", strerror(-r));
	}
	x->host.events = *ev;
	*ret = &x->host;
	return 0;
}
