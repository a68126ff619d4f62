/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A claim is asked for: admitted or refused, recorded, and staked where its room is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/uuid.h"
#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

/* Many more than guests start at a time; a plan looks at every claim, and takes some 20 ms with
 * so many. */
#define CLAIMS_MAX 1024

static int refuse(struct bd_manager *m, const struct bl_admission *a, struct bl_err *err)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char reason[BL_REASON_MAX];

	return bl_err_set(err, ENOMEM, BL_ERR_NO_MEMORY, "not enough memory: %s",
			  bl_reason_refusal(&m->plan, &in, a, reason));
}

/* No guest can be asked to give there, so what its node will have free nobody can
 * tell, but never more than it is made of. */
static int fits_node(const struct bd_manager *m, int node, bl_pages least, struct bl_err *err)
{
	const struct bl_node *n = bl_snapshot_node(&m->snap, node);
	char need[BL_SIZE_STR], most[BL_SIZE_STR];

	if (!n || least.n <= n->total.n)
		return 0;
	return bl_err_set(err, ENOMEM, BL_ERR_NO_MEMORY,
			  "not enough memory: needs %s on node %d, which is made of %s",
			  bl_pages_format(least, need), node, bl_pages_format(n->total, most));
}

/* Whether to queue it: the least that will do decides. d: for whom, or NULL. */
static int admit(struct bd_manager *m, const struct bd_claim_request *req, bl_pages overhead,
		 const struct bl_dom *d, struct bl_admission *ret, struct bl_err *err)
{
	bl_pages least = req->has_min ? req->min : req->size;
	struct bl_admission a;
	int r;

	r = fits_node(m, req->node, least, err);
	if (r)
		return r;
	bl_plan_admit(&m->plan, least, overhead, d, &a);
	bl_plan_admit(&m->plan, req->size, overhead, d, ret);
	if (a.verdict == BL_FITS_NEVER)
		return refuse(m, &a, err);
	if (req->wait == BD_WAIT_NOW && a.verdict != BL_FITS_NOW)
		return refuse(m, &a, err);
	if (req->wait == BD_WAIT_DEFAULT && a.verdict == BL_FITS_LATER)
		return refuse(m, &a, err);
	return 0;
}

static int check_request(struct bd_manager *m, const struct bd_claim_request *req, struct bl_err *err)
{
	if (req->node >= 0 && !m->host->pool)
		return bl_err_set(err, ENOTSUP, BL_ERR_UNSUPPORTED,
				  "node: this hypervisor's claims know no NUMA node");
	if (req->node >= 0 && !bl_snapshot_node(&m->snap, req->node))
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS, "node: this host has no node %d",
				  req->node);
	if (req->has_min && req->min.n > req->size.n)
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS, "min_bytes: is above size_bytes");
	if (req->has_ttl && req->ttl.n > m->settings.max_ttl.n)
		return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS,
				  "ttl_seconds: is above [claims] max-ttl, %llu s",
				  (unsigned long long)m->settings.max_ttl.n / 1000);
	if (req->has_id && bd_state_is_kept(m->cfg.state, BD_STATE_CLAIM, &req->id))
		return bl_err_set(
			err, EBUSY, BL_ERR_BAD_STATE,
			"id: a newer balloond recorded a claim of that id, which is kept as it is");
	if (m->ledger.n >= CLAIMS_MAX)
		return bl_err_set(err, EAGAIN, BL_ERR_BAD_STATE, "%d claims are live: no more are taken",
				  CLAIMS_MAX);
	if (m->backend_failing)
		return bl_err_set(err, EIO, BL_ERR_BACKEND, "the host does not answer: %s",
				  m->backend_error);
	return 0;
}

struct bl_claim bd_request_make(struct bd_manager *m, const struct bd_claim_request *req, bl_pages overhead)
{
	bl_ms now = m->snap.now, wait = m->settings.wait;
	struct bl_claim c = {
		.state = BL_CLAIM_RECLAIMING,
		.hooked = req->hooked,
		.has_uuid = req->has_uuid,
		.uuid = req->uuid,
		.size = req->size,
		.min = req->has_min ? req->min : req->size,
		.overhead = overhead,
		.node = req->node,
		.queue = req->wait == BD_WAIT_GIVEN || req->wait == BD_WAIT_NO_WAIT,
		.created = now,
		.created_wall = (uint64_t)time(NULL),
		.ttl = req->has_ttl ? req->ttl : m->settings.ttl,
		.expires = BL_MS_NEVER,
		.domid = BL_DOMID_NONE,
		.holder = BL_DOMID_NONE,
		.eta = BL_MS_NEVER,
	};

	if (req->has_id)
		c.id = req->id;
	else
		bd_uuid_random(&c.id);
	bd_uuid_random(&c.handle);
	memcpy(c.handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	memcpy(c.name, req->name, sizeof(c.name));
	if (req->wait == BD_WAIT_GIVEN)
		wait = req->wait_for;
	else if (req->wait == BD_WAIT_NOW)
		wait = BL_MS(0);
	c.wait_until = req->wait == BD_WAIT_NO_WAIT ? BL_MS_NEVER : bl_ms_add(now, wait);
	if (req->wait == BD_WAIT_DEFAULT || req->patient)
		c.patience = wait;
	return c;
}

/* Records a claim, and stakes it from here when its room is there: a claim
 * with room costs one look and one stake. */
static int new_claim(struct bd_manager *m, const struct bd_claim_request *req, const struct bl_dom *d,
		     const struct bd_waiter *w, struct bl_err *err)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	bl_pages overhead = req->has_overhead ? req->overhead : bl_share_of(m->settings.overhead, req->size);
	struct bl_admission a;
	struct bd_waiter mine = *w;
	struct bl_claim made, *c;
	bl_uuid id;
	int r;

