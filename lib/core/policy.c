/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* Demand halves its distance to a lower value in this time. */
#define DECAY_MS 60000U

struct point {
	uint64_t cap; /* hi - lo */
	uint32_t weight;
	uint32_t index;
};

static int fill_reserve(struct bl_fill *f, size_t n)
{
	struct point *sorted, *scratch;

	if (n <= f->cap)
		return 0;
	if (n > UINT32_MAX)
		return -ENOMEM;
	sorted = reallocarray(f->sorted, n, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	f->sorted = sorted;
	scratch = reallocarray(f->scratch, n, sizeof(*scratch));
	if (!scratch)
		return -ENOMEM;
	f->scratch = scratch;
	f->cap = n;
	return 0;
}

void bl_fill_free(struct bl_fill *f)
{
	free(f->sorted);
	free(f->scratch);
	*f = (struct bl_fill){ 0 };
}

/* a reaches its cap at a lower level than b. */
static bool before(const struct point *a, const struct point *b)
{
	return (wide)a->cap * b->weight < (wide)b->cap * a->weight;
}

/* Merge sort, bottom up: stable, and unlike qsort(3) it never allocates. */
static struct point *sort_points(struct point *a, struct point *b, size_t n)
{
	for (size_t width = 1; width < n; width *= 2) {
		struct point *swap = a;

		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t mid = lo + width < n ? lo + width : n;
			size_t hi = lo + 2 * width < n ? lo + 2 * width : n;
			size_t i = lo, j = mid;

			for (size_t k = lo; k < hi; k++) {
				bool right = i >= mid || (j < hi && before(&a[j], &a[i]));

				b[k] = right ? a[j++] : a[i++];
			}
		}
		a = b;
		b = swap;
	}
	return a;
}

/* Those with room left share `amount` by weight, whole pages, none above its
 * cap: their caps are all above amount / weights. */
static void share_rest(const struct bl_share_in *in, const struct point *rest, size_t n,
		       uint64_t amount, uint64_t weights, bl_pages *ret)
{
	uint64_t given = 0;

	for (size_t k = 0; k < n; k++) {
		uint64_t part = (uint64_t)((wide)amount * rest[k].weight / weights);

		ret[rest[k].index].n = in[rest[k].index].lo.n + part;
		given += part;
	}
	/* fewer pages than sharers are left */
	for (size_t k = 0; given < amount; k++, given++)
		ret[rest[k].index].n++;
}

int bl_fill_share(struct bl_fill *f, const struct bl_share_in *in, size_t n,
		  bl_pages amount, bl_pages *ret, bl_pages *ret_left)
{
	uint64_t caps = 0, weights = 0, left = amount.n;
	struct point *p;
	size_t k;
	int r;

	for (size_t i = 0; i < n; i++) {
		caps += in[i].hi.n - in[i].lo.n;
		weights += in[i].weight;
	}
	if (caps <= left || !left) {
		for (size_t i = 0; i < n; i++)
			ret[i] = left ? in[i].hi : in[i].lo;
		*ret_left = BL_PAGES(left ? left - caps : 0);
		return 0;
	}
	r = fill_reserve(f, n);
	if (r)
		return r;
	p = f->sorted;
	for (size_t i = 0; i < n; i++)
		p[i] = (struct point){ in[i].hi.n - in[i].lo.n, in[i].weight, (uint32_t)i };
	p = sort_points(p, f->scratch, n);
	for (k = 0; k < n && (wide)p[k].cap * weights <= (wide)left * p[k].weight; k++) {
		ret[p[k].index] = in[p[k].index].hi;
		left -= p[k].cap;
		weights -= p[k].weight;
	}
	share_rest(in, p + k, n - k, left, weights, ret);
	*ret_left = BL_PAGES(0);
	return 0;
}

struct bl_policy {
	struct bl_fill fill;
	struct bl_share_in *share;
	size_t cap;
};

struct bl_policy *bl_policy_new(void)
{
	return calloc(1, sizeof(struct bl_policy));
}

