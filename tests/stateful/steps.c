/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/stateful/asks.h"
#include "tests/stateful/checks.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/guests.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

#define PAGES_PER_MIB 256
/* After what went wrong the daemon has looked again at each of its waits. */
#define CALM_AFTER_MS 25000
/* Balloons are followed at every 20 ms. News come as they come, and pass. */
#define LOOKS_A_SECOND 100

static const struct host_view *host;
static bool aloud, stalled, gentle;
static uint64_t wrong_at, store_wrong_at; /* when something last was amiss, with xenstored */

void steps_begin(const struct host_view *on, bool say, bool gently)
{
	host = on;
	aloud = say;
	gentle = gently;
	stalled = false;
	wrong_at = store_wrong_at = played_now();
	asks_begin(say);
}

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	va_list ap;

	if (!aloud)
		return;
	va_start(ap, fmt);
	printf("# %8" PRIu64 " ", played_now());
	vprintf(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
}

/* ---- time, kills ---- */

static void wait_some(struct rnd *r)
{
	static const uint64_t most[] = { 20, 300, 3000, 30000, 200000 };
	uint64_t ms = rnd_in(r, 1, most[rnd_below(r, 5)]);

	unsigned looks = guests_looks;

	say("wait %" PRIu64 " ms", ms);
	life_wait(ms);
	if (ms > 5000 && (guests_looks - looks) > ms / 1000 * LOOKS_A_SECOND)
		world_failed("the host was looked at %u times in %" PRIu64
			     " ms, in which nobody asked for anything",
			     guests_looks - looks, ms);
}

static void jump_clock(struct rnd *r)
{
	int64_t s = (int64_t)rnd_below(r, 2000000) - 1000000;
	uint64_t ms = rnd_in(r, 1000, 7200000);

	if (rnd_one_in(r, 2)) {
		say("the wall clock jumps by %" PRId64 " s", s);
		played_wall_jump(s);
	} else {
		say("the host sleeps for %" PRIu64 " ms", ms);
		wrong_at = played_now() + ms;
		played_sleep(ms);
	}
}

static void start_again(void)
{
	int r = life_start();

	say("start: %s", r ? strerror(-r) : "up");
}

static void kill_now(struct rnd *r)
{
	wrong_at = played_now();
	if ((gentle || rnd_one_in(r, 4)) && !stalled) {
		say("stop");
		life_stop();
	} else {
		say("kill");
		life_kill();
	}
	if (!rnd_one_in(r, 4))
		start_again();
}

static void kill_later(struct rnd *r)
{
	unsigned n = (unsigned)rnd_in(r, 1, rnd_one_in(r, 2) ? 12 : 200);

	if (gentle)
		return;
	say("a kill %u steps from now", n);
	faults_kill_after(n);
}

static void reload(struct rnd *r)
{
	struct bl_settings s;

	check_settings(&s);
	s.policy = (enum bl_policy_kind)rnd_below(r, 3);
	s.surplus_give = rnd_one_in(r, 3);
	s.min.percent = (uint32_t)rnd_in(r, 10, 100);
	say("reload: policy %d, min %u%%", s.policy, s.min.percent);
	life_reload(&s);
	bl_settings_free(&s);
}

/* ---- what fails ---- */

static void fail_calls(struct rnd *r)
{
	static const char *const names[] = { "",
					     "",
					     "claim",
					     "claim_pages (none)",
					     "createdomain",
					     "destroydomain",
					     "setmaxmem",
					     "getinfolist",
					     "physinfo",
					     "claim_ctl",
					     "get_pod" };
	static const int errors[] = { EPERM, ENOMEM, EAGAIN, EINVAL, EBUSY, ESRCH, EFAULT, EIO };
	const char *name = names[rnd_below(r, 11)];
	int error = errors[rnd_below(r, 8)];
	unsigned one_in = (unsigned)rnd_in(r, 1, 8);

	wrong_at = played_now();
	say("hypercalls %s fail, one in %u: %s", name, one_in, strerror(error));
	faults_hypercalls(name, error, one_in);
}

