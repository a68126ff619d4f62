/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a claim would meet, and how long it takes. */
#include "lib/core/plan-internal.h"

/* Now, or when it is unpaused, has arrived or is built. */
static bool may_ever_give(const struct bl_view *v)
{
	return v->managed || (v->limits.mode == BL_MODE_AUTO && !v->limits.external &&
			      (v->state == BL_STATE_PAUSED || v->state == BL_STATE_MIGRATING ||
			       v->state == BL_STATE_BUILDING));
}

/* own: what plan->balance already keeps for the one who asks; claims: what other
 * claims keep. */
static struct bl_admission admit(const struct bl_plan *plan, bl_pages need, bl_pages own,
				 bl_pages claims)
{
	int64_t balance = plan->balance + (int64_t)own.n;
	struct bl_admission a = {
		.need = need,
		.available = BL_PAGES(balance > 0 ? balance : 0),
		.reclaimable = plan->reclaimable,
		.claims = claims,
	};
	int64_t to_min = 0, going = 0, kept = 0, most;

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];

		if (may_ever_give(v))
			to_min += (int64_t)bl_pages_sub(v->have, bl_pages_max(v->limits.min, bl_view_own_min(v))).n;
		if (v->state == BL_STATE_DYING)
			going += (int64_t)v->dom->tot.n;
		if (v->dom->flags & BL_DOM_REBOOTING) /* for its successor */
			kept += (int64_t)v->dom->tot.n;
	}
	most = balance + (int64_t)a.claims.n + to_min + going;
	a.most = BL_PAGES(most > 0 ? most : 0);
	if (a.need.n > a.most.n)
		a.verdict = BL_FITS_NEVER;
	else if (a.need.n <= a.available.n)
		a.verdict = BL_FITS_NOW;
	else if ((int64_t)a.need.n <= balance + (int64_t)plan->reclaimable.n + going - kept)
		a.verdict = BL_FITS_RECLAIM;
	else
		a.verdict = BL_FITS_LATER;
	return a;
}

void bl_plan_admit(const struct bl_plan *plan, bl_pages size, bl_pages overhead, bl_pages own,
		   struct bl_admission *ret)
{
	*ret = admit(plan, bl_pages_add(size, overhead), own, plan->claims);
}

void bl_plan_admit_again(const struct bl_plan *plan, const struct bl_snapshot *snap,
			 const struct bl_claim *c, struct bl_admission *ret)
{
	bl_pages own = bl_claim_promised(c, snap);

	*ret = admit(plan, bl_pages_add(c->size, c->overhead), own,
		     bl_pages_sub(plan->claims, own));
	ret->of = c;
}

/* What is given back within ms at the rates seen. */
static uint64_t given_within(const struct bl_plan *plan, uint64_t ms)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t rest, moved;

		if (!v->managed || v->track->lagging || v->track->refuses || v->goal.n >= v->dom->tot.n)
			continue;
		rest = v->dom->tot.n - v->goal.n;
		if (__builtin_mul_overflow(v->track->rate, ms, &moved))
			moved = UINT64_MAX;
		moved /= 1000;
		sum += moved < rest ? moved : rest;
	}
	return sum;
}

bl_ms bl_plan_eta(const struct bl_plan *plan, const struct bl_plan_in *in,
		  const struct bl_claim *c)
{
	int64_t room = plan->balance, need = 0;
	uint64_t lo = 0, hi = UINT64_C(1) << 32; /* 50 days: as good as never */

	for (size_t i = 0; i < in->ledger->n; i++)
		if (in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)bl_claim_promised(in->ledger->claims[i], in->snap).n;
	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *o = in->ledger->claims[i];

		if (o->state == BL_CLAIM_RECLAIMING)
			need += (int64_t)bl_claim_promised(o, in->snap).n;
		if (o == c)
			break;
	}
	if (need <= room)
		return BL_MS(0);
	if (in->paused || given_within(plan, hi) < (uint64_t)(need - room))
		return BL_MS_NEVER;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (given_within(plan, mid) >= (uint64_t)(need - room))
			hi = mid;
		else
			lo = mid + 1;
	}
	return BL_MS(lo);
}
