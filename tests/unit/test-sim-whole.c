/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated world is the same whenever and however often one looks, and
 * survives a kill of whoever simulates it. */
#include "tests/unit/sim-fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sim/world.h"

#define BUSY                                                                                                \
	HOST "[guest a]\nmemory=1G\nstatic-max=3G\nrate=333M\nbehaviour=gives-up\n"                         \
	     "[guest b]\nmemory=1G\nstatic-max=3G\nrate=77M\nbehaviour=forgetful\n"                         \
	     "[guest c]\nmemory=1G\nstatic-max=3G\nrate=5K\n"                                               \
	     "[guest d]\nmemory=1G\nappear=2345ms\n[guest e]\nmemory=1G\nbehaviour=vanish:9s\n"             \
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
	assert_int_equal(bl_sim_pool_set(h.s, BL_PAGES(100)), 0);
	bl_sim_begin(h.s, d);
	bl_sim_pool_hold(h.s, 23); /* the other 77 are on their way */
	d->pages[0] += 5;
	d->outstanding = 77;
	memcpy(copy, h.mem, bl_sim_world_size());
	assert_int_equal(bl_sim_open(copy, bl_sim_world_size(), &after.s, &e), 0);
	assert_int_equal(dom(&after, "g")->tot.n, 2048 * MIB);
	assert_int_equal(dom(&after, "g")->outstanding.n, 0);
	assert_int_equal(after.snap.pool.n, 100);
	end(&after);
	bl_sim_pool_hold(h.s, 100);
	d->pages[0] -= 5;
	d->outstanding = 0;
	bl_sim_commit(h.s);
	end(&h);
}

/* A stake, a launch on it, its end, the same out of the pool, and a target that
 * is followed. */
static void one_of_each(struct bl_sim *s, uint64_t i)
{
	static const bl_uuid id = { { 9 } };
	bl_uuid handle = { { 0 } };
	struct bl_sim_launch l = { .name = "x", .size = BL_MIB_PAGES(300), .max = BL_MIB_PAGES(300) };
	struct bl_err e;
	uint32_t domid, holder;

	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	if (!bl_sim_stake(s, &handle, &id, BL_MIB_PAGES(300), -1, &holder, &e)) {
		l.holder = &handle;
		if (!bl_sim_launch(s, &l, &domid, &e)) {
			bl_sim_step(s, BL_MS(100));
			bl_sim_domain_destroy(s, domid);
		}
		bl_sim_unstake(s, holder, &handle);
	}
	l.holder = NULL;
	l.pooled = l.size;
	if (!bl_sim_pool_set(s, l.size) && !bl_sim_launch(s, &l, &domid, &e))
		bl_sim_domain_destroy(s, domid);
	bl_sim_pool_set(s, BL_PAGES(0));
	bl_sim_apply(s,
		     &(struct bl_action){
			     .kind = BL_ACT_TARGET, .domid = 1, .pages = BL_MIB_PAGES(500 + i) },
		     &e);
	bl_sim_step(s, BL_MS(50));
}

/* What a restart finds in a copy of the world: books that are right, and stay
 * right for whoever goes on from there. */
static void check_copy(const struct bl_sim_world *w, struct bl_sim_world *copy)
{
	struct bl_sim *s;
	struct bl_err e = { 0 };

	memcpy(copy, w, offsetof(struct bl_sim_world, doms) + w->n_slots * sizeof(w->doms[0]));
	if (bl_sim_open(copy, sizeof(*copy), &s, &e))
		fail_msg("%s", e.msg);
	one_of_each(s, 7);
	if (bl_sim_check(s, &e))
		fail_msg("%s", e.msg);
	bl_sim_free(s);
}

/* One instruction at a time, and after each that changed the world a look at
 * what a kill would have left there. */
static void kill_leaves_a_whole_world(void **state)
{
	static const char text[] = HOST "nodes=3\n[guest a]\nmemory=1G\n[guest b]\nmemory=1G\n";
	size_t size = bl_sim_world_size();
	struct bl_err e = { 0 };
	struct bl_sim_world *w, *copy = calloc(1, size), *last = calloc(1, size);
	uint64_t changes = 0;
	struct bl_sim *s;
	int status;
	pid_t child;

	(void)state;
	w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w != MAP_FAILED && copy && last);
	assert_int_equal(bl_sim_world_parse(w, "w", text, strlen(text), &e), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (bl_sim_open(w, size, &s, &e) || ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(1);
		raise(SIGSTOP);
		for (uint64_t i = 0; i < 3; i++)
			one_of_each(s, i);
		_exit(0);
	}
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		assert_true(WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP);
		size_t used = offsetof(struct bl_sim_world, doms) + w->n_slots * sizeof(w->doms[0]);

		if (memcmp(w, last, used)) {
			memcpy(last, w, used);
			check_copy(w, copy);
			changes++;
		}
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_true(changes > 1000);
	munmap(w, size);
	free(copy);
	free(last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(polling_changes_nothing),
		cmocka_unit_test(cut_short_is_undone),
		cmocka_unit_test(kill_leaves_a_whole_world),
	};

	return cmocka_run_group_tests_name("sim-whole", tests, NULL, NULL);
}
