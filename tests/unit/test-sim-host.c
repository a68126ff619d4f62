/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated backend: its world outlives it, moves by itself, is one
 * process's at a time, and says what is wrong with a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/host.h"
#include "lib/sim/sim.h"

struct fixture {
	char dir[64], world[96];
	struct event_base *base;
	struct bd_host *h;
	unsigned changes, problems;
	struct bl_snapshot snap;
	struct bl_err e;
};

static void changed(void *ud)
{
	struct fixture *f = ud;

	f->changes++;
	event_base_loopbreak(f->base);
}

static void give_up(evutil_socket_t fd, short what, void *ud)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(((struct fixture *)ud)->base);
}

static void failed(void *ud, const struct bl_action *a, int error)
{
	(void)ud;
	(void)a;
	(void)error;
	fail();
}

static void write_world(struct fixture *f, const char *text)
{
	FILE *out = fopen(f->world, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static int open_host(struct fixture *f, bool with_world, double speed, struct bd_host **ret)
{
	struct bd_host_events ev = { changed, failed, f };

	return bd_host_sim_open(f->base, &ev, with_world ? f->world : NULL, f->dir, speed, ret, &f->e);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "test-sim-host-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->world, sizeof(f->world), "%s/world.ini", f->dir);
	f->base = event_base_new();
	assert_non_null(f->base);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	if (f->h)
		f->h->ops->close(f->h);
	event_base_free(f->base);
	bl_snapshot_free(&f->snap);
	snprintf(path, sizeof(path), "%s/sim-world", f->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/sim-world.new", f->dir);
	assert_int_equal(unlink(path), -1); /* never left behind */
	unlink(f->world);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static const struct bl_dom *dom(struct fixture *f, const char *name)
{
	assert_int_equal(f->h->ops->snapshot(f->h, &f->snap), 0);
	for (size_t i = 0; i < f->snap.n_doms; i++)
		if (!strcmp(f->snap.doms[i].name, name))
			return &f->snap.doms[i];
	return NULL;
}

static void count_problem(void *ud, const char *line)
{
	struct fixture *f = ud;

	assert_non_null(strstr(line, "sim-world"));
	f->problems++;
}

/* Closed and opened again: the same boot, claims still staked, time went on. */
static void world_outlives_the_daemon(void **state)
{
	static const bl_uuid id = { { 7 } };
	bl_uuid handle = { { 0 } }, boot, again;
	struct fixture *f = *state;
	uint32_t holder;
	bl_ms before;

	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	assert_int_equal(open_host(f, false, 1000, &f->h), 0);
	assert_non_null(dom(f, "web"));
	assert_int_equal(f->h->ops->stake(f->h, &handle, &id, BL_MIB_PAGES(100), -1, &holder, &f->e), 0);
	assert_int_equal(f->h->ops->boot_id(f->h, &boot), 0);
	before = f->h->ops->now(f->h);
	f->h->ops->close(f->h);
	assert_int_equal(open_host(f, false, 1000, &f->h), 0);
	assert_int_equal(f->h->ops->boot_id(f->h, &again), 0);
	assert_true(bl_uuid_equal(&boot, &again));
	assert_false(bl_uuid_is_null(&boot));
	assert_true(f->h->ops->now(f->h).n > before.n);
	assert_int_equal(f->h->ops->snapshot(f->h, &f->snap), 0);
	assert_int_equal(f->snap.outstanding.n, BL_MIB_PAGES(100).n);
	assert_true(bl_snapshot_find(&f->snap, holder)->flags & BL_DOM_HOLDER);
	assert_int_equal(f->h->ops->unstake(f->h, holder, &handle), 0);
}

static void one_process_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct bd_host *other;

	assert_int_equal(open_host(f, false, 1, &f->h), 0);
	assert_int_equal(open_host(f, false, 1, &other), -EBUSY);
	assert_non_null(strstr(f->e.msg, "another process"));
}

/* Another world's file does not replace the host that is there, and it is said. */
static void a_world_stays(void **state)
{
	struct fixture *f = *state;

	write_world(f, "[guest one]\nmemory = 1G\n");
	assert_int_equal(open_host(f, true, 1, &f->h), 0);
	assert_non_null(dom(f, "one"));
	f->h->ops->problems(f->h, count_problem, f);
	assert_int_equal(f->problems, 0);
	f->h->ops->close(f->h);
	write_world(f, "[guest two]\nmemory = 1G\n");
	assert_int_equal(open_host(f, true, 1, &f->h), 0);
	assert_non_null(dom(f, "one"));
	assert_null(dom(f, "two"));
	f->h->ops->problems(f->h, count_problem, f);
	assert_int_equal(f->problems, 1);
}

static void bad_files(void **state)
{
	struct fixture *f = *state;
	char path[128];
	FILE *out;

	assert_int_equal(open_host(f, true, 1, &f->h), -ENOENT);
	assert_non_null(strstr(f->e.msg, f->world));
	write_world(f, "[guest one]\nmemory = 1G\nbehavior = stuck\n");
	assert_int_equal(open_host(f, true, 1, &f->h), -EINVAL);
	assert_non_null(strstr(f->e.msg, "world.ini:3: unknown key \"behavior\" in [guest one]"));
	assert_int_equal(open_host(f, false, 0, &f->h), -EINVAL);
	snprintf(path, sizeof(path), "%s/sim-world", f->dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("not a world", out);
	fclose(out);
	assert_int_equal(open_host(f, false, 1, &f->h), -EBADMSG);
	assert_non_null(strstr(f->e.msg, "remove it"));
	f->h = NULL;
}

/* The loop is woken when domains come and go of themselves, and rests else. */
static void changes_wake_the_loop(void **state)
{
	const struct bl_sim_launch new = { .name = "new",
					   .size = BL_MIB_PAGES(512),
					   .max = BL_MIB_PAGES(1024) };
	const struct bl_sim_launch huge = { .name = "huge",
					    .size = BL_MIB_PAGES(16000),
					    .max = BL_MIB_PAGES(16000) };
	struct timeval limit = { 20, 0 };
	struct fixture *f = *state;
	struct event *guard;
	uint32_t domid;

	write_world(f, "[guest late]\nmemory = 1G\nappear = 30s\nbehaviour = vanish:600s\n");
	assert_int_equal(open_host(f, true, 200, &f->h), 0);
	guard = evtimer_new(f->base, give_up, f);
	assert_non_null(guard);
	evtimer_add(guard, &limit); /* so that a loop nobody wakes ends */
	while (!dom(f, "late") && evtimer_pending(guard, NULL))
		event_base_dispatch(f->base);
	assert_non_null(dom(f, "late"));
	while (dom(f, "late") && evtimer_pending(guard, NULL))
		event_base_dispatch(f->base);
	assert_null(dom(f, "late"));
	assert_int_equal(bd_host_sim_create(f->h, &new, NULL, &domid, &f->e), 0);
	assert_int_equal(bd_host_sim_create(f->h, &huge, NULL, &domid, &f->e), -ENOMEM);
	while (dom(f, "new")->flags & BL_DOM_BUILDING && evtimer_pending(guard, NULL))
		event_base_dispatch(f->base);
	domid = dom(f, "new")->domid;
	assert_int_equal(bd_host_sim_set(f->h, domid, "used", "400M", &f->e), 0);
	assert_int_equal(dom(f, "new")->tele.used.n, BL_MIB_PAGES(400).n);
	assert_int_equal(bd_host_sim_destroy(f->h, domid, &f->e), 0);
	while (dom(f, "new") && evtimer_pending(guard, NULL))
		event_base_dispatch(f->base);
	assert_null(dom(f, "new"));
	assert_int_equal(bd_host_sim_destroy(f->h, domid, &f->e), -ESRCH);
	assert_true(evtimer_pending(guard, NULL));
	evtimer_del(guard);
	/* nothing is left to wait for: no timer, so the loop ends at once */
	assert_int_equal(event_base_dispatch(f->base), 1);
	event_free(guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(world_outlives_the_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(one_process_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_world_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_files, setup, teardown),
		cmocka_unit_test_setup_teardown(changes_wake_the_loop, setup, teardown),
	};

	return cmocka_run_group_tests_name("sim-host", tests, NULL, NULL);
}
