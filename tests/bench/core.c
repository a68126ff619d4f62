/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a tick costs the core: bl_progress_update and bl_plan_make, while room
 * is made for a claim and at rest, and how that grows with the host. Counts
 * every call of malloc and its kin: a plan allocates nothing after the first. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/core/plan.h"
#include "tests/property/random.h"

#define ROUNDS 201

static uint64_t allocations;

#ifndef BL_SANITIZED
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}
#endif

struct host {
	struct bl_settings settings;
	struct bl_snapshot snap;
	struct bl_progress progress;
	struct bl_ledger ledger;
	struct bl_plan plan;
};

/* Every guest its own size, weight, minimum and working set, half of them with
 * telemetry, all of them known by UUID as in a daemon that ran for a while. */
static void add_guest(struct host *h, struct rnd *r, uint32_t domid)
{
	struct bl_dom *d = bl_snapshot_add(&h->snap);
	uint64_t size = rnd_in(r, 100000, 1000000);
	struct bl_dom_record *m;

	*d = (struct bl_dom){ .domid = domid,
			      .flags = BL_DOM_ANNOUNCED,
			      .tot = BL_PAGES(size),
			      .max_pages = BL_PAGES(size),
			      .has_target = true,
			      .target = BL_PAGES(size),
			      .static_max = BL_PAGES(size + rnd_below(r, 100000)) };
	for (size_t i = 0; i < sizeof(d->uuid.b); i++)
		d->uuid.b[i] = (uint8_t)rnd_next(r);
	snprintf(d->name, sizeof(d->name), "guest-%u", (unsigned)domid);
	d->tele.present = domid % 2;
	d->tele.used = BL_PAGES(size / 4 + rnd_below(r, size / 2));
	m = bl_settings_remember(&h->settings, &d->uuid);
	m->base = BL_PAGES(size);
	m->set.has_weight = rnd_one_in(r, 2);
	m->set.weight = (uint32_t)rnd_in(r, 50, 500);
}

static void host_make(struct host *h, uint32_t n, bool making_room)
{
	struct rnd r = { 7 };
	uint64_t tot = 0;

	*h = (struct host){ 0 };
	bl_settings_init(&h->settings);
	h->settings.min.percent = 30;
	h->snap.now = BL_MS(1000000);
	for (uint32_t i = 0; i < n; i++)
		add_guest(h, &r, i + 1);
	for (size_t i = 0; i < n; i++)
		tot += h->snap.doms[i].tot.n;
	h->snap.free = BL_PAGES(tot / 50);
	h->snap.total = BL_PAGES(tot + h->snap.free.n);
	if (making_room) {
		/* a quarter of all there is: most guests end between min and demand */
		struct bl_claim c = { .state = BL_CLAIM_RECLAIMING,
				      .size = BL_PAGES(tot / 4),
				      .min = BL_PAGES(tot / 4),
				      .overhead = BL_PAGES(1000),
				      .node = -1,
				      .domid = BL_DOMID_NONE,
				      .holder = BL_DOMID_NONE };

		bl_ledger_add(&h->ledger, &c);
	}
}

static void host_free(struct host *h)
{
	bl_settings_free(&h->settings);
	bl_snapshot_free(&h->snap);
	bl_progress_free(&h->progress);
	bl_ledger_free(&h->ledger);
	bl_plan_free(&h->plan);
}

/* Between two ticks: guests do what they were told, one in a hundred does not. */
static void host_lives(struct host *h)
{
	for (size_t i = 0; i < h->plan.n_actions; i++) {
		const struct bl_action *a = &h->plan.actions[i];
		struct bl_dom *d = (struct bl_dom *)(uintptr_t)bl_snapshot_find(&h->snap, a->domid);

		if (a->kind == BL_ACT_MAXMEM)
			d->max_pages = a->pages;
		else if (a->kind == BL_ACT_TARGET)
			d->target = a->pages;
		if (a->kind == BL_ACT_TARGET)
			bl_progress_find(&h->progress, a->domid)->ours = true;
	}
	for (size_t i = 0; i < h->snap.n_doms; i++) {
		struct bl_dom *d = &h->snap.doms[i];
		uint64_t step = d->tot.n > d->target.n ? d->tot.n - d->target.n : 0;

		step = d->domid % 100 == 0 ? 0 : step < 300 ? step : 300;
		d->tot.n -= step;
		h->snap.free.n += step;
		d->tele.at = h->snap.now;
	}
	h->snap.now.n += 100;
}

/* Of the processor: it does not matter here what else the machine does. */
static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median microseconds of a tick; *ret_allocations: of all but the first. */
static double measure(uint32_t n, bool making_room, uint64_t *ret_allocations)
{
	struct host h;
	static double us[ROUNDS];
	struct bl_plan_in in;
	uint64_t counted = 0;

	host_make(&h, n, making_room);
	in = (struct bl_plan_in){
		.settings = &h.settings, .snap = &h.snap, .progress = &h.progress, .ledger = &h.ledger
	};
	for (size_t i = 0; i < ROUNDS; i++) {
		uint64_t before = allocations;
		double start = now_us();

		if (bl_progress_update(&h.progress, &h.settings, &h.snap) || bl_plan_make(&h.plan, &in))
			abort();
		us[i] = now_us() - start;
		if (i)
			counted += allocations - before;
		host_lives(&h);
	}
	host_free(&h);
	qsort(us, ROUNDS, sizeof(us[0]), by_value);
	*ret_allocations = counted;
	return us[ROUNDS / 2];
}

int main(void)
{
	static const struct {
		uint32_t n;
		double bound_us; /* 0 none */
	} rows[] = { { 100, 0 }, { 300, 0 }, { 1000, 100 }, { 3000, 0 }, { 10000, 2000 } };
	int status = 0;

	printf("core: one tick (progress and plan)\n");
	printf("%8s %14s %14s %22s %8s  %s\n", "domains", "making room", "at rest", "ns / (n log2 n)",
	       "malloc", "bound");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t moving_allocs, rest_allocs;
		double moving = measure(rows[i].n, true, &moving_allocs);
		double rest = measure(rows[i].n, false, &rest_allocs);
		double per = moving * 1000 / ((double)rows[i].n * log2((double)rows[i].n));
		bool met = rows[i].bound_us <= 0 || (moving <= rows[i].bound_us && rest <= rows[i].bound_us);
		bool none = moving_allocs + rest_allocs == 0;

		printf("%8" PRIu32 " %11.1f us %11.1f us %22.2f %8" PRIu64 "  ", rows[i].n, moving, rest,
		       per, moving_allocs + rest_allocs);
		if (rows[i].bound_us > 0)
			printf("%.0f us: %s", rows[i].bound_us, met ? "met" : "MISSED");
		printf("%s\n", none ? "" : " a plan allocates: BROKEN");
		status |= !none; /* a time says something of the machine, too */
	}
	return status;
}