static void fail_disk(struct rnd *r)
{
	static const int errors[] = { ENOSPC, EIO, EROFS, EMFILE, ENOMEM };
	int error = errors[rnd_below(r, 5)];
	unsigned one_in = (unsigned)rnd_in(r, 1, 6);

	wrong_at = played_now();
	say("the disk fails, one in %u: %s", one_in, strerror(error));
	faults_disk(error, one_in);
}

static void all_well(struct rnd *r)
{
	(void)r;
	say("nothing fails any more");
	if (faults_any())
		wrong_at = played_now();
	faults_none();
}

/* ---- xenstored ---- */

static void stall(struct rnd *r)
{
	if (gentle)
		return;
	stalled = !stalled && !rnd_one_in(r, 3);
	say("xenstored %s", stalled ? "stalls" : "answers");
	wrong_at = store_wrong_at = played_now();
	fake_store_stall(stalled);
}

static void break_store(struct rnd *r)
{
	bool refuse = rnd_one_in(r, 3);

	say("xenstored drops its connections%s", refuse ? " and takes no other" : "");
	wrong_at = store_wrong_at = played_now();
	fake_store_refuse(refuse);
	fake_store_break();
}

static void deny_writes(struct rnd *r)
{
	bool deny = rnd_one_in(r, 2);

	say("xenstored %s", deny ? "lets nobody write" : "lets us write");
	wrong_at = store_wrong_at = played_now();
	fake_store_refuse(false);
	fake_store_deny_writes(deny);
}

/* ---- the host's guests and outsiders ---- */

static void do_to_guest(struct rnd *r)
{
	struct guest *g = guests_some(r);

	if (!g)
		return;
	switch (rnd_below(r, 9)) {
	case 0:
	case 1:
		say("%s (%u) reports", g->name, g->domid);
		guests_report(g, r);
		break;
	case 2:
		say("%s (%u) is %s", g->name, g->domid, g->state == GUEST_RUNS ? "paused" : "unpaused");
		guests_pause(g, g->state == GUEST_RUNS);
		break;
	case 3:
		say("%s (%u) is%s saved", g->name, g->domid, g->saved ? " not" : "");
		guests_save(g, !g->saved);
		break;
	case 4:
		say("%s (%u): mem-set by somebody", g->name, g->domid);
		guests_mem_set(g, rnd_in(r, 1, g->max * 4));
		break;
	case 5:
		say("%s (%u) ends", g->name, g->domid);
		guests_end(g, (unsigned)rnd_below(r, 4));
		break;
	default:
		g->stuck = rnd_one_in(r, 2);
		g->rate = rnd_in(r, 1, 400) * PAGES_PER_MIB;
		say("%s (%u): its balloon %s", g->name, g->domid, g->stuck ? "is stuck" : "follows");
		break;
	}
}

static void destroy_guest(struct rnd *r)
{
	struct guest *g = guests_some(r);
	struct guest was;

	if (!g)
		return;
	was = *g;
	say("%s (%u) is destroyed", g->name, g->domid);
	guests_destroy(g);
	if (was.wire < WIRES && rnd_one_in(r, 2))
		wire_close(was.wire);
	/* The domid comes back at once, or its UUID does. */
	if (rnd_one_in(r, 2)) {
		g = guests_build(r, rnd_one_in(r, 2) ? &was.uuid : NULL, NULL);
		say("%s (%u) is built, goal %" PRIu64, g->name, g->domid, g->goal);
	}
}

static void build_guest(struct rnd *r)
{
	struct guest *g = guests_build(r, NULL, asks_some_name(r));

	if (!g)
		return;
	say("%s (%u) is built, goal %" PRIu64, g->name, g->domid, g->goal);
	life_wait(rnd_below(r, 3));
	if (rnd_one_in(r, 3))
		(void)guests_stake(g);
	else if (rnd_one_in(r, 2))
		asks_handoff(g, r);
}

