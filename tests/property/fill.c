/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Water-filling against a reference that tries every level there is, and, on
 * numbers too large for that, against what "fair" means. */
#include <inttypes.h>
#include <string.h>

#include "lib/core/policy.h"
#include "tests/property/random.h"

#define SMALL 7
#define LARGE 200

__extension__ typedef unsigned __int128 wide;

struct problem {
	struct bl_share_in in[LARGE];
	size_t n;
	uint64_t amount;
};

static void show(const struct problem *p, const bl_pages *got, const bl_pages *want)
{
	printf("# amount %" PRIu64 "\n", p->amount);
	for (size_t i = 0; i < p->n; i++) {
		printf("# [%zu] lo %" PRIu64 " hi %" PRIu64 " weight %" PRIu32 " got %" PRIu64, i,
		       p->in[i].lo.n, p->in[i].hi.n, p->in[i].weight, got[i].n);
		if (want)
			printf(" want %" PRIu64, want[i].n);
		printf("\n");
	}
}

static uint64_t room(const struct bl_share_in *in)
{
	return in->hi.n - in->lo.n;
}

/* The level L = p/q for which sum(min(room, w * L)) is amount: by trying. */
static bool find_level(const struct problem *pr, uint64_t *ret_p, uint64_t *ret_q)
{
	uint64_t weights = 0, most = 0;

	for (size_t i = 0; i < pr->n; i++) {
		weights += pr->in[i].weight;
		most = room(&pr->in[i]) > most ? room(&pr->in[i]) : most;
	}
	for (uint64_t q = 1; q <= weights; q++)
		for (uint64_t p = 0; p <= most * q; p++) {
			uint64_t sum = 0;

			for (size_t i = 0; i < pr->n; i++) {
				uint64_t full = room(&pr->in[i]) * q, part = pr->in[i].weight * p;

				sum += part < full ? part : full;
			}
			if (sum == pr->amount * q) {
				*ret_p = p;
				*ret_q = q;
				return true;
			}
			if (sum > pr->amount * q)
				break;
		}
	return false;
}

static bool reference(const struct problem *pr, bl_pages *ret)
{
	uint64_t p = 0, q = 1, given = 0;
	bool full[SMALL] = { false };

	if (!find_level(pr, &p, &q))
		return false;
	for (size_t i = 0; i < pr->n; i++) {
		uint64_t part = pr->in[i].weight * p / q;

		full[i] = pr->in[i].weight * p >= room(&pr->in[i]) * q;
		part = full[i] ? room(&pr->in[i]) : part;
		ret[i].n = pr->in[i].lo.n + part;
		given += part;
	}
	for (size_t i = 0; i < pr->n; i++)
		if (!full[i] && given < pr->amount) {
			ret[i].n++;
			given++;
		}
	return given == pr->amount;
}

static struct problem small_problem(struct rnd *r)
{
	struct problem p = { .n = rnd_in(r, 1, SMALL) };
	uint64_t sum = 0;

	for (size_t i = 0; i < p.n; i++) {
		uint64_t lo = rnd_below(r, 20);

		p.in[i] = (struct bl_share_in){ BL_PAGES(lo), BL_PAGES(lo + rnd_below(r, 25)),
						(uint32_t)rnd_in(r, 1, 6) };
		sum += room(&p.in[i]);
	}
	p.amount = rnd_below(r, sum + 3);
	return p;
}

static struct problem large_problem(struct rnd *r)
{
	struct problem p = { .n = rnd_in(r, 1, LARGE) };
	uint64_t bits = rnd_in(r, 1, 40), sum = 0;

	for (size_t i = 0; i < p.n; i++) {
		uint64_t lo = rnd_below(r, UINT64_C(1) << bits);
		uint64_t more = rnd_one_in(r, 4) ? rnd_below(r, 3) : rnd_below(r, UINT64_C(1) << bits);

		p.in[i] = (struct bl_share_in){ BL_PAGES(lo), BL_PAGES(lo + more),
						rnd_one_in(r, 2) ? 100
								 : (uint32_t)rnd_in(r, 1, BL_WEIGHT_MAX) };
		sum += more;
	}
	p.amount = rnd_below(r, sum + 3);
	return p;
}

