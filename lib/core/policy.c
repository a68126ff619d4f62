/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* A demand above the present one loses half of the difference in this time. */
#define DECAY_MS 60000.0

struct point {
	uint64_t cap; /* hi - lo */
	uint32_t weight;
	uint32_t index;
};

static int fill_reserve(struct bl_fill *f, size_t n)
{
	struct point *points, *scratch;

	if (n <= f->cap)
		return 0;
	if (n > UINT32_MAX)
		return -ENOMEM;
	points = reallocarray(f->points, n, 2 * sizeof(*points));
	if (!points)
		return -ENOMEM;
	f->points = points;
	scratch = reallocarray(f->scratch, n, sizeof(*scratch));
	if (!scratch)
		return -ENOMEM;
	f->scratch = scratch;
	f->cap = n;
	return 0;
}

void bl_fill_free(struct bl_fill *f)
{
	free(f->points);
	free(f->scratch);
	*f = (struct bl_fill){ 0 };
}

/* True if a reaches its cap at a lower level than b. */
static bool before(const struct point *a, const struct point *b)
{
	return (wide)a->cap * b->weight < (wide)b->cap * a->weight;
}

/* Bottom-up merge sort: unlike qsort(3) it never allocates. */
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

/* Participants that are not full, and what is left for them. */
struct rest {
	struct point *p;
	size_t n;
	uint64_t left, weights;
};

static bool fills_up(const struct point *p, uint64_t left, uint64_t weights)
{
	return (wide)p->cap * weights <= (wide)left * p->weight;
}

/* Removes those that the present level fills, which only raises the level. False: nobody is full,
 * so this is the level. */
static bool take_full(struct rest *r, const struct bl_share_in *in, bl_pages *ret)
{
	uint64_t left = r->left, weights = r->weights;
	size_t n = 0;

	for (size_t k = 0; k < r->n; k++) {
		const struct point p = r->p[k];

		if (!fills_up(&p, left, weights)) {
			r->p[n++] = p;
			continue;
		}
		ret[p.index] = in[p.index].hi;
		r->left -= p.cap;
		r->weights -= p.weight;
	}
	if (n == r->n)
		return false;
	r->n = n;
	return true;
}

/* Does all of that by sorting, for inputs made so that each pass removes only a few. */
static void take_full_sorted(struct rest *r, struct bl_fill *f, const struct bl_share_in *in, bl_pages *ret)
{
	struct point *copy = (struct point *)f->points + f->cap;
	struct point *sorted;
	size_t n = 0;

	memcpy(copy, r->p, r->n * sizeof(*copy));
	sorted = sort_points(copy, f->scratch, r->n);
	for (size_t k = 0; k < r->n && fills_up(&sorted[k], r->left, r->weights); k++) {
		ret[sorted[k].index] = in[sorted[k].index].hi;
		r->left -= sorted[k].cap;
		r->weights -= sorted[k].weight;
	}
	/* Keep the others in the order given. */
	for (size_t k = 0; k < r->n; k++)
		if (!fills_up(&r->p[k], r->left, r->weights))
			r->p[n++] = r->p[k];
	r->n = n;
}

/* a * b / c, for results that fit. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t small;

	if (!__builtin_mul_overflow(a, b, &small)) /* much faster */
		return small / c;
	return (uint64_t)((wide)a * b / c);
}

/* Shares the rest by weight, in whole pages, none above its cap: all caps are above left /
 * weights. Returns how many, the first ones, got a page of the remainder. */
static size_t share_rest(const struct rest *r, const struct bl_share_in *in, bl_pages *ret)
{
	uint64_t given = 0;
	size_t n_up;

	for (size_t k = 0; k < r->n; k++) {
		const struct point *p = &r->p[k];
		uint64_t part = mul_div(r->left, p->weight, r->weights);

		ret[p->index].n = in[p->index].lo.n + part;
		given += part;
	}
	n_up = r->left - given; /* fewer than participants */
	for (size_t k = 0; k < n_up; k++)
		ret[r->p[k].index].n++;
	return n_up;
}

/* Passes before it sorts: ordinary hosts need no more. */
#define PASSES 8

int bl_fill_share(struct bl_fill *f, const struct bl_share_in *in, size_t n, bl_pages amount, bl_pages *ret,
		  bl_pages *ret_left)
{
	struct rest rest = { .left = amount.n };
	uint64_t caps = 0;
	int r;

	f->n_up = 0;
	for (size_t i = 0; i < n; i++)
		caps += in[i].hi.n - in[i].lo.n;
	if (caps <= amount.n || !amount.n) {
		for (size_t i = 0; i < n; i++)
			ret[i] = amount.n ? in[i].hi : in[i].lo;
		*ret_left = BL_PAGES(amount.n ? amount.n - caps : 0);
		return 0;
	}
	r = fill_reserve(f, n);
	if (r)
		return r;
	rest.p = f->points;
	for (size_t i = 0; i < n; i++) {
		uint64_t cap = in[i].hi.n - in[i].lo.n;

		if (!cap) { /* most of them, as a rule */
			ret[i] = in[i].lo;
			continue;
		}
		rest.p[rest.n++] = (struct point){ cap, in[i].weight, (uint32_t)i };
		rest.weights += in[i].weight;
	}
	for (unsigned pass = 0; take_full(&rest, in, ret); pass++)
		if (pass == PASSES) {
			take_full_sorted(&rest, f, in, ret);
			break;
		}
	f->n_up = share_rest(&rest, in, ret);
	*ret_left = BL_PAGES(0);
	return 0;
}

