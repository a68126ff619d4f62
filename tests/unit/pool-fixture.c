/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/pool-fixture.h"

#include <stdio.h>
#include <string.h>
#include <xenctrl.h>

#include "daemon/base/log.h"
#include "daemon/state/internal.h"

void done(void *ud, const struct bl_claim *c, const struct bl_err *err)
{
	struct answer *a = ud;

	a->n++;
	a->held = c != NULL;
	if (c)
		a->claim = *c;
	else
		a->err = *err;
}

static void run_for(struct daemon *d, long usec)
{
	const struct timeval t = { .tv_usec = usec };

	event_base_loopexit(d->base, &t);
	event_base_loop(d->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

/* A file is being written. */
static bool writes(const struct daemon *d)
{
	struct bd_state_entry *e, *next;
	bool is = false;

	HASH_ITER(hh, d->state->entries, e, next)
	is |= e->busy || e->due;
	return is;
}

/* However long the disk takes, what follows is seen, too. */
void run(struct daemon *d, long usec)
{
	run_for(d, usec);
	while (writes(d)) {
		while (writes(d))
			run_for(d, 1000);
		run_for(d, usec);
	}
}

struct daemon start(void)
{
	struct daemon d = { .base = event_base_new(), .events = bd_events_new(64) };
	struct bl_settings settings;
	struct bd_manager_config cfg = { .base = d.base, .events = d.events, .settings = &settings };
	struct bd_host *host;
	struct bl_err err;

	bl_settings_init(&settings);
	settings.reserve = (struct bl_share){ 0 };
	if (bd_state_open(folder, NULL, &d.state, &err))
		fail_msg("%s", err.msg);
	cfg.state = d.state;
	assert_int_equal(bd_manager_new(&cfg, &d.m), 0);
	d.host_events = bd_manager_host_events(d.m);
	if (bd_host_xen_open(d.base, &d.host_events, &host, &err) || bd_manager_start(d.m, host, &err))
		fail_msg("%s", err.msg);
	run(&d, 50000);
	return d;
}

void stop(struct daemon *d)
{
	bd_manager_free(d->m);
	bd_state_close(d->state);
	bd_events_free(d->events);
	event_base_free(d->base);
}

/* Of what the daemon logs: what it had to put right, and what is worse. */
static unsigned put_right;
static void note(int priority, const char *line)
{
	put_right += strstr(line, "for no claim") != NULL;
	warnings += priority <= LOG_WARNING;
}

int begin(void **state)
{
	(void)state;
	put_right = 0;
	bd_log_set_sink(note);
	fake_store_reset();
	fake_xen_reset();
	fake_xen.patched = true;
	fake_xen.nodes = 2;
	fake_xen.node_total[NODE] = 300000;
	fake_xen.node_free[NODE] = 200000;
	return 0;
}

struct answer ask(struct daemon *d, uint8_t n, uint64_t pages, int node)
{
	struct bd_claim_request req = { .has_id = true,
					.id = uuid(n),
					.size = BL_PAGES(pages),
					.node = node,
					.has_overhead = true,
					.overhead = BL_PAGES(20) };
	static struct answer a; /* may come later */

	a = (struct answer){ 0 };
	bd_manager_claim(d->m, &req, done, &a);
	run(d, 30000);
	return a;
}

void claimed(struct daemon *d, uint8_t n, uint64_t pages, int node)
{
	struct answer a = ask(d, n, pages, node);

	assert_true(a.n == 1 && a.held);
	assert_int_equal(a.claim.state, BL_CLAIM_HELD);
	assert_int_equal(a.claim.staked.n, pages);
}

#define TURNS 2000

int release(struct daemon *d, uint8_t n, struct bl_err *err)
{
	struct answer a = { 0 };

	bd_manager_release(d->m, find(d, n), done, &a);
	for (int i = 0; i < TURNS && !a.n; i++)
		run(d, 1000);
	assert_int_equal(a.n, 1);
	*err = a.err;
	return a.held ? 0 : -a.err.errnum;
}

void changed(void *ud, const struct bd_changed *what, const struct bl_err *err)
{
	struct changed *c = ud;

	c->n++;
	c->what = *what;
	if (err)
		c->err = *err;
	c->r = err ? -err->errnum : 0;
}

int until_changed(struct daemon *d, struct changed *c)
{
	for (int i = 0; i < TURNS && !c->n; i++)
		run(d, 1000);
	assert_int_equal(c->n, 1);
	return c->r;
}

int renew(struct daemon *d, uint8_t n, uint64_t ms, struct bl_err *err)
{
	struct changed c = { 0 };
	int r;

	bd_manager_renew(d->m, find(d, n), BL_MS(ms), changed, &c);
	r = until_changed(d, &c);
	*err = c.err;
	return r;
}

struct bl_claim *find(struct daemon *d, uint8_t n)
{
	char text[BL_UUID_STR];
	struct bl_claim *c = NULL;
	bl_uuid id = uuid(n);

	bl_uuid_format(&id, text);
	(void)bd_manager_find_claim(d->m, text, &c, NULL);
	return c;
}

bool on_disk;
char said[32];
void look_at_record(void)
{
	char text[BL_UUID_STR], path[128], line[1024] = "";
	bl_uuid id = uuid(1);
	FILE *f;

	bl_uuid_format(&id, text);
	snprintf(path, sizeof(path), "%s/claims/%s", folder, text);
	f = fopen(path, "re");
	on_disk = f && fgets(line, sizeof(line), f) && strstr(line, "\"state\":\"");
	if (on_disk)
		sscanf(strstr(line, "\"state\":\"") + 9, "%31[a-z]", said);
	if (f)
		fclose(f);
}

void is(struct daemon *d, uint8_t n, enum bl_claim_state state, uint64_t pages)
{
	const struct bl_claim *c = find(d, n);

	assert_non_null(c);
	assert_int_equal(c->state, state);
	assert_int_equal(c->in_pool.n, pages);
}

struct fake_domain *built(uint32_t domid, uint64_t max)
{
	struct fake_domain *d = fake_xen_add(domid, true, false, 0);

	d->flags |= XEN_DOMINF_paused;
	d->cpu_time = 0;
	d->max = max;
	return d;
}

struct answer hand(struct daemon *d, uint8_t n, uint32_t domid, uint64_t pages)
{
	struct answer a = { 0 };

	run(d, 30000); /* its watches */
	bd_manager_handoff(d->m, find(d, n), domid, BL_PAGES(pages), &BL_MS(1000), done, &a);
	run(d, 100000);
	if (!a.n)
		bd_manager_abandon(d->m, &a);
	return a;
}

int calm(void **state)
{
	return clean(state) || put_right ? -1 : 0;
}
