/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/control/conn.h"
#include "tests/stateful/checks.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

#define FDS_MAX 256
/* Timers at one moment, and turns without one: more is a loop that never rests. */
#define SPINS_MAX 20000
#define TURNS_MAX 1000

static struct {
	const struct played_host *host;
	char folder[160];
	bool kept[FDS_MAX]; /* descriptors that are the test's own */
	bool up;
	int r; /* of the start */
	struct event_base *base;
	struct bd_state *state;
	struct bd_events *events;
	struct bd_host_events host_events;
	struct bd_manager *m;
	struct bd_conns conns;
	unsigned kills, stops;
} l;

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void note(int priority, const char *line)
{
	(void)priority;
	check_log(line);
}

void life_begin(const struct played_host *host, const char *folder)
{
	memset(&l, 0, sizeof(l));
	l.host = host;
	snprintf(l.folder, sizeof(l.folder), "%s", folder);
	for (int fd = 0; fd < FDS_MAX; fd++)
		l.kept[fd] = is_open(fd);
	bd_log_set_sink(note);
	played_on_pass(host->pass);
}

bool life_up(void)
{
	return l.up;
}

struct bd_manager *life_manager(void)
{
	return l.up ? l.m : NULL;
}

bool life_written(const struct bl_claim *c)
{
	return !c->unsaved && bd_state_written(l.state, BD_STATE_CLAIM, &c->id, c->record) == 0;
}

unsigned life_kills(void)
{
	return l.kills;
}

unsigned life_ends(void)
{
	return l.kills + l.stops;
}

/* ---- the start ---- */

static int open_all(struct bl_err *err)
{
	struct bl_settings settings;
	struct bd_manager_config mc = { .settings = &settings };
	struct bd_host *host;
	int r;

	l.base = mc.base = event_base_new();
	l.events = mc.events = bd_events_new(64);
	if (!l.base || !l.events)
		abort();
	r = bd_state_open(l.folder, NULL, &l.state, err);
	if (r)
		return r;
	mc.state = l.state;
	check_settings(&settings);
	if (bd_manager_new(&mc, &l.m))
		abort();
	l.host_events = bd_manager_host_events(l.m);
	r = l.host->open(l.base, &l.host_events, &host, err);
	if (r)
		return r;
	r = bd_manager_start(l.m, host, err);
	if (r)
		return r;
	l.conns = (struct bd_conns){ .serve = &bd_requests, .manager = l.m, .events = l.events };
	return bd_conns_init(&l.conns, l.base, 4096);
}

static void close_all(void)
{
	l.conns.stopping = true;
	bd_manager_free(l.m);
	if (l.conns.base)
		bd_conns_free(&l.conns);
	bd_events_free(l.events);
	if (l.state)
		bd_state_close(l.state);
	event_base_free(l.base);
	l.m = NULL;
	l.state = NULL;
	l.events = NULL;
	l.base = NULL;
	l.conns = (struct bd_conns){ .base = NULL };
}

static void start(void *ud)
{
	struct bl_err err = { .errnum = 0 };

	(void)ud;
	l.r = open_all(&err);
	if (l.r) {
		check_log(err.msg);
		close_all();
	}
}

/* What the kernel does when a process is gone. */
static void bury(void)
{
	l.up = false;
	played_threads_end();
	played_timers_forget();
	wires_daemon_gone();
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!l.kept[fd] && !wires_own(fd))
			(void)close(fd);
	if (l.host->process_gone)
		l.host->process_gone();
	l.m = NULL;
	l.state = NULL;
	l.events = NULL;
	l.base = NULL;
	l.conns = (struct bd_conns){ .base = NULL };
}

static void die(void)
{
	l.kills++;
	bury();
}

int life_start(void)
{
	if (!faults_run(start, NULL)) {
		die();
		return -EINTR;
	}
	l.up = !l.r;
	if (l.up)
		life_wait(0);
	else
		bury(); /* it exits */
	return l.r;
}

/* ---- the end ---- */

void life_kill(void)
{
	if (l.up)
		die();
}

static void stop(void *ud)
{
	(void)ud;
	close_all();
}

void life_stop(void)
{
	if (!l.up)
		return;
	l.stops++;
	faults_kill_after(0);
	wires_daemon_gone();
	life_wait(0);
	l.up = false;
	(void)faults_run(stop, NULL);
	if (played_threads_left())
		world_failed("a thread is left of a daemon that was stopped");
	if (played_next() != UINT64_MAX)
		world_failed("a timer is left of a daemon that was stopped");
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!l.kept[fd] && is_open(fd))
			world_failed("descriptor %d is left of a daemon that was stopped", fd);
	if (l.host->process_gone)
		l.host->process_gone();
}

/* ---- the life ---- */

static void turn(void)
{
	bool any = true, before = true;

	for (unsigned i = 0; any || before; i++) {
		before = any;
		any = played_threads_run();
		(void)event_base_loop(l.base, EVLOOP_NONBLOCK);
		any |= wires_receive();
		if (i > TURNS_MAX)
			world_failed("the loop and its threads find something to do for ever");
	}
}

static void wait_until(void *ud)
{
	uint64_t end = *(uint64_t *)ud, next;

	for (unsigned spins = 0;; spins++) {
		turn();
		next = played_next();
		if (next > end)
			break;
		if (next > played_now()) {
			played_pass(next - played_now());
			spins = 0;
		}
		while (played_timer_fire())
			(void)event_base_loop(l.base, EVLOOP_NONBLOCK);
		if (spins > SPINS_MAX)
			world_failed("timers fire for ever at one moment");
	}
	if (played_now() < end)
		played_pass(end - played_now());
}

void life_wait(uint64_t ms)
{
	uint64_t end = played_now() + ms;

	if (!l.up)
		played_pass(ms);
	else if (!faults_run(wait_until, &end))
		die();
}

static void reload(void *ud)
{
	bd_manager_reload(l.m, ud);
}

void life_reload(struct bl_settings *settings)
{
	if (l.up && !faults_run(reload, settings))
		die();
}

static void attach(void *ud)
{
	bd_conns_admit(&l.conns, *(int *)ud, BD_ROLE_ADMIN, 0);
}

void life_connect(unsigned wire)
{
	int fd = l.up ? wire_open(wire) : -1;

	if (fd >= 0 && !faults_run(attach, &fd))
		die();
}