struct bl_policy {
	struct bl_fill fill;
	struct bl_share_in *share;
	bool *up; /* by guest: has a page of the remainder */
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
	free(p->up);
	free(p);
}

enum level { KEEPS, MIN, USED, HAVE, DEMAND, MAX };

static bl_pages used_or_min(const struct bl_guest_in *g)
{
	return bl_pages_clamp(g->used, g->min, g->max);
}

static bl_pages level_of(const struct bl_guest_in *g, enum level l)
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
	case HAVE:
		return bl_pages_min(g->have, g->max);
	case MAX:
		return g->max;
	}
	return g->max;
}

/* Spreads the rest in proportion to max - used. */
static void proportional(struct bl_policy *p, const struct bl_guest_in *in, size_t n, uint64_t left,
			 bl_pages *ret)
{
	uint64_t range = 0, amount;
	uint64_t given = 0;

	for (size_t i = 0; i < n; i++)
		range += in[i].max.n - ret[i].n;
	amount = left < range ? left : range;
	if (!amount)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t part = mul_div(amount, in[i].max.n - ret[i].n, range);

		ret[i].n += part;
		given += part;
	}
	for (size_t i = 0; i < n && given < amount; i++)
		if (ret[i].n < in[i].max.n) {
			ret[i].n++;
			p->up[i] = true;
			given++;
		}
}

/* Raises ret towards level l as far as *left goes. */
static void raise_to(struct bl_policy *p, const struct bl_guest_in *in, size_t n, enum level l,
		     bl_pages *left, bl_pages *ret)
{
	for (size_t i = 0; i < n; i++)
		p->share[i] = (struct bl_share_in){
			.lo = ret[i],
			.hi = bl_pages_max(ret[i], level_of(&in[i], l)),
			.weight = in[i].weight,
		};
	bl_fill_share(&p->fill, p->share, n, *left, ret, left); /* policy_reserve() has made room */
	for (size_t k = 0; k < p->fill.n_up; k++)
		p->up[((struct point *)p->fill.points)[k].index] = true;
}

static int policy_reserve(struct bl_policy *p, size_t n)
{
	struct bl_share_in *share;
	bool *up;

	if (n > p->cap) {
		share = reallocarray(p->share, n, sizeof(*share));
		if (!share)
			return -ENOMEM;
		p->share = share;
		up = reallocarray(p->up, n, sizeof(*up));
		if (!up)
			return -ENOMEM;
		p->up = up;
		p->cap = n;
	}
	return fill_reserve(&p->fill, n);
}

int bl_policy_targets(struct bl_policy *p, enum bl_policy_kind kind, bool surplus_give,
		      const struct bl_guest_in *in, size_t n, bl_pages budget, bl_pages *ret)
{
	static const enum level orders[][4] = {
		[BL_POLICY_DEMAND] = { MIN, USED, DEMAND, HAVE },
		[BL_POLICY_PROPORTIONAL] = { MIN, USED, USED, USED },
		[BL_POLICY_STATIC] = { MIN, HAVE, DEMAND, HAVE },
	};
	bl_pages left = budget;
	int r = policy_reserve(p, n);

	if (r)
		return r;
	for (size_t i = 0; i < n; i++) {
		p->up[i] = false;
		ret[i] = level_of(&in[i], KEEPS);
		left = bl_pages_sub(left, ret[i]);
	}
	for (size_t k = 0; k < 4 && left.n; k++)
		raise_to(p, in, n, orders[kind][k], &left, ret);
	if (kind == BL_POLICY_PROPORTIONAL)
		proportional(p, in, n, left.n, ret);
	else if (surplus_give && left.n)
		raise_to(p, in, n, MAX, &left, ret);
	return 0;
}

bool bl_policy_rounded_up(const struct bl_policy *p, size_t i)
{
	return p->up[i];
}

bl_pages bl_policy_demand(const struct bl_settings *s, const struct bl_telemetry *t, bl_pages last,
			  bl_ms since_last)
{
	bl_pages want = bl_pages_percent_ceil(t->used, 100 + s->headroom);
	uint64_t keep;

	want = bl_pages_percent_ceil(want, 100 + t->pressure / 100);
	if (last.n <= want.n)
		return want;
	keep = (uint64_t)((double)(last.n - want.n) * exp2(-(double)since_last.n / DECAY_MS));
	return keep < BL_PAGES_PER_MIB ? want : bl_pages_add(want, BL_PAGES(keep));
}
