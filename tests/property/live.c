/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules that only time can break. Each world lives through: coming to
 * rest; a claim that those who behave can serve; rest again; its release; rest
 * again. Meanwhile every plan has to keep the other rules, too. */
#include <inttypes.h>

#include "tests/property/host.h"
#include "tests/property/rules.h"

/* Nothing here takes longer, stuck-after included. */
#define PHASE_MS 200000
#define REST_MS 100000
/* A target may turn when a claim comes or goes, when a part is taken over and
 * when it was asked too much. */
#define TURNS 6

enum property { PLANS, TRUTH, REST, OSCILLATION, SERVED, N_PROPERTIES };

static const char *const names[N_PROPERTIES] = {
	[PLANS] = "rules 1-4, 7, 8 in each of its plans",
	[TRUTH] = "rule 1: what was granted is there",
	[REST] = "rule 5: at rest nothing is told to those who behave",
	[OSCILLATION] = "rule 5: no target goes up and down",
	[SERVED] = "rule 6: a claim that others can serve is held in time",
};

struct verdict {
	bool broken[N_PROPERTIES];
	char how[256];
};

static struct verdict *verdict; /* of the world that lives */

static bool broken(enum property p, const char *why)
{
	verdict->broken[p] = true;
	snprintf(verdict->how, sizeof(verdict->how), "%s: %s", names[p], why);
	return true;
}

