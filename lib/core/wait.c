/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/wait.h"

/* The room for all waiting claims; negative if too much is promised. */
static int64_t room_for_waiting(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	int64_t room = plan->balance;

	for (size_t i = 0; i < in->ledger->n; i++)
		if (in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING)
			room += (int64_t)bl_claim_promised(in->ledger->claims[i], in->snap).n;
	return room;
}

static bl_pages not_negative(int64_t pages)
{
	return BL_PAGES(pages > 0 ? pages : 0);
}

bl_pages bl_wait_lack(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c)
{
	int64_t lack = -room_for_waiting(plan, in);

	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *o = in->ledger->claims[i];

		if (o->state == BL_CLAIM_RECLAIMING)
			lack += (int64_t)bl_claim_promised(o, in->snap).n;
		if (o == c)
			break;
	}
	return not_negative(lack);
}

static bool is_nearer(bl_pages least, bl_pages lacks)
{
	bl_pages step = bl_pages_max(BL_PAGES(BL_PROGRESS_PAGES), BL_PAGES(least.n / BL_WAIT_PARTS));

	return bl_pages_add(lacks, step).n <= least.n;
}

/* ahead: time of the last progress of a claim ahead of c. It counts for c as well: no claim gives
 * up before a claim that it would follow. */
static void note_progress(struct bl_claim *c, bl_pages lacks, bl_ms ahead, bl_ms now)
{
	c->lacks = lacks;
	if (!c->progressed.n || is_nearer(c->least, lacks)) {
		c->least = lacks;
		c->progressed = now;
	}
	c->progressed = BL_MS(ahead.n > c->progressed.n ? ahead.n : c->progressed.n);
	if (c->patience.n) {
		bl_ms until = bl_ms_add(c->progressed, c->patience);

		if (c->wait_until.n < until.n)
			c->wait_until = until;
	}
}

void bl_wait_update(const struct bl_plan *plan, const struct bl_plan_in *in)
{
	int64_t lack = -room_for_waiting(plan, in);
	bl_ms ahead = BL_MS(0);

	for (size_t i = 0; i < in->ledger->n; i++) {
		struct bl_claim *c = in->ledger->claims[i];
		bl_pages on_node;

		if (c->state != BL_CLAIM_RECLAIMING) {
			c->progressed = BL_MS(0);
			continue;
		}
		lack += (int64_t)bl_claim_promised(c, in->snap).n;
		on_node = bl_pages_sub(c->size, bl_snapshot_node_room(in->snap, c->node));
		note_progress(c, bl_pages_max(not_negative(lack), on_node), ahead, in->snap->now);
		ahead = c->progressed;
	}
}

bl_pages bl_wait_warm(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c)
{
	bl_pages has = bl_pages_sub(bl_claim_promised(c, in->snap), bl_wait_lack(plan, in, c));

	return bl_pages_add(bl_plan_warm(plan, in), bl_pages_add(has, c->staked));
}

bool bl_wait_keeps_from(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_view *v)
{
	return plan->warm.n && v->have.n >= bl_view_need(v).n &&
	       bl_pages_sub(v->goal, v->have).n >= in->settings->threshold.n;
}
