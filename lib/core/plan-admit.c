/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would come of a claim, and how long it takes. */
#include "lib/core/plan-internal.h"
#include "lib/core/wait.h"

const char *bl_blocker_name(enum bl_blocker b)
{
	static const char *const names[BL_BLOCKERS] = {
		"dying",      "silent",	    "away",    "growth", "claims",  "use",
		"no-balloon", "left-alone", "own-min", "min",	 "reserve",
	};
	unsigned i = 0;

	while (i < BL_BLOCKERS && b != 1U << i)
		i++;
	return i < BL_BLOCKERS ? names[i] : "unknown";
}

/* How much of its memory the guest would keep if the blockers in `gone` were gone. */
static bl_pages kept_without(const struct bl_view *v, unsigned gone)
{
	bl_pages keep = gone & BL_BLOCK_MIN ? BL_PAGES(0) : v->limits.min;

	if (v->track->fresh && !(gone & BL_BLOCK_USE))
		keep = bl_pages_max(keep, v->dom->tele.used);
	if (!v->track->fresh && gone & BL_BLOCK_MIN) /* without a report nobody knows what the guest needs */
		keep = bl_pages_min(v->limits.min, BL_PAGES(v->limits.base.n / 2));
	if (!(gone & BL_BLOCK_OWN_MIN))
		keep = bl_pages_max(keep, bl_view_own_min(v));
	return bl_pages_min(bl_pages_add(keep, v->track->short_by), v->have);
}

static bl_pages dying_gives(const struct bl_view *v, unsigned gone)
{
	if (!v->flows && !(gone & BL_BLOCK_DYING))
		return BL_PAGES(0);
	/* The pages of a guest that reboots are kept for its successor. */
	return v->dom->flags & BL_DOM_REBOOTING && !(gone & BL_BLOCK_CLAIMS) ? BL_PAGES(0) : v->dom->tot;
}

static bl_pages managed_gives(const struct bl_view *v, unsigned gone)
{
	bl_pages keep = kept_without(v, gone);

	if (gone & BL_BLOCK_SILENT || !v->silent)
		return bl_pages_sub(v->have, keep);
	/* A grant that a silent guest does not take can still be withdrawn. */
	return bl_pages_sub(v->growing, bl_pages_sub(keep, v->dom->tot));
}

/* The blockers that must be gone before a guest that is not managed gives as others do; 0: it
 * never does. */
static unsigned bars_of(const struct bl_view *v)
{
	bool left_alone = v->limits.mode != BL_MODE_AUTO || v->limits.external ||
			  v->dom->flags & BL_DOM_EXTERNAL;
	bool away = v->dom->flags & (BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING);

	if (!v->track || !v->dom->has_target || v->dom->flags & BL_DOM_NO_BALLOON ||
	    (v->dom->flags & BL_DOM_CONTROL && v->limits.mode != BL_MODE_AUTO))
		return 0;
	return (left_alone ? BL_BLOCK_LEFT_ALONE : 0U) | (away ? BL_BLOCK_AWAY : 0U) |
	       (!v->usable ? BL_BLOCK_NO_BALLOON : 0U) | (v->silent ? BL_BLOCK_SILENT : 0U);
}

bl_pages bl_view_gives_without(const struct bl_view *v, unsigned gone)
{
	unsigned barred = bars_of(v);

	if (v->state == BL_STATE_DYING)
		return dying_gives(v, gone);
	if (v->managed || (barred && (barred & gone) == barred))
		return managed_gives(v, gone);
	if (gone & BL_BLOCK_GROWTH && v->dom->has_target && !(v->dom->flags & BL_DOM_BUILDING))
		return v->growing;
	return BL_PAGES(0);
}

/* The claim that is asked for. */
struct asked {
	const struct bl_plan *plan;
	int64_t base;	 /* available, with what the plan keeps for the claim already */
	bl_pages claims; /* what other claims keep */
	bl_pages need;
	uint32_t builds; /* the domain that the claim is for, which gives nothing to itself */
};

/* The memory for the claim: the base, and what guests would give if the blockers in `gone` were
 * gone. */
static int64_t room_without(const struct asked *s, unsigned gone)
{
	const struct bl_plan *plan = s->plan;
	int64_t room = s->base;

	if (gone & BL_BLOCK_CLAIMS)
		room += (int64_t)s->claims.n;
	if (gone & BL_BLOCK_RESERVE)
		room += (int64_t)plan->reserve.n;
	for (size_t i = 0; i < plan->n_views; i++)
		if (plan->views[i].dom->domid != s->builds)
			room += (int64_t)bl_view_gives_without(&plan->views[i], gone).n;
	return room;
}

static bool fits_without(const struct asked *s, unsigned gone)
{
	return room_without(s, gone) >= (int64_t)s->need.n;
}

