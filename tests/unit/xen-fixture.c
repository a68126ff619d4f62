/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/xen-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/xen/xen.h"

unsigned log_lines;
static void count_line(int priority, const char *line)
{
	(void)priority;
	(void)line;
	log_lines++;
}

static void changed(void *ud)
{
	((struct fixture *)ud)->changes++;
}

static void failed(void *ud, const struct bl_action *a, int error)
{
	struct fixture *f = ud;

	assert_null(a->claim);
	f->failures++;
	f->last_failure = error;
}

struct fake_domain *add_guest(uint32_t domid, bool hvm, bool emulated, uint64_t target_kib, uint64_t max_kib,
			      uint64_t videoram_kib, int64_t offset)
{
	struct fake_domain *d = fake_xen_add(domid, hvm, emulated,
					     (uint64_t)((int64_t)(target_kib / 4) + offset));

	d->max = (target_kib + videoram_kib) / 4 + 256;
	fake_store_setf(domid, "name", "guest%u", domid);
	fake_store_setf(domid, "memory/target", "%llu", (unsigned long long)target_kib);
	fake_store_setf(domid, "memory/static-max", "%llu", (unsigned long long)max_kib);
	fake_store_setf(domid, "memory/videoram", "%llu", (unsigned long long)videoram_kib);
	fake_store_introduce(domid);
	return d;
}

struct fixture *new_fixture(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_store_reset();
	fake_xen_reset();
	bd_xen_lock_folder = fake_proc_begin(); /* which is there, and is removed with all in it */
	f->base = event_base_new();
	log_lines = 0;
	bd_log_set_sink(count_line);
	return f;
}

int try_start(struct fixture *f)
{
	const struct bd_host_events ev = { .changed = changed, .failed = failed, .ud = f };

	return bd_host_xen_open(f->base, &ev, &f->h, &f->e);
}

void start(struct fixture *f)
{
	if (try_start(f) < 0)
		fail_msg("%s", f->e.msg);
	assert_int_equal(f->h->ops->snapshot(f->h, &f->s), 0);
}

void stop(struct fixture *f)
{
	if (f->h)
		f->h->ops->close(f->h);
	bl_snapshot_free(&f->s);
	event_base_free(f->base);
	fake_proc_end();
	free(f);
}

const struct bl_dom *look(struct fixture *f, uint32_t domid)
{
	assert_int_equal(f->h->ops->snapshot(f->h, &f->s), 0);
	return bl_snapshot_find(&f->s, domid);
}

void run_loop(struct fixture *f, long usec)
{
	const struct timeval t = { .tv_usec = usec };

	event_base_loopexit(f->base, &t);
	event_base_loop(f->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void settle(struct fixture *f)
{
	assert_int_equal(bd_store_settle(((struct bd_host_xen *)f->h)->store, BL_MS(10000)), 0);
}

/* Watches tell of writes in their order. */
void see_writes(struct fixture *f, uint32_t domid)
{
	static unsigned n;
	char name[32];

	snprintf(name, sizeof(name), "marked%u", ++n);
	fake_store_setf(domid, "name", "%s", name);
	until_now(f, domid, !strcmp(d->name, name));
}

int set_target(struct fixture *f, uint32_t domid, uint64_t pages)
{
	const struct bl_action a = { .kind = BL_ACT_TARGET, .domid = domid, .pages = BL_PAGES(pages) };

	return f->h->ops->apply(f->h, &a, &f->e);
}

void expect_store(struct fixture *f, const char *path, const char *value)
{
	char got[256] = "";

	for (int i = 0; i < 1000; i++) {
		if (fake_store_get(path, got, sizeof(got)) && strcmp(got, value) == 0)
			return;
		run_loop(f, 10000);
	}
	fail_msg("%s is '%s', not '%s'", path, got, value);
}