static void swap_guest(struct rnd *r)
{
	say("a domid is soon another guest's");
	guests_swap(r);
}

static void steal(struct rnd *r)
{
	bool back = rnd_one_in(r, 2);

	say("an outsider %s memory", back ? "gives back" : "takes");
	guests_thief(r, back);
}

/* Somebody tidies up what he takes for rubbish. */
static void harm_holder(struct rnd *r)
{
	for (size_t i = 0; i < fake_xen.n_doms; i++) {
		struct fake_domain *d = &fake_xen.doms[i];

		if (!d->used || !bl_handle_is_ours(&d->handle) || rnd_one_in(r, 2))
			continue;
		say("holder %u is %s", d->domid, r->s & 1 ? "destroyed" : "asked to shut down");
		check_harmed(&d->handle);
		wrong_at = played_now();
		if (r->s & 1)
			d->used = false;
		else
			fake_store_setf(d->domid, "control/shutdown", "poweroff");
		return;
	}
}

/* ---- the table ---- */

#define XEN 1
#define SIM 2

static const struct {
	void (*what)(struct rnd *r);
	unsigned weight, where;
} steps[] = {
	{ wait_some, 20, XEN | SIM },	{ asks_claim, 16, XEN | SIM }, { asks_release, 5, XEN | SIM },
	{ asks_renew, 2, XEN | SIM },	{ asks_set, 5, XEN | SIM },    { asks_look, 6, XEN | SIM },
	{ asks_hang_up, 3, XEN | SIM }, { kill_now, 4, XEN | SIM },    { kill_later, 4, XEN | SIM },
	{ reload, 1, XEN | SIM },	{ jump_clock, 1, XEN | SIM },  { fail_calls, 2, XEN | SIM },
	{ fail_disk, 1, XEN | SIM },	{ all_well, 5, XEN | SIM },    { stall, 2, XEN },
	{ break_store, 1, XEN },	{ deny_writes, 1, XEN },       { do_to_guest, 14, XEN },
	{ destroy_guest, 4, XEN },	{ build_guest, 10, XEN },      { steal, 3, XEN },
	{ harm_holder, 1, XEN },	{ asks_sim, 20, SIM },	       { asks_built, 4, XEN },
	{ swap_guest, 3, XEN },
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static bool is_calm(void)
{
	return !faults_any() && !stalled && played_now() > wrong_at + CALM_AFTER_MS;
}

void step_do(struct rnd *r)
{
	unsigned where = host == &sim_view ? SIM : XEN, sum = 0, n, kills = life_kills();

	if (!life_up() && !rnd_one_in(r, 4))
		start_again();
	for (unsigned i = 0; i < N_STEPS; i++)
		sum += steps[i].where & where ? steps[i].weight : 0;
	n = (unsigned)rnd_below(r, sum);
	for (unsigned i = 0; i < N_STEPS; i++) {
		if (!(steps[i].where & where))
			continue;
		if (n < steps[i].weight) {
			steps[i].what(r);
			break;
		}
		n -= steps[i].weight;
	}
	guests_names_unsure = stalled || played_now() < store_wrong_at + CALM_AFTER_MS;
	life_wait(rnd_in(r, 6, 60));
	if (life_kills() != kills) {
		say("the daemon was killed");
		wrong_at = played_now();
	}
	check_step(is_calm());
}

void steps_peace(void)
{
	say("peace");
	faults_none();
	faults_kill_after(0);
	if (host == &guests_view) {
		stalled = false;
		fake_store_stall(false);
		fake_store_refuse(false);
		fake_store_deny_writes(false);
	}
	host->peace();
	life_wait(1000);
	check_step(false);
	if (!life_up())
		start_again();
	life_wait(60000);
	check_step(false);
	asks_release_all();
	life_wait(1000);
	check_step(false);
	/* Those that could not be released then, or were made for guests that reboot. */
	life_wait(200000);
	asks_release_all();
	life_wait(30000);
	check_step(true);
	check_end();
}