/* Removes blockers that need not be gone. Starts again after each, since a guest that returns may
 * keep more than it would have taken. */
static unsigned drop_unneeded(const struct asked *s, unsigned before, unsigned all)
{
	for (unsigned bit = 1U << (BL_BLOCKERS - 1); bit;)
		if (all & bit && fits_without(s, before | (all & ~bit))) {
			all &= ~bit;
			bit = 1U << (BL_BLOCKERS - 1);
		} else {
			bit >>= 1;
		}
	return all;
}

/* Of the candidates one that is enough, otherwise as few as possible, first ones first. before:
 * blockers that count as gone anyway. */
static unsigned find_blockers(const struct asked *s, unsigned before, unsigned candidates)
{
	unsigned all = 0;

	for (unsigned bit = 1; bit < 1U << BL_BLOCKERS; bit <<= 1)
		if (candidates & bit && fits_without(s, before | bit))
			return bit;
	for (unsigned bit = 1; bit < 1U << BL_BLOCKERS; bit <<= 1) {
		all |= candidates & bit;
		if (fits_without(s, before | all))
			return drop_unneeded(s, before, all);
	}
	return 0;
}

/* own: pages that plan->balance keeps for the claim already, or that builds has; claims: what
 * other claims keep. */
static struct bl_admission admit(const struct bl_plan *plan, bl_pages need, bl_pages own, bl_pages claims,
				 uint32_t builds)
{
	int64_t balance = plan->balance + (int64_t)own.n, room, most;
	struct bl_admission a = {
		.need = need,
		.available = BL_PAGES(balance > 0 ? balance : 0),
		.reclaimable = plan->reclaimable,
		.claims = claims,
		.builds = builds,
	};
	struct asked s = { plan, balance, claims, need, builds };

	room = balance + (int64_t)plan->reclaimable.n + (int64_t)plan->coming.n;
	most = room_without(&s, BL_BLOCK_PASSING);
	a.most = BL_PAGES(most > 0 ? most : 0);
	if (need.n <= a.available.n)
		a.verdict = BL_FITS_NOW;
	else if ((int64_t)need.n <= room)
		a.verdict = BL_FITS_RECLAIM;
	else if (need.n <= a.most.n)
		a.verdict = BL_FITS_LATER;
	else
		a.verdict = BL_FITS_NEVER;
	if (a.verdict >= BL_FITS_LATER)
		a.lacks = BL_PAGES(room > 0 ? need.n - (uint64_t)room : need.n + (uint64_t)-room);
	if (a.verdict == BL_FITS_LATER)
		a.blockers = find_blockers(&s, 0, BL_BLOCK_PASSING);
	else if (a.verdict == BL_FITS_NEVER)
		a.blockers = find_blockers(&s, BL_BLOCK_PASSING, BL_BLOCK_ALL & ~(unsigned)BL_BLOCK_PASSING);
	return a;
}

void bl_plan_admit(const struct bl_plan *plan, bl_pages size, bl_pages overhead, const struct bl_dom *builds,
		   struct bl_admission *ret)
{
	const struct bl_view *v = builds ? bl_plan_view(plan, builds->domid) : NULL;
	bl_pages own = v ? v->have : BL_PAGES(0);

	*ret = admit(plan, bl_pages_add(size, overhead), own, plan->claims,
		     builds ? builds->domid : BL_DOMID_NONE);
}

void bl_plan_admit_again(const struct bl_plan *plan, const struct bl_snapshot *snap,
			 const struct bl_claim *c, struct bl_admission *ret)
{
	bl_pages own = bl_claim_promised(c, snap);

	*ret = admit(plan, bl_pages_add(c->size, c->overhead), own, bl_pages_sub(plan->claims, own),
		     c->domid);
	ret->of = c;
}

/* What guests give within ms at the rates that they have shown. */
static uint64_t given_within(const struct bl_plan *plan, uint64_t ms)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t rest, moved;

		if (!v->managed || v->silent || v->goal.n >= v->dom->tot.n)
			continue;
		rest = v->dom->tot.n - v->goal.n;
		if (__builtin_mul_overflow(v->track->rate, ms, &moved))
			moved = UINT64_MAX;
		moved /= 1000;
		sum += moved < rest ? moved : rest;
	}
	return sum;
}

bl_ms bl_plan_eta(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c)
{
	uint64_t lack = bl_wait_lack(plan, in, c).n;
	uint64_t lo = 0, hi = UINT64_C(1) << 32; /* 50 days: as good as never */

	if (!lack)
		return BL_MS(0);
	if (in->paused || given_within(plan, hi) < lack)
		return BL_MS_NEVER;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (given_within(plan, mid) >= lack)
			hi = mid;
		else
			lo = mid + 1;
	}
	return BL_MS(lo);
}
