/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated guests behave as the world's file says, the same whenever and
 * however often one looks, and survive a kill of whoever simulates them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sim/world.h"

#define MIB BL_PAGES_PER_MIB

struct host {
	void *mem;
	struct bl_sim *s;
	struct bl_snapshot snap;
};

static struct host host(const char *text)
{
	struct host h = { 0 };
	struct bl_err e = { 0 };

	h.mem = calloc(1, bl_sim_world_size());
	assert_non_null(h.mem);
	if (bl_sim_world_parse(h.mem, "w", text, strlen(text), &e) ||
	    bl_sim_open(h.mem, bl_sim_world_size(), &h.s, &e))
		fail_msg("%s", e.msg);
	return h;
}

static void end(struct host *h)
{
	struct bl_err e = { 0 };

	if (bl_sim_check(h->s, &e))
		fail_msg("%s", e.msg);
	bl_snapshot_free(&h->snap);
	bl_sim_free(h->s);
	free(h->mem);
}

/* NULL: no such domain now. */
static const struct bl_dom *dom(struct host *h, const char *name)
{
	assert_int_equal(bl_sim_snapshot(h->s, &h->snap), 0);
	for (size_t i = 0; i < h->snap.n_doms; i++)
		if (!strcmp(h->snap.doms[i].name, name))
			return &h->snap.doms[i];
	return NULL;
}

static uint64_t mib(struct host *h, const char *name)
{
	const struct bl_dom *d = dom(h, name);

	assert_non_null(d);
	return d->tot.n / MIB;
}

static void apply(struct host *h, const char *name, enum bl_action_kind kind, uint64_t pages)
{
	const struct bl_dom *d = dom(h, name);
	struct bl_action a = { .kind = kind, .pages = BL_PAGES(pages) };
	struct bl_err e = { 0 };

	assert_non_null(d);
	a.domid = d->domid;
	if (bl_sim_apply(h->s, &a, &e))
		fail_msg("%s", e.msg);
}

/* As balloond grows and shrinks a guest. */
static void target(struct host *h, const char *name, uint64_t m)
{
	if (m * MIB > dom(h, name)->max_pages.n)
		apply(h, name, BL_ACT_MAXMEM, m * MIB);
	apply(h, name, BL_ACT_TARGET, m * MIB);
}

static void set(struct host *h, const char *name, const char *key, const char *value)
{
	struct bl_err e = { 0 };

	if (bl_sim_set(h->s, dom(h, name)->domid, key, value, &e))
		fail_msg("%s", e.msg);
}

static void run(struct host *h, uint64_t ms)
{
	bl_sim_step(h->s, BL_MS(ms));
}

#define HOST "[host]\nmemory = 8G\ndom0 = 1G\n"
#define GUEST "[guest g]\nmemory = 2G\nstatic-max = 4G\nrate = 100M\n"

static void moves_at_its_rate(void **state)
{
	struct host h = host(HOST GUEST "used = 500M\n");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 1000);
	assert_int_equal(mib(&h, "g"), 1948);
	run(&h, 60000);
	assert_int_equal(dom(&h, "g")->tot.n, 1024 * MIB);
	target(&h, "g", 1024 + 300);
	run(&h, 3000);
	assert_int_equal(dom(&h, "g")->tot.n, 1324 * MIB);
	end(&h);
}

static void maxmem_bounds_growth(void **state)
{
	struct host h = host(HOST GUEST);

	(void)state;
	apply(&h, "g", BL_ACT_TARGET, 3072 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048);
	apply(&h, "g", BL_ACT_MAXMEM, 2500 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2500);
	end(&h);
}