static const char *look(struct host *h)
{
	for (size_t i = 0; i < n_rules; i++) {
		const char *why = rules[i].broken(&h->w, &h->plan);

		if (why) {
			broken(PLANS, why);
			return why;
		}
	}
	if (h->refused) {
		broken(TRUTH, "the hypervisor refused pages to a guest that was granted them");
		return "refused";
	}
	return NULL;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Somebody gives little by little, for as long as he is asked. */
static bool dribbles(const struct host *h)
{
	for (size_t i = 0; i < h->n_guests; i++)
		if (h->guests[i].manner == DRIBBLE || h->guests[i].manner == GAVE_UP)
			return true;
	return false;
}

static bool gives_up(const struct host *h)
{
	for (size_t i = 0; i < h->n_guests; i++)
		if (h->guests[i].manner == GAVE_UP)
			return true;
	return false;
}

static bool went_up_and_down(const struct guest *g)
{
	char why[64];

	snprintf(why, sizeof(why), "the target of %u turned %u times", (unsigned)g->domid, g->turns);
	return broken(OSCILLATION, why);
}

/* Comes to rest, and stays there. What is dribbled goes to the others. */
static bool rests(struct host *h)
{
	uint64_t start = h->w.snap.now.n;

	for (size_t i = 0; i < h->n_guests; i++)
		h->guests[i].turns = 0;
	h->last_act = start;
	while (h->w.snap.now.n < start + PHASE_MS + REST_MS) {
		if (host_tick(h, look))
			return false;
		if (h->w.snap.now.n - h->last_act >= REST_MS)
			break;
	}
	if (h->w.snap.now.n - h->last_act < REST_MS && !dribbles(h))
		return !broken(REST, "it does not come to rest");
	for (size_t i = 0; i < h->n_guests; i++) {
		const struct guest *g = &h->guests[i];
		/* one that gives up and is woken each time gets on, and each time its
		 * memory goes round; others that do not follow are tried now and then */
		bl_ms pause = g->manner == GAVE_UP ? h->w.settings.stuck_after : h->w.settings.retry_after;
		uint64_t tries = (h->w.snap.now.n - start) / pause.n + 1;

		if (g->turns > TURNS + (guest_behaves(g) && !gives_up(h) ? 0 : 2 * tries))
			return !went_up_and_down(g);
	}
	return true;
}

/* What a claim can get of those who behave, whatever the others do. */
static uint64_t room_for_claim(struct host *h)
{
	int64_t room = h->plan.balance;

	for (size_t i = 0; i < h->n_guests; i++) {
		const struct bl_view *v = bl_plan_view(&h->plan, h->guests[i].domid);
		uint64_t floor = v->limits.min.n;

		if (!guest_behaves(&h->guests[i]) || !v->managed)
			continue;
		if (v->track->fresh && v->dom->tele.used.n > floor)
			floor = v->dom->tele.used.n;
		if (v->track->fresh && v->dom->tele.has_min && v->dom->tele.min.n > floor)
			floor = v->dom->tele.min.n; /* true or not: it follows, and says that it will not */
		room += (int64_t)less(v->dom->tot.n, floor);
	}
	return room > 0 ? (uint64_t)room : 0;
}

/* How long the slowest of them needs to go all the way. */
static uint64_t slowest_ms(struct host *h, bool behaves)
{
	uint64_t ms = 0;

	for (size_t i = 0; i < h->n_guests; i++) {
		const struct guest *g = &h->guests[i];
		uint64_t needs = host_dom(h, g->domid)->tot.n * 1000 / g->rate + 1;

		if (guest_behaves(g) == behaves && g->manner != STUCK && g->manner != DRIBBLE && needs > ms)
			ms = needs;
	}
	return ms;
}

static bool is_served(struct host *h, const struct bl_claim *c)
{
	uint64_t start = h->w.snap.now.n;
	/* a limit set by hand a moment before, a probe, a failed apply: ticks */
	uint64_t slack = h->flaky ? 3000 : 1000;
	uint64_t end = start + slowest_ms(h, true) + slowest_ms(h, false) + slack;

	/* one may be asked only after another was given up on, or said that it refuses */
	for (size_t i = 0; i < h->n_guests; i++)
		if (!guest_behaves(&h->guests[i]))
			end += (h->guests[i].tells ? 0 : h->w.settings.stuck_after.n) + slack;
	/* the claim comes between two ticks: the manager looks at once */
	while (c->state == BL_CLAIM_RECLAIMING && h->w.snap.now.n <= end)
		if (host_tick(h, look))
			return false;
	return c->state == BL_CLAIM_HELD || !broken(SERVED, "a claim that could be served is not");
}

static void live(struct host *h, struct rnd *r)
{
	struct bl_claim *c;
	uint64_t room, overhead;

	if (!rests(h))
		return;
	room = room_for_claim(h);
	overhead = rnd_in(r, BL_HOLDER_PAGES.n, 2000);
	if (room <= overhead)
		return;
	c = host_claim(h, rnd_one_in(r, 3) ? room - overhead : rnd_in(r, 1, room - overhead), overhead);
	if (h->verbose)
		printf("# claim %" PRIu64 " + %" PRIu64 " of %" PRIu64 "\n", c->size.n, overhead, room);
	if (!is_served(h, c) || !rests(h))
		return;
	if (h->verbose)
		printf("# released\n");
	host_release(h, c);
	rests(h);
}

static struct verdict try(const struct run *run, uint64_t number, uint64_t drop, bool verbose)
{
	struct verdict v = { 0 };
	struct host h;
	struct rnd r = rnd_of_world(run->seed, number + (UINT64_C(1) << 40));

	verdict = &v;
	host_make(&h, run->seed, number, drop);
	h.verbose = verbose;
	if (verbose) {
		printf("#%s manners:", h.flaky ? " flaky," : "");
		for (size_t i = 0; i < h.n_guests; i++)
			printf(" %u:%d at %" PRIu64 "/s %s floor %" PRIu64 ",", (unsigned)h.guests[i].domid,
			       (int)h.guests[i].manner, h.guests[i].rate,
			       h.guests[i].tells_min ? "told"
			       : h.guests[i].tells   ? "felt"
						     : "hidden",
			       h.guests[i].floor);
		printf("\n");
		bl_progress_update(&h.w.progress, &h.w.settings, &h.w.snap);
		world_print(&h.w, NULL);
	}
	live(&h, &r);
	if (verbose)
		world_print(&h.w, &h.plan);
	host_free(&h);
	return v;
}

static void shrink(const struct run *run, uint64_t number, enum property p)
{
	uint64_t drop = 0;
	struct verdict v;

	for (unsigned i = 0; i < HOST_GUESTS; i++) {
		drop |= UINT64_C(1) << i;
		if (!try(run, number, drop, false).broken[p])
			drop &= ~(UINT64_C(1) << i);
	}
	v = try(run, number, drop, true);
	printf("# %s\n# replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", v.how, run->seed, number);
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, 10000);
	bool ok[N_PROPERTIES];
	int status = 0;

	printf("1..%d\n# seed %" PRIu64 ", %" PRIu64 " worlds\n", N_PROPERTIES, run.seed, run.to - run.from);
	for (int p = 0; p < N_PROPERTIES; p++)
		ok[p] = true;
	for (uint64_t n = run.from; n < run.to; n++) {
		struct verdict v = try(&run, n, 0, run.replay);

		for (int p = 0; p < N_PROPERTIES; p++)
			if (ok[p] && v.broken[p]) {
				ok[p] = false;
				shrink(&run, n, (enum property)p);
			}
	}
	for (int p = 0; p < N_PROPERTIES; p++) {
		printf("%sok %d - %s\n", ok[p] ? "" : "not ", p + 1, names[p]);
		status |= !ok[p];
	}
	return status;
}
