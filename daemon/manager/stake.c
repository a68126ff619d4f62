/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the hypervisor keeps a claim: in its pool, or on one that has none with
 * an empty domain that holds it.
 *
 * The pool is one number a node, and is always set to what the records of the
 * claims in it add up to. So a record must not say that pages are there before they
 * are, nor any longer; what the pool has for none is given back at the next look. */
#include <errno.h>

#include "daemon/base/log.h"
#include "daemon/manager/internal.h"

/* What is to be in the pool there. */
bl_pages bd_stake_due_in_pool(const struct bd_manager *m, int node)
{
	return bl_pages_add(bl_ledger_pooled(&m->ledger, node), m->unknown_in_pool[node + 1]);
}

/* As large as the claims there, and so much more. */
int bd_stake_fit_pool(struct bd_manager *m, int node, bl_pages more, struct bl_err *reterr)
{
	return m->host->ops->pool_set(m->host, node, bl_pages_add(bd_stake_due_in_pool(m, node), more),
				      reterr);
}

/* Where that fails the next look finds too much there. */
static void leave_pool(struct bd_manager *m, struct bl_claim *c)
{
	struct bl_err err;

	c->pooled = c->in_pool = c->staked = BL_PAGES(0);
	c->holder = BL_DOMID_NONE;
	if (bd_stake_fit_pool(m, c->node, BL_PAGES(0), &err))
		bd_log(LOG_ERR, "cannot give a claim back: %s; tried again", err.msg);
}

int bd_stake_make(struct bd_manager *m, struct bl_claim *c, bl_pages pages, struct bl_err *reterr)
{
	uint32_t holder = BL_DOMID_POOL;
	int r;

	m->looked_before_change = true;
	if (m->host->pool)
		r = bd_stake_fit_pool(m, c->node, pages, reterr);
	else
		r = m->host->ops->stake(m->host, &c->handle, &c->id, pages, c->node, &holder, reterr);
	if (r)
		return r;
	c->holder = holder;
	c->staked = pages;
	if (m->host->pool)
		c->pooled = c->in_pool = pages;
	return 0;
}

int bd_stake_drop(struct bd_manager *m, struct bl_claim *c)
{
	int r = 0;

	m->looked_before_change = true;
	if (c->holder == BL_DOMID_POOL)
		leave_pool(m, c);
	else if (c->holder != BL_DOMID_NONE)
		r = m->host->ops->unstake(m->host, c->holder, &c->handle);
	if (r && r != -ENOENT)
		return r;
	c->holder = BL_DOMID_NONE;
	c->staked = BL_PAGES(0);
	return 0;
}

bl_pages bd_stake_left(const struct bd_manager *m, const struct bl_claim *c)
{
	const struct bl_dom *holder = bl_snapshot_find(&m->snap, c->holder);

	return holder ? holder->outstanding : c->pooled;
}

/* With what the domain has it is what it needs, at once. */
static int move_pooled(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d,
		       struct bl_err *reterr)
{
	bl_pages has = d ? bl_pages_add(d->tot, d->outstanding) : BL_PAGES(0);
	bl_pages lacks = bl_pages_sub(c->size, has), more = bl_pages_sub(lacks, c->pooled);
	int r = 0;

	if (more.n)
		r = bd_stake_fit_pool(m, c->node, more, reterr);
	if (r)
		return r;
	if (lacks.n)
		r = m->host->ops->pool_move(m->host, c->node, c->domid, lacks, reterr);
	if (r && more.n)
		(void)bd_stake_fit_pool(m, c->node, BL_PAGES(0), NULL);
	if (r)
		return r;
	if (c->pooled.n > lacks.n)
		leave_pool(m, c); /* it was larger */
	return 0;
}

/* On stock Xen: cancelled there and staked here, between which somebody can take
 * the pages. */
static int transfer(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d, struct bl_err *reterr)
{
	const struct bd_host_ops *ops = m->host->ops;

	if (d && d->tot.n >= c->size.n) /* it has all it needs, and none can be claimed */
		return c->holder == BL_DOMID_NONE ? 0 : ops->unstake(m->host, c->holder, &c->handle);
	if (d && d->outstanding.n)
		(void)ops->cancel(m->host, c->domid); /* less than it needs */
	return ops->transfer(m->host, c->holder, &c->handle, c->domid, c->size, reterr);
}

int bd_stake_move(struct bd_manager *m, struct bl_claim *c, const struct bl_dom *d, struct bl_err *reterr)
{
	bool by_holder = c->holder != BL_DOMID_NONE && c->holder != BL_DOMID_POOL;

	m->looked_before_change = true;
	return m->host->pool && !by_holder ? move_pooled(m, c, d, reterr) : transfer(m, c, d, reterr);
}

int bd_stake_cancel(struct bd_manager *m, uint32_t domid)
{
	m->looked_before_change = true;
	return m->host->ops->cancel(m->host, domid);
}