/* A target and the pages differ by what nobody else knows. */
static void offset_is_the_backends_business(void **state)
{
	struct host h = host(HOST GUEST "offset = 388K\n[guest n]\nmemory=1G\noffset=-1M\n");

	(void)state;
	assert_int_equal(dom(&h, "g")->target.n, dom(&h, "g")->tot.n);
	assert_int_equal(dom(&h, "n")->target.n, dom(&h, "n")->tot.n);
	target(&h, "g", 1024);
	target(&h, "n", 512);
	run(&h, 60000);
	assert_int_equal(dom(&h, "g")->tot.n, 1024 * MIB);
	assert_int_equal(dom(&h, "n")->tot.n, 512 * MIB);
	end(&h);
}

static void manners(void **state)
{
	struct host h = host(HOST "[guest stuck]\nmemory=512M\nbehaviour=stuck\n"
				  "[guest none]\nmemory=512M\nbehaviour=nodriver\n"
				  "[guest slow]\nmemory=512M\nrate=100M\nbehaviour=slow\n"
				  "[guest floor]\nmemory=512M\nbehaviour=floor:400M\n"
				  "[guest paused]\nmemory=512M\npaused=yes\n");
	static const char *const names[] = { "stuck", "none", "slow", "floor", "paused" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		target(&h, names[i], 256);
	run(&h, 10000);
	assert_int_equal(mib(&h, "stuck"), 512);
	assert_int_equal(mib(&h, "none"), 512);
	assert_int_equal(mib(&h, "slow"), 462);
	assert_int_equal(mib(&h, "floor"), 400);
	assert_int_equal(mib(&h, "paused"), 512);
	assert_true(dom(&h, "stuck")->flags & BL_DOM_ANNOUNCED);
	assert_false(dom(&h, "none")->flags & BL_DOM_ANNOUNCED);
	assert_false(dom(&h, "none")->tele.present);
	assert_true(dom(&h, "paused")->flags & BL_DOM_PAUSED);
	set(&h, "paused", "paused", "no");
	set(&h, "stuck", "behaviour", "normal");
	run(&h, 10000);
	assert_int_equal(mib(&h, "paused"), 256);
	assert_int_equal(mib(&h, "stuck"), 256);
	end(&h);
}

static void forgetful_takes_it_back(void **state)
{
	struct host h = host(HOST GUEST "behaviour = forgetful\n");

	(void)state;
	target(&h, "g", 1024);
	run(&h, 11000);
	assert_int_equal(mib(&h, "g"), 1024);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048); /* its maxmem was left alone */
	apply(&h, "g", BL_ACT_TARGET, 1025 * MIB);
	run(&h, 10300);
	apply(&h, "g", BL_ACT_MAXMEM, 1025 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1025);
	end(&h);
}

static void vanishes(void **state)
{
	struct host h = host(HOST GUEST "behaviour = vanish:5s\n");
	struct bl_sim_physinfo p;

	(void)state;
	assert_int_equal(bl_sim_next_change(h.s).n, bl_sim_now(h.s).n + 5000);
	run(&h, 4990);
	assert_non_null(dom(&h, "g"));
	run(&h, 10);
	assert_true(dom(&h, "g")->flags & BL_DOM_DYING);
	run(&h, 1000);
	assert_null(dom(&h, "g"));
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.free.n, 7 * 1024 * MIB - BL_SIM_EMPTY_PAGES);
	assert_int_equal(bl_sim_next_change(h.s).n, UINT64_MAX);
	end(&h);
}

/* Linux's own driver: on a full host it tries again after 2, 4 and 8 s, then
 * never, whatever becomes free, until its target has another value. */
static void gives_up(void **state)
{
	struct host h = host("[host]\nmemory=4G\ndom0=1G\n" GUEST "type=pv\nbehaviour=gives-up\n"
			     "[guest other]\nmemory=1023M\ntype=pv\n");

	(void)state;
	target(&h, "g", 3072);
	run(&h, 13000); /* 0, 2 and 6 s: refused */
	target(&h, "other", 767);
	run(&h, 10000); /* 14 s: not */
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	run(&h, 20000); /* refused for good: 256 MiB were all */
	target(&h, "other", 512);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	target(&h, "g", 3072); /* the same value wakes nobody */
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256);
	apply(&h, "g", BL_ACT_NUDGE, 3072 * MIB);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 2048 + 256 + 255);
	assert_int_equal(dom(&h, "g")->target.n, 3072 * MIB);
	end(&h);
}

