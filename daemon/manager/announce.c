/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events for what changed since the last tick. */
#include <stdlib.h>
#include <string.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

/* A toolstack names a domain a moment after making it; some never do. */
#define NAMED_WITHIN BL_MS(2000)

static bool is_announced(const struct bd_manager *m, const struct bl_dom *d)
{
	struct bl_track *t = bl_progress_find(&m->progress, d->domid);

	if (!t)
		return true;
	t->told |= !m->known_once || d->name[0] ||
		   bl_ms_since(m->snap.now, t->first_seen).n >= NAMED_WITHIN.n;
	return t->told;
}

static bool same_domain(const struct bd_known *k, const struct bl_dom *d)
{
	return k->domid == d->domid && bl_uuid_equal(&k->uuid, &d->uuid);
}

static void announce_appeared(struct bd_manager *m, const struct bl_dom *d)
{
	if (m->known_once) /* domains of the start did not appear */
		bd_events_domain(m->cfg.events, "appeared", d, "");
	bd_learn_start(m, d);
}

static void announce_gone(struct bd_manager *m, const struct bd_known *k)
{
	struct bl_dom d = { .domid = k->domid, .uuid = k->uuid };

	memcpy(d.name, k->name, sizeof(d.name));
	bd_events_domain(m->cfg.events, "gone", &d, "");
}

static void remember_known(struct bd_manager *m, size_t n)
{
	if (n > m->cap_known) {
		struct bd_known *known = reallocarray(m->known, n * 2, sizeof(*known));

		if (!known)
			return; /* the events come again at the next tick */
		m->known = known;
		m->cap_known = n * 2;
	}
	m->n_known = 0;
	for (size_t k = 0; k < m->snap.n_doms; k++) {
		const struct bl_dom *d = &m->snap.doms[k];
		struct bd_known *known = &m->known[m->n_known];

		if (d->flags & BL_DOM_HOLDER || !is_announced(m, d))
			continue;
		known->domid = d->domid;
		known->uuid = d->uuid;
		known->building = d->flags & BL_DOM_BUILDING;
		memcpy(known->name, d->name, sizeof(known->name));
		m->n_known++;
	}
	m->known_once = true;
}

void bd_tell_changes(struct bd_manager *m)
{
	size_t i = 0, n = 0;

	/* Both lists are in ascending order of domid. */
	for (size_t k = 0; k < m->snap.n_doms; k++) {
		const struct bl_dom *d = &m->snap.doms[k];

		if (d->flags & BL_DOM_HOLDER)
			continue;
		n++;
		while (i < m->n_known && m->known[i].domid < d->domid)
			announce_gone(m, &m->known[i++]);
		if (i < m->n_known && same_domain(&m->known[i], d)) {
			if (m->known[i++].building && !(d->flags & BL_DOM_BUILDING))
				bd_learn_start(m, d);
			continue;
		}
		if (i < m->n_known && m->known[i].domid == d->domid)
			announce_gone(m, &m->known[i++]);
		if (is_announced(m, d))
			announce_appeared(m, d);
	}
	while (i < m->n_known)
		announce_gone(m, &m->known[i++]);
	remember_known(m, n);
}

/* Announces a refusal once, when it begins. A driver that keeps changing its mind is announced
 * again only after retry-after without a refusal. */
static void announce_refusal(struct bd_manager *m, const struct bl_view *v, bl_ms refused_before)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_track *t = v->track;
	bl_ms now = m->snap.now;
	enum bl_refusal is = v->dom->tele.refusal;
	char reason[BL_REASON_MAX];
	bool again = bl_ms_since(now, refused_before).n >= m->settings.retry_after.n;
	bool other = is != t->told_refusal &&
		     bl_ms_since(now, t->told_refusal_at).n >= m->settings.stuck_after.n;

	if (t->told_refusal != BL_REFUSES_NOT && !again && !other)
		return;
	t->told_refusal = is;
	t->told_refusal_at = now;
	bd_events_domain(m->cfg.events, "refused", v->dom, bl_reason_domain(&m->plan, &in, v, reason));
}

/* A stuck guest has recovered when its pages move, not when it is left alone, dies, or its driver
 * says why it refuses. */
static void announce_stuck(struct bd_manager *m, const struct bl_view *v)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	struct bl_track *t = v->track;
	char reason[BL_REASON_MAX];

	if (t->told_stuck && !t->stuck) {
		if (t->recovered)
			bd_events_domain(m->cfg.events, "recovered", v->dom,
					 bl_reason_domain(&m->plan, &in, v, reason));
		t->told_stuck = false;
	} else if (!t->told_stuck && v->state == BL_STATE_STUCK) {
		t->told_stuck = true;
		bd_events_domain(m->cfg.events, "stuck", v->dom, bl_reason_domain(&m->plan, &in, v, reason));
	}
	t->recovered = false;
}

void bd_tell_states(struct bd_manager *m)
{
	bool low = m->plan.balance < 0 && !m->plan.reclaimable.n;

	for (size_t i = 0; i < m->plan.n_views; i++) {
		const struct bl_view *v = &m->plan.views[i];

		if (!v->track)
			continue;
		if (v->track->refuses) {
			announce_refusal(m, v, v->track->told_refused);
			v->track->told_refused = m->snap.now;
		}
		announce_stuck(m, v);
	}
	if (low != m->low)
		bd_events_publish(m->cfg.events, low ? "host.low" : "host.ok", NULL, NULL);
	m->low = low;
}