/* One made so that each level found fills but one more: each is full just
 * above the level before. */
static struct problem staircase(struct rnd *r)
{
	struct problem p = { .n = rnd_in(r, 2, 20), .amount = UINT64_C(1) << rnd_in(r, 30, 50) };
	uint64_t left = p.amount, weights = 100 * p.n, before = 0;

	for (size_t i = 0; i < p.n; i++) {
		uint64_t level = left / (weights / 100), cap = i + 1 < p.n ? before + 1 : 2 * left;

		p.in[i] = (struct bl_share_in){ BL_PAGES(0), BL_PAGES(cap), 100 };
		left -= cap < left ? cap : left;
		weights -= 100;
		before = level;
	}
	for (size_t i = p.n; i > 1; i--) {
		size_t j = rnd_below(r, i);
		struct bl_share_in swap = p.in[i - 1];

		p.in[i - 1] = p.in[j];
		p.in[j] = swap;
	}
	return p;
}

static bool sums_are_exact(const struct problem *p, const bl_pages *got, bl_pages left)
{
	uint64_t given = 0, sum = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (got[i].n < p->in[i].lo.n || got[i].n > p->in[i].hi.n)
			return false;
		given += got[i].n - p->in[i].lo.n;
		sum += room(&p->in[i]);
	}
	return given == (p->amount < sum ? p->amount : sum) && left.n == p->amount - given;
}

/* Nobody has a page more by weight than one who could still take some. */
static bool nobody_envies(const struct problem *p, const bl_pages *got)
{
	for (size_t i = 0; i < p->n; i++) {
		uint64_t mine = got[i].n - p->in[i].lo.n;

		if (got[i].n == p->in[i].hi.n)
			continue;
		for (size_t j = 0; j < p->n; j++) {
			uint64_t theirs = got[j].n - p->in[j].lo.n;

			if (theirs &&
			    (wide)(theirs - 1) * p->in[i].weight >= (wide)(mine + 1) * p->in[j].weight)
				return false;
		}
	}
	return true;
}

static const char *try(struct bl_fill *f, const struct problem *p, bool with_reference)
{
	bl_pages got[LARGE] = { { 0 } }, want[LARGE], left = BL_PAGES(77);
	const char *wrong = NULL;

	if (bl_fill_share(f, p->in, p->n, BL_PAGES(p->amount), got, &left))
		wrong = "it failed";
	else if (!sums_are_exact(p, got, left))
		wrong = "sums are not exact";
	else if (!nobody_envies(p, got))
		wrong = "it is not fair";
	if (wrong) {
		show(p, got, NULL);
		return wrong;
	}
	if (!with_reference || left.n)
		return NULL;
	if (!reference(p, want)) {
		show(p, got, NULL);
		return "the reference found no level";
	}
	if (p->n && memcmp(got, want, p->n * sizeof(*got))) {
		show(p, got, want);
		return "the reference says otherwise";
	}
	return NULL;
}

static bool all(const struct run *run, struct bl_fill *f, bool small)
{
	for (uint64_t w = run->from; w < run->to; w++) {
		struct rnd r = rnd_of_world(run->seed, w);
		struct problem p = small	       ? small_problem(&r)
				   : rnd_one_in(&r, 4) ? staircase(&r)
						       : large_problem(&r);
		const char *wrong = try(f, &p, small);

		if (wrong) {
			printf("# %s: replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", wrong,
			       run->seed, w);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, 20000);
	struct bl_fill f = { 0 };
	bool ok[2];

	printf("1..2\n# seed %" PRIu64 ", %" PRIu64 " problems each\n", run.seed, run.to - run.from);
	ok[0] = all(&run, &f, true);
	printf("%sok 1 - as the reference that tries every level\n", ok[0] ? "" : "not ");
	ok[1] = all(&run, &f, false);
	printf("%sok 2 - exact sums, nobody envies\n", ok[1] ? "" : "not ");
	bl_fill_free(&f);
	return !(ok[0] && ok[1]);
}