/* Telemetry: honest, absent, stale, and lies that change by the second. */
static void telemetry(void **state)
{
	struct host h = host(HOST GUEST "used = 900M\n"
					"[guest liar]\nmemory=1G\ntelemetry=lies\n"
					"[guest mute]\nmemory=1G\ntelemetry=no\n");
	uint64_t before;
	bool absurd = false;

	(void)state;
	assert_true(dom(&h, "g")->tele.present);
	assert_int_equal(dom(&h, "g")->tele.used.n, 900 * MIB);
	assert_int_equal(dom(&h, "g")->tele.available.n, 1148 * MIB);
	assert_int_equal(dom(&h, "g")->tele.pressure, 0);
	assert_false(dom(&h, "mute")->tele.present);
	assert_false(dom(&h, "mute")->flags & BL_DOM_ANNOUNCED);
	run(&h, 1500);
	before = dom(&h, "g")->tele.at.n;
	assert_int_equal(before, bl_sim_now(h.s).n - 500);
	set(&h, "g", "used", "2100M");
	assert_true(dom(&h, "g")->tele.pressure > 1000);
	set(&h, "g", "telemetry", "no");
	run(&h, 30000);
	assert_true(dom(&h, "g")->tele.present); /* the last report stays */
	assert_int_equal(bl_sim_now(h.s).n - dom(&h, "g")->tele.at.n, 30000);
	for (int i = 0; i < 20; i++) {
		const struct bl_telemetry *t = &dom(&h, "liar")->tele;

		absurd |= t->used.n > 1 << 30 || t->available.n > 1 << 30;
		assert_true(t->pressure <= 10000);
		run(&h, 1000);
	}
	assert_true(absurd);
	end(&h);
}

/* Somebody's xl: it comes when it comes, stakes, and waits for room. */
static void appears(void **state)
{
	struct host h = host(HOST "[guest big]\nmemory=6G\n"
				  "[guest late]\nmemory=1G\nappear=5s\n");
	uint64_t changes = bl_sim_changes(h.s);

	(void)state;
	run(&h, 6000);
	assert_null(dom(&h, "late")); /* the structures left too little */
	target(&h, "big", 5000);
	run(&h, 9000); /* it tries again after ten seconds */
	assert_non_null(dom(&h, "late"));
	assert_true(dom(&h, "late")->flags & BL_DOM_BUILDING);
	assert_false(dom(&h, "late")->has_target);
	assert_true(dom(&h, "late")->outstanding.n > 0 || dom(&h, "late")->tot.n == 1024 * MIB);
	run(&h, 1000);
	assert_false(dom(&h, "late")->flags & BL_DOM_BUILDING);
	assert_int_equal(dom(&h, "late")->tot.n, 1024 * MIB);
	assert_int_equal(dom(&h, "late")->outstanding.n, 0);
	assert_true(bl_sim_changes(h.s) > changes);
	end(&h);
}

static void thief_takes_what_is_unclaimed(void **state)
{
	static const bl_uuid id = { { 1, 2, 3 } };
	bl_uuid handle = { { 0 } };
	struct host h = host(HOST "[guest g]\nmemory=1G\n[thief t]\nat=1s\nsize=9G\nrate=10G\n");
	struct bl_sim_physinfo p;
	struct bl_err e;
	uint32_t holder;

	(void)state;
	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(3072), -1, &holder, &e), 0);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(1), 0, &holder, &e),
			 -EOPNOTSUPP);
	run(&h, 30000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 3072 * MIB);
	assert_int_equal(p.free.n, p.outstanding.n);
	assert_true(dom(&h, "t")->flags & BL_DOM_BUILDING);
	assert_int_equal(bl_sim_next_change(h.s).n, UINT64_MAX); /* waits for room, not for time */
	assert_int_equal(bl_sim_unstake(h.s, dom(&h, "g")->domid, &handle), -ENOENT);
	assert_int_equal(bl_sim_unstake(h.s, holder, &handle), 0);
	run(&h, 30000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.free.n, 0);
	end(&h);
}

