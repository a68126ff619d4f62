/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At each tick the hypervisor's pool is as large as the claims in it, and what it has lost
 * is lost to the claims that come last. */
#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

static void fit_node(struct bd_manager *m, int node, bool *changed)
{
	bl_pages has = bl_snapshot_pool(&m->snap, node), due = bd_stake_due_in_pool(m, node);
	char size[BL_SIZE_STR];
	struct bl_err err;

	/* What is there at the start may be a claim's whose record cannot be understood. */
	if (has.n > due.n && !m->reconciled && bd_state_has_unknown_claims(m->cfg.state)) {
		m->unknown_in_pool[node + 1] = bl_pages_sub(has, due);
		return;
	}
	if (has.n == due.n)
		return;
	*changed = true;
	if (has.n > due.n)
		bd_log(LOG_NOTICE, "the hypervisor's pool keeps %s for no claim: given back",
		       bl_pages_format(bl_pages_sub(has, due), size));
	if (bd_stake_fit_pool(m, node, BL_PAGES(0), &err))
		bd_log(LOG_WARNING, "the hypervisor's pool has lost %s of claims: %s",
		       bl_pages_format(bl_pages_sub(due, has), size), err.msg);
}

/* What could not be had again is lost to the claims that come last. */
static void write_off(struct bd_manager *m, struct bl_claim *c)
{
	c->pooled = c->in_pool;
	if (c->foreign)
		return;
	if (!c->pooled.n)
		c->holder = BL_DOMID_NONE;
	if (!c->pooled.n && c->state == BL_CLAIM_HELD)
		bd_move_back(m, c);
	else
		bd_claims_save(m, c);
}

/* It has not left the pool yet. */
static bool leaves_later(const struct bl_claim *c)
{
	return c->then == BD_THEN_MOVE || c->then == BD_THEN_LET_GO;
}

bool bd_stake_check(struct bd_manager *m)
{
	bool changed = false;

	/* That has left the pool, whatever its record says: see bl_ledger_match. */
	for (size_t i = 0; i < m->ledger.n; i++) {
		struct bl_claim *c = m->ledger.claims[i];

		if (c->state == BL_CLAIM_BUILDING && c->pooled.n != c->in_pool.n && !leaves_later(c)) {
			c->pooled = c->in_pool;
			c->holder = c->pooled.n ? BL_DOMID_POOL : BL_DOMID_NONE;
		}
	}
	for (size_t i = 0; m->host->pool && i < m->snap.n_nodes; i++)
		fit_node(m, (int)m->snap.nodes[i].node, &changed);
	if (m->host->pool)
		fit_node(m, -1, &changed);
	if (changed && bd_manager_look(m))
		return true;
	for (size_t i = 0; i < m->ledger.n; i++)
		if (m->ledger.claims[i]->pooled.n > m->ledger.claims[i]->in_pool.n &&
		    !leaves_later(m->ledger.claims[i])) {
			write_off(m, m->ledger.claims[i]);
			changed = true;
		}
	return changed;
}
