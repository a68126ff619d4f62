/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/stateful/checks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/property/rules.h"
#include "tests/stateful/faults.h"
#include "tests/stateful/life.h"
#include "tests/stateful/played.h"
#include "tests/stateful/wires.h"

#define HELD_MAX 256
#define HARMED_MAX 128 /* one a step, and more than a world has steps */
/* What should have ended has, by the next tick but one. */
#define LATE_MS 25000
#define LOG_LINES 24

/* A claim that was held at the end of the last step. */
struct held {
	bl_uuid id, handle, uuid;
	bl_pages size;
	bool pooled, named, reboot, unsaved, may_end;
	bl_ms expires;
};

static struct {
	const struct host_view *host;
	bool all_may_end;
	bool builds; /* something was built since the claims were looked at */
	struct held held[HELD_MAX];
	size_t n;
	bl_uuid harmed[HARMED_MAX]; /* the handles of holders to which an outsider did something */
	size_t n_harmed;
	unsigned ends;	/* of the daemon, as of the last step */
	uint64_t ahead; /* the host's clock, in which claims count, of the one that is played */
	struct rnd rnd;
} c;

static char log_lines[LOG_LINES][256];
static unsigned n_lines;

void checks_begin(const struct host_view *host)
{
	memset(&c, 0, sizeof(c));
	c.host = host;
	n_lines = 0;
}

void check_settings(struct bl_settings *ret)
{
	bl_settings_init(ret);
	ret->min.percent = 40;
	ret->boot_grace = BL_MS(5000);
}

void check_log(const char *line)
{
	snprintf(log_lines[n_lines++ % LOG_LINES], sizeof(log_lines[0]), "%8" PRIu64 " %s", played_now(),
		 line);
	if (strstr(line, "set aside"))
		world_failed("a file of the state folder is not whole: %s", line);
}

void checks_print_log(void)
{
	for (unsigned i = n_lines > LOG_LINES ? n_lines - LOG_LINES : 0; i < n_lines; i++)
		fprintf(stderr, "# log: %s\n", log_lines[i % LOG_LINES]);
}

/* ---- plans ---- */

int __real_bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in);
int __wrap_bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in);
int __wrap_bl_plan_make(struct bl_plan *plan, const struct bl_plan_in *in)
{
	int r = __real_bl_plan_make(plan, in);
	/* The rules only look at it. */
	struct world w = { .settings = *in->settings,
			   .snap = *in->snap,
			   .progress = *in->progress,
			   .ledger = *in->ledger,
			   .paused = in->paused,
			   .warm = in->warm,
			   .warm_until = in->warm_until };

	for (size_t i = 0; r == 0 && i < n_rules; i++) {
		/* Makes a second plan, and once in a while is enough. */
		const char *why = rules[i].name[0] == '7' && !rnd_one_in(&c.rnd, 16)
					  ? NULL
					  : rules[i].broken(&w, plan);

		if (why)
			world_failed("a plan breaks rule %s: %s", rules[i].name, why);
	}
	return r;
}

/* ---- claims that are held ---- */

static struct held *find_held(const bl_uuid *id)
{
	for (size_t i = 0; i < c.n; i++)
		if (bl_uuid_equal(&c.held[i].id, id))
			return &c.held[i];
	return NULL;
}

void check_may_end(const bl_uuid *id)
{
	struct held *h = find_held(id);

	if (h)
		h->may_end = true;
}

void check_harmed(const bl_uuid *handle)
{
	if (c.n_harmed == HARMED_MAX)
		abort();
	c.harmed[c.n_harmed++] = *handle;
}

/* However long ago: a daemon that is killed again and again sees the harm late, and the claim of
 * the holder may have waited for more in the meantime. */
static bool is_harmed(const struct held *h)
{
	for (size_t i = 0; i < c.n_harmed; i++)
		if (bl_uuid_equal(&c.harmed[i], &h->handle))
			return true;
	return false;
}

void check_all_may_end(void)
{
	c.all_may_end = true;
}

/* A simulated host has a clock of its own. */
static uint64_t host_now(void)
{
	return played_now() + c.ahead;
}

static bool may_end(const struct held *h, bool killed, bool builds)
{
	/* It was built for, or what it was kept for is back, however long ago. */
	if ((builds && h->named) || (h->reboot && c.host->runs(&h->uuid)))
		return true;
	/* What no record says yet a kill may undo. */
	return c.all_may_end || h->may_end || is_harmed(h) || h->expires.n <= host_now() ||
	       (killed && h->unsaved);
}

static void remember(const struct bl_ledger *l)
{
	c.n = 0;
	for (size_t i = 0; i < l->n && c.n < HELD_MAX; i++) {
		const struct bl_claim *cl = l->claims[i];

		if (cl->state != BL_CLAIM_HELD || bl_claim_ends(cl))
			continue;
		c.held[c.n++] = (struct held){
			.id = cl->id,
			.handle = cl->handle,
			.uuid = cl->uuid,
			.size = cl->size,
			.pooled = cl->holder == BL_DOMID_POOL,
			.expires = cl->expires,
			.named = cl->name[0] || cl->has_uuid,
			.reboot = cl->reboot,
			.unsaved = !life_written(cl),
		};
	}
}