void bl_policy_free(struct bl_policy *p)
{
	if (!p)
		return;
	bl_fill_free(&p->fill);
	free(p->share);
	free(p);
}

enum level { KEEPS, MIN, USED, DEMAND, SURPLUS, N_LEVELS };

static bl_pages used_or_min(const struct bl_guest_in *g)
{
	return bl_pages_clamp(g->used, g->min, g->max);
}

static bl_pages level_of(const struct bl_guest_in *g, enum level l, bool give)
{
	switch (l) {
	case KEEPS:
		return bl_pages_min(g->have, used_or_min(g));
	case MIN:
		return g->min;
	case USED:
		return used_or_min(g);
	case DEMAND:
		return bl_pages_clamp(g->demand, g->min, g->max);
	case SURPLUS:
		return give ? g->max : bl_pages_min(g->have, g->max);
	default:
		return g->max;
	}
}

/* Spreads what is left in proportion to max - used: one g for all. */
static void proportional(const struct bl_guest_in *in, size_t n, uint64_t left, bl_pages *ret)
{
	uint64_t range = 0, amount;
	uint64_t given = 0;

	for (size_t i = 0; i < n; i++)
		range += in[i].max.n - ret[i].n;
	amount = left < range ? left : range;
	if (!amount)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t part = (uint64_t)((wide)amount * (in[i].max.n - ret[i].n) / range);

		ret[i].n += part;
		given += part;
	}
	for (size_t i = 0; i < n && given < amount; i++)
		if (ret[i].n < in[i].max.n) {
			ret[i].n++;
			given++;
		}
}

/* Raises ret towards level l as far as *left goes. */
static int raise_to(struct bl_policy *p, const struct bl_guest_in *in, size_t n, enum level l,
		    bool give, bl_pages *left, bl_pages *ret)
{
	for (size_t i = 0; i < n; i++)
		p->share[i] = (struct bl_share_in){
			.lo = ret[i],
			.hi = bl_pages_max(ret[i], level_of(&in[i], l, give)),
			.weight = in[i].weight,
		};
	return bl_fill_share(&p->fill, p->share, n, *left, ret, left);
}

int bl_policy_targets(struct bl_policy *p, enum bl_policy_kind kind, bool surplus_give,
		      const struct bl_guest_in *in, size_t n, bl_pages budget,
		      bl_pages *ret)
{
	enum level end = kind == BL_POLICY_PROPORTIONAL ? DEMAND : N_LEVELS;
	bl_pages left = budget;
	int r;

	if (n > p->cap) {
		struct bl_share_in *share = reallocarray(p->share, n, sizeof(*share));

		if (!share)
			return -ENOMEM;
		p->share = share;
		p->cap = n;
	}
	r = fill_reserve(&p->fill, n);
	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		ret[i] = level_of(&in[i], KEEPS, surplus_give);
		left = bl_pages_sub(left, ret[i]);
	}
	for (enum level l = MIN; l < end; l++)
		raise_to(p, in, n, l, surplus_give, &left, ret);
	if (kind == BL_POLICY_PROPORTIONAL)
		proportional(in, n, left.n, ret);
	return 0;
}

bl_pages bl_policy_demand(const struct bl_settings *s, const struct bl_telemetry *t,
			  bl_pages last, bl_ms since_last)
{
	bl_pages want = bl_pages_percent_ceil(t->used, 100 + s->headroom);
	uint64_t keep, steps;

	want = bl_pages_percent_ceil(want, 100 + t->pressure / 100);
	if (last.n <= want.n)
		return want;
	/* 2^-x by halves, and linear within a half */
	steps = since_last.n / DECAY_MS;
	keep = steps < 63 ? (last.n - want.n) >> steps : 0;
	keep -= (uint64_t)((wide)(keep / 2) * (since_last.n % DECAY_MS) / DECAY_MS);
	return keep < BL_PAGES_PER_MIB ? want : bl_pages_add(want, BL_PAGES(keep));
}