/* `sim create` on a held claim takes that memory and no other. */
static void launch_on_a_claim(void **state)
{
	static const bl_uuid id = { { 1, 2, 3 } };
	bl_uuid handle = { { 0 } };
	struct host h = host(HOST "[guest g]\nmemory=1G\n");
	struct bl_sim_launch l = { "new", BL_MIB_PAGES(4096), BL_MIB_PAGES(4096), NULL };
	struct bl_sim_physinfo p;
	struct bl_err e;
	uint32_t holder, domid;

	(void)state;
	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	assert_int_equal(bl_sim_stake(h.s, &handle, &id, BL_MIB_PAGES(4096), -1, &holder, &e), 0);
	assert_string_equal(dom(&h, "balloond-claim-01020300-0000-0000-0000-000000000000")->name +
				    15, "01020300-0000-0000-0000-000000000000");
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOMEM);
	assert_int_equal(e.id, BL_ERR_NO_MEMORY);
	l.holder = &id; /* nobody's handle */
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOENT);
	l.holder = &handle;
	l.size = l.max = BL_MIB_PAGES(7000);
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), -ENOMEM);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 4096 * MIB); /* the claim still stands */
	l.size = l.max = BL_MIB_PAGES(4096);
	assert_int_equal(bl_sim_launch(h.s, &l, &domid, &e), 0);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 4096 * MIB);
	assert_int_equal(bl_sim_unstake(h.s, holder, &handle), -ENOENT);
	run(&h, 2000);
	bl_sim_physinfo(h.s, &p);
	assert_int_equal(p.outstanding.n, 0);
	assert_int_equal(mib(&h, "new"), 4096);
	end(&h);
}