/* What was held is held, or there is a reason. */
static void check_held(const struct bl_ledger *l, bool killed, bool builds)
{
	char id[BL_UUID_STR];

	for (size_t i = 0; i < c.n; i++) {
		const struct held *h = &c.held[i];
		const struct bl_claim *now = bl_ledger_find(l, &h->id);

		if (now && (now->state == BL_CLAIM_HELD || now->state == BL_CLAIM_BUILDING) &&
		    (now->size.n >= h->size.n || now->state == BL_CLAIM_BUILDING))
			continue;
		if (may_end(h, killed, builds))
			continue;
		bl_uuid_format(&h->id, id);
		world_failed("claim %s of %" PRIu64 " pages was held and is %s%s", id, h->size.n,
			     now ? bl_claim_state_name(now->state) : "gone", killed ? ", after a kill" : "");
	}
}

/* What nobody has a reason to have ended stands in the hypervisor, whether the daemon runs or not. */
static void check_stakes(bool killed, bool builds)
{
	uint64_t pooled = 0;
	char id[BL_UUID_STR];

	for (size_t i = 0; i < c.n; i++) {
		const struct held *h = &c.held[i];

		if (may_end(h, killed, builds))
			continue;
		bl_uuid_format(&h->id, id);
		if (h->pooled)
			pooled += h->size.n;
		else if (c.host->staked(&h->handle) < h->size.n)
			world_failed("claim %s was held with %" PRIu64 " pages, and its holder has %" PRIu64,
				     id, h->size.n, c.host->staked(&h->handle));
	}
	if (pooled > c.host->pool())
		world_failed("the pool has %" PRIu64 " pages, claims that are held in it %" PRIu64,
			     c.host->pool(), pooled);
}

/* ---- when nothing has gone wrong for a while ---- */

static void check_late(const struct bl_claim *cl)
{
	uint64_t due = cl->state == BL_CLAIM_HELD	  ? cl->expires.n
		       : cl->state == BL_CLAIM_RECLAIMING ? cl->wait_until.n
							  : UINT64_MAX;
	char id[BL_UUID_STR];

	bl_uuid_format(&cl->id, id);
	if (due != UINT64_MAX && due < UINT64_MAX - LATE_MS && due + LATE_MS < host_now())
		world_failed("claim %s is %s, %" PRIu64 " ms after it should have ended", id,
			     bl_claim_state_name(cl->state), host_now() - due);
}

static void check_calm(const struct bl_ledger *l)
{
	uint64_t pooled = 0;
	char id[BL_UUID_STR];

	for (size_t i = 0; i < l->n; i++) {
		const struct bl_claim *cl = l->claims[i];

		bl_uuid_format(&cl->id, id);
		check_late(cl);
		pooled += cl->pooled.n;
		if (!life_written(cl))
			world_failed("the record of claim %s is not written, and the disk is well", id);
		if (cl->state == BL_CLAIM_HELD && cl->holder != BL_DOMID_POOL &&
		    c.host->staked(&cl->handle) != cl->size.n)
			world_failed("claim %s is held with %" PRIu64 " pages and says %" PRIu64, id,
				     c.host->staked(&cl->handle), cl->size.n);
	}
	if (pooled != c.host->pool())
		world_failed("the pool has %" PRIu64 " pages, the claims say %" PRIu64, c.host->pool(),
			     pooled);
	c.host->each_holder(l);
}

void check_step(bool calm)
{
	struct bd_picture p;
	bool killed = life_ends() != c.ends;

	c.builds |= c.host->builds();
	if (life_up()) {
		bd_manager_picture(life_manager(), &p);
		c.ahead = p.now.n - played_now();
	}
	c.host->check_books();
	check_stakes(killed, c.builds);
	if (!life_up())
		return;
	bd_manager_picture(life_manager(), &p);
	check_held(p.ledger, killed, c.builds);
	for (size_t i = 0; i < p.ledger->n; i++)
		if (!bl_claim_live(p.ledger->claims[i]))
			world_failed("a claim that has ended is still there");
	if (calm)
		check_calm(p.ledger);
	remember(p.ledger);
	c.ends = life_ends();
	c.all_may_end = c.builds = false;
}

void check_end(void)
{
	struct bd_picture p;

	if (!life_up())
		world_failed("the daemon does not start on a host that is well");
	bd_manager_picture(life_manager(), &p);
	if (p.ledger->n)
		world_failed("%zu claims are left, and all were released", p.ledger->n);
	if (c.host->pool())
		world_failed("%" PRIu64 " pages are left in the pool, and no claim", c.host->pool());
	c.host->each_holder(p.ledger);
	if (wires_open_asks())
		world_failed("%u requests were never answered", wires_open_asks());
}