	overhead = bl_pages_max(overhead, BL_HOLDER_PAGES);
	r = check_request(m, req, err);
	if (!r)
		r = admit(m, req, overhead, d, &a, err);
	if (r)
		return r;
	made = bd_request_make(m, req, overhead);
	if (d) {
		made.domid = d->domid;
		made.by_handoff = true;
	}
	if (req->wait == BD_WAIT_NOW && a.verdict != BL_FITS_NOW) /* a part, at once */
		made.size = bl_pages_sub(a.available, overhead);
	if (req->wait == BD_WAIT_NOW)
		made.size = bl_pages_max(bl_pages_min(made.size, bl_snapshot_node_room(&m->snap, req->node)),
					 made.min);
	c = bl_ledger_add(&m->ledger, &made);
	mine.id = made.id;
	if (req->wait == BD_WAIT_NO_WAIT)
		mine.what = BD_WAITS_RECORDED;
	if (!c || bd_waiters_add(m, &mine)) {
		if (c)
			bl_ledger_remove(&m->ledger, c);
		return bl_err_set(err, ENOMEM, BL_ERR_BACKEND, "out of memory");
	}
	id = c->id;
	bd_claims_save_then(m, c, BD_THEN_RECORDED);
	bd_events_claim(m->cfg.events, c);
	if (!bl_plan_make(&m->plan, &in)) {
		m->warm = m->plan.warm;
		bd_manager_act(m);
	}
	c = bl_ledger_find(&m->ledger, &id);
	if (c && c->state == BL_CLAIM_RECLAIMING && req->wait == BD_WAIT_NOW) {
		bl_plan_admit_again(&m->plan, &m->snap, c, &a);
		refuse(m, &a, err);
		bd_claims_end(m, c, BL_CLAIM_FAILED, err);
		c = NULL;
	}
	/* Where there was nothing to do but to stake it, there is nothing left. */
	if (c && c->state == BL_CLAIM_HELD && m->plan.n_actions == 1)
		bd_manager_tick_for_deadlines(m);
	else
		bd_manager_tick_soon(m);
	return 0;
}

/* The claim of that id ends, and has not yet: a new one can be had when it has. */
static int claim_afterwards(struct bd_manager *m, const struct bl_claim *ends,
			    const struct bd_claim_request *req, const struct bd_waiter *w,
			    struct bl_err *err)
{
	struct bd_waiter mine = *w;

	if (ends->end_said) /* that may take for ever */
		return bl_err_set(err, EBUSY, BL_ERR_BAD_STATE, "the claim of that id is being given back");
	mine.id = ends->id;
	mine.what = BD_WAITS_ENDED;
	mine.again = malloc(sizeof(*mine.again));
	if (mine.again)
		*mine.again = *req;
	if (mine.again && bd_waiters_add(m, &mine) == 0)
		return 0;
	free(mine.again);
	return bl_err_set(err, ENOMEM, BL_ERR_BACKEND, "out of memory");
}

void bd_manager_claim(struct bd_manager *m, const struct bd_claim_request *req, bd_claim_done done, void *ud)
{
	struct bl_claim *stands = req->has_id ? bl_ledger_find(&m->ledger, &req->id) : NULL;
	struct bd_waiter w = { .what = BD_WAITS_HELD, .domid = BL_DOMID_NONE, .done = done, .ud = ud };
	struct bl_err err;
	bool recorded;

	if (stands && bl_claim_ends(stands)) {
		if (claim_afterwards(m, stands, req, &w, &err))
			done(ud, NULL, &err);
		return;
	}
	recorded = stands && stands->then != BD_THEN_RECORDED && stands->then != BD_THEN_SETTLE;
	if (recorded && (stands->state != BL_CLAIM_RECLAIMING || req->wait == BD_WAIT_NO_WAIT)) {
		done(ud, stands, NULL);
		return;
	}
	if (stands) {
		w.id = stands->id;
		if (req->wait == BD_WAIT_NO_WAIT)
			w.what = BD_WAITS_RECORDED;
		if (bd_waiters_add(m, &w)) {
			bl_err_set(&err, ENOMEM, BL_ERR_BACKEND, "out of memory");
			done(ud, NULL, &err);
		}
		return;
	}
	bd_manager_look(m);
	if (new_claim(m, req, NULL, &w, &err))
		done(ud, NULL, &err);
}

int bd_request_for_build(struct bd_manager *m, const struct bl_dom *d, const struct bd_waiter *w,
			 struct bl_err *err)
{
	struct bd_claim_request req = { .size = w->pages,
					.node = -1,
					.wait = BD_WAIT_GIVEN,
					.wait_for = bl_ms_since(w->until, m->snap.now),
					.patient = w->patience.n > 0 };
	struct bd_waiter mine = *w;

	mine.what = BD_WAITS_MOVED;
	return new_claim(m, &req, d, &mine, err);
}

void bd_waiters_ask_again(struct bd_manager *m)
{
	struct bd_waiter **at = &m->waiters, *w;

	while ((w = *at)) {
		if (w->what != BD_WAITS_AGAIN) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		bd_manager_claim(m, w->again, w->done, w->ud);
		bd_waiter_free(w);
		at = &m->waiters; /* the list may have changed */
	}
}