static void external_writers_show(void **state)
{
	struct host h = host(HOST GUEST);

	(void)state;
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	target(&h, "g", 1500);
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	set(&h, "g", "target", "1800M");
	assert_true(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	run(&h, 60000);
	assert_int_equal(mib(&h, "g"), 1800);
	assert_true(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	bl_sim_adopt(h.s, dom(&h, "g")->domid);
	assert_false(dom(&h, "g")->flags & BL_DOM_EXTERNAL);
	end(&h);
}

#define BUSY                                                                         \
	HOST "[guest a]\nmemory=1G\nstatic-max=3G\nrate=333M\nbehaviour=gives-up\n"  \
	     "[guest b]\nmemory=1G\nstatic-max=3G\nrate=77M\nbehaviour=forgetful\n"  \
	     "[guest c]\nmemory=1G\nstatic-max=3G\nrate=5K\n"                        \
	     "[guest d]\nmemory=1G\nappear=2345ms\n[guest e]\nmemory=1G\nbehaviour=vanish:9s\n" \
	     "[thief t]\nsize=5G\nat=3333ms\nrate=700M\nfor=4s\n"

/* Looked at every 3 ms or every 20 s: the same. */
static void polling_changes_nothing(void **state)
{
	static const uint64_t steps[] = { 3, 10, 1000, 30000 };
	struct host first = host(BUSY);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct host h = host(BUSY);
		uint64_t left = 30000;

		target(&h, "a", 3000);
		target(&h, "b", 700);
		target(&h, "c", 900);
		while (left) {
			uint64_t n = steps[i] < left ? steps[i] : left;

			run(&h, n);
			left -= n;
		}
		if (i)
			assert_memory_equal(h.mem, first.mem, bl_sim_world_size());
		else
			memcpy(first.mem, h.mem, bl_sim_world_size());
		end(&h);
	}
	bl_snapshot_free(&first.snap);
	bl_sim_free(first.s);
	free(first.mem);
}

/* A kill in the middle of a change leaves the world as it was before. */
static void cut_short_is_undone(void **state)
{
	struct host h = host(HOST GUEST);
	void *copy = malloc(bl_sim_world_size());
	struct bl_sim_dom *d = bl_sim_find(h.s, 1);
	struct host after = { .mem = copy };
	struct bl_err e;

	(void)state;
	assert_non_null(copy);
	bl_sim_begin(h.s, d);
	d->pages[0] += 5;
	d->outstanding = 77;
	memcpy(copy, h.mem, bl_sim_world_size());
	assert_int_equal(bl_sim_open(copy, bl_sim_world_size(), &after.s, &e), 0);
	assert_int_equal(dom(&after, "g")->tot.n, 2048 * MIB);
	assert_int_equal(dom(&after, "g")->outstanding.n, 0);
	end(&after);
	d->pages[0] -= 5;
	d->outstanding = 0;
	bl_sim_commit(h.s);
	end(&h);
}

/* Does all there is to do until it is killed. */
static void torment(struct bl_sim *s)
{
	static const bl_uuid id = { { 9 } };
	bl_uuid handle = { { 0 } };
	struct bl_sim_launch l = { "x", BL_MIB_PAGES(300), BL_MIB_PAGES(300), NULL };
	struct bl_err e;
	uint32_t domid, holder;

	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	for (uint64_t i = 0;; i++) {
		if (!bl_sim_stake(s, &handle, &id, BL_MIB_PAGES(300), -1, &holder, &e)) {
			l.holder = &handle;
			if (!bl_sim_launch(s, &l, &domid, &e)) {
				bl_sim_step(s, BL_MS(100));
				bl_sim_domain_destroy(s, domid);
			}
			bl_sim_unstake(s, holder, &handle);
		}
		bl_sim_apply(s, &(struct bl_action){ .kind = BL_ACT_TARGET, .domid = 1,
						     .pages = BL_MIB_PAGES(500 + i % 512) }, &e);
		bl_sim_step(s, BL_MS(50));
	}
}

static void kill_leaves_a_whole_world(void **state)
{
	static const char text[] = HOST "nodes=3\n[guest a]\nmemory=1G\n[guest b]\nmemory=1G\n";
	size_t size = bl_sim_world_size();
	struct bl_err e = { 0 };
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(mem != MAP_FAILED);
	assert_int_equal(bl_sim_world_parse(mem, "w", text, strlen(text), &e), 0);
	for (unsigned i = 0; i < 200; i++) {
		struct bl_sim *s;
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child) {
			if (bl_sim_open(mem, size, &s, &e))
				_exit(1);
			torment(s);
		}
		usleep(i * 37 % 3000); /* any moment will do */
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		if (bl_sim_open(mem, size, &s, &e))
			fail_msg("%s", e.msg);
		if (bl_sim_check(s, &e))
			fail_msg("%s", e.msg);
		bl_sim_free(s);
	}
	munmap(mem, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_at_its_rate),
		cmocka_unit_test(maxmem_bounds_growth),
		cmocka_unit_test(offset_is_the_backends_business),
		cmocka_unit_test(manners),
		cmocka_unit_test(forgetful_takes_it_back),
		cmocka_unit_test(vanishes),
		cmocka_unit_test(gives_up),
		cmocka_unit_test(telemetry),
		cmocka_unit_test(appears),
		cmocka_unit_test(thief_takes_what_is_unclaimed),
		cmocka_unit_test(launch_on_a_claim),
		cmocka_unit_test(external_writers_show),
		cmocka_unit_test(polling_changes_nothing),
		cmocka_unit_test(cut_short_is_undone),
		cmocka_unit_test(kill_leaves_a_whole_world),
	};

	return cmocka_run_group_tests_name("sim-guests", tests, NULL, NULL);
}
