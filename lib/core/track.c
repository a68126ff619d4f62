/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/track.h"

#include "lib/core/policy.h"

/* Nearer than that a balloon that stands still for so long has come to rest. */
#define SETTLED_MS 1000
/* Less is no proof, however little was asked. */
#define PROOF_LEAST (BL_PAGES_PER_MIB / 2)

bl_pages bl_tolerance(bl_pages size)
{
	return bl_pages_min(BL_MIB_PAGES(16), BL_PAGES(size.n / 32));
}

bl_pages bl_probe(bl_pages size)
{
	return bl_pages_clamp(BL_PAGES(size.n / 12), BL_PAGES(BL_PROGRESS_PAGES), BL_MIB_PAGES(40));
}

bool bl_track_booting(const struct bl_track *t, const struct bl_settings *s, bl_ms now)
{
	return !t->found_at_start && bl_ms_since(now, t->first_seen).n < s->boot_grace.n;
}

bool bl_track_flows(const struct bl_track *t, const struct bl_settings *s, bl_ms now)
{
	return bl_ms_since(now, t->flowed_at).n < s->stuck_after.n;
}

static bl_pages granted_to(const struct bl_dom *d)
{
	return d->has_target ? bl_pages_min(d->target, d->max_pages) : BL_PAGES(0);
}

void bl_track_begin(struct bl_track *t, const struct bl_dom *d, bl_ms now, bool at_start)
{
	UT_hash_handle hh = t->hh;

	*t = (struct bl_track){
		.domid = d->domid,
		.uuid = d->uuid,
		.first_seen = now,
		.found_at_start = at_start,
		.tot = d->tot,
		.target = d->target,
		.asked = BL_MS_NEVER,
		.told_at = now,
		.still_since = now,
		.trust = BL_PAGES(UINT64_MAX),
		.granted_to = granted_to(d),
		.flow_mark = d->tot,
		.flowed_at = now,
		.moved = now,
		.marked = now,
		.mark = d->tot,
		.stood = d->tot,
		.updated = now,
		.hh = hh,
	};
}

/* What a report says against the one before, if that was fresh. */
static void take_report(struct bl_report *r, const struct bl_telemetry *tele)
{
	bool first = !r->at.n;

	if (r->at.n == tele->at.n)
		return;
	r->more = first ? BL_PAGES(0) : bl_pages_sub(tele->used, r->used);
	r->killed = !first && tele->has_oom_kills && tele->oom_kills > r->oom_kills;
	r->at = tele->at;
	r->used = tele->used;
	/* a driver that says it for the first time counts from the boot */
	r->oom_kills = tele->has_oom_kills ? tele->oom_kills : UINT64_MAX;
}

static void track_demand(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	struct bl_telemetry tele = d->tele;

	t->fresh = tele.present && tele.used.n && bl_ms_since(now, tele.at).n <= s->telemetry_stale_after.n;
	if (!t->fresh) {
		t->report = (struct bl_report){ 0 };
		t->demand = BL_PAGES(0);
		return;
	}
	take_report(&t->report, &tele);
	if (t->report.killed)
		tele.pressure = 10000;
	t->report.need = bl_policy_demand(s, &tele, t->report.need, bl_ms_since(now, t->updated));
	t->demand = bl_pages_add(t->report.need, t->report.more);
}

/* Nearer to the target than at the last mark by enough to count. */
static bool progressed(const struct bl_track *t, const struct bl_dom *d)
{
	uint64_t step = 0;

	if (d->tot.n == d->target.n)
		return true;
	if (d->target.n < t->mark.n && d->tot.n < t->mark.n)
		step = t->mark.n - d->tot.n;
	else if (d->target.n > t->mark.n && d->tot.n > t->mark.n)
		step = d->tot.n - t->mark.n;
	return step >= BL_PROGRESS_PAGES;
}

static uint64_t from_mark(const struct bl_track *t, const struct bl_dom *d)
{
	return bl_pages_distance(d->tot, t->mark).n;
}

static void measure_rate(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	uint64_t ms = bl_ms_since(now, t->moved).n;
	uint64_t rate;

	if (!ms || from_mark(t, d) < BL_PROGRESS_PAGES)
		return;
	rate = from_mark(t, d) * 1000 / ms;
	t->rate = t->rate ? (t->rate * 3 + rate) / 4 : rate;
}

static bool near_target(const struct bl_dom *d)
{
	return bl_pages_distance(d->tot, d->target).n <= bl_tolerance(d->tot).n;
}

/* Since it last stood it moved by half of what it was asked, or of a probe. */
static bool proves(const struct bl_track *t, const struct bl_dom *d)
{
	bl_pages half =
		BL_PAGES(bl_pages_min(bl_pages_distance(d->target, t->stood), bl_probe(t->stood)).n / 2);

	return bl_pages_distance(d->tot, t->stood).n >= bl_pages_max(half, BL_PAGES(PROOF_LEAST)).n;
}

static void follows(struct bl_track *t, const struct bl_dom *d, bl_pages from)
{
	if (proves(t, d)) {
		t->proven = true;
		t->incapable = false;
	}
	t->recovered |= t->stuck != 0;
	t->stuck = 0;
	if (d->tot.n < from.n)
		t->no_give_until = BL_MS(0);
}

static void set_mark(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	t->mark = d->tot;
	t->marked = now;
}

/* What it does not do is not its fault, or it has said why; or nothing is asked of it. */
static void track_stands(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	t->asked = BL_MS_NEVER;
	t->moved = now;
	t->stood = d->tot;
	set_mark(t, d, now);
}

/* Its pages are where its target says, or as near as it comes. They came there if they
 * moved by enough to count since they last stood still; a fast one does so between two
 * updates, a slow one had moved by some when it was first seen on its way. A target that
 * was moved to the pages, because nobody waits for them any more, proves nothing. */
static void track_arrived(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	bool told = d->has_target && (t->asked.n != BL_MS_NEVER.n || t->target.n != d->target.n);
	bool came = proves(t, d);

	if (told && came) {
		measure_rate(t, d, now);
		follows(t, d, t->stood);
	}
	if (told && d->tot.n > t->mark.n)
		t->trust = bl_pages_add(t->trust, t->trust);
	/* so little was asked that a coarse one did not move: that much more will show */
	if (told && d->target.n < d->tot.n && !came)
		t->short_by = bl_tolerance(d->tot);
	else if (told && d->target.n <= t->stood.n)
		t->short_by = bl_pages_sub(d->tot, d->target);
	else if (t->target.n == d->target.n) /* it came nearer after all */
		t->short_by = bl_pages_min(t->short_by, bl_pages_sub(d->tot, d->target));
	track_stands(t, d, now);
}

/* Another ask has begun. */
static void track_asked(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	/* seen on its way by what it was told just now, or not by that */
	if (t->asked.n != BL_MS_NEVER.n || t->target.n == d->target.n)
		t->stood = d->tot;
	t->asked = now;
	t->moved = now;
	set_mark(t, d, now);
}

static void track_stuck(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	if (bl_ms_since(now, t->marked).n >= s->stuck_after.n)
		set_mark(t, d, now);
	t->short_by = BL_PAGES(0);
	if (d->target.n > d->tot.n) {
		t->stuck |= BL_STUCK_TAKING;
		t->trust = bl_probe(d->tot);
	} else {
		t->stuck |= BL_STUCK_GIVING;
	}
	if (!t->proven && bl_ms_since(now, t->asked).n >= s->boot_grace.n)
		t->incapable = true;
}

/* Did it follow what it was told? */
static void track_motion(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	bool turned = (t->target.n < t->mark.n) != (d->target.n < t->mark.n);
	bool settled = near_target(d) && bl_ms_since(now, t->still_since).n >= SETTLED_MS &&
		       bl_ms_since(now, t->asked).n >= SETTLED_MS;

	if (!d->has_target || d->tot.n == d->target.n) {
		track_arrived(t, d, now);
	} else if (t->asked.n == BL_MS_NEVER.n && t->target.n == d->target.n && near_target(d)) {
		track_arrived(t, d, now); /* it rests, and pages come and go of themselves */
	} else if (t->asked.n == BL_MS_NEVER.n || turned) {
		track_asked(t, d, now);
	} else if (progressed(t, d)) {
		measure_rate(t, d, now);
		follows(t, d, t->mark);
		t->moved = now;
		set_mark(t, d, now);
	} else if (settled && (t->proven || proves(t, d)) && !t->stuck) {
		track_arrived(t, d, now);
	} else if (bl_ms_since(now, t->moved).n >= s->stuck_after.n) {
		track_stuck(t, s, d, now);
	}
}

/* One that says it refuses is believed at once: others give its part, and nobody
 * waits for it. */
static void track_refusal(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	t->no_give_until = bl_ms_add(now, s->retry_after);
	t->stuck = 0; /* it has said why */
	track_stands(t, d, now);
}

/* That it refuses no more is believed when its pages move, or after stuck_after. But
 * not of one that was asked for less upon its word and refused again, all within
 * retry_after: one that changes its word all the time is asked seldom. */
static void track_comes_round(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d,
			      bl_ms now)
{
	bl_ms soon = bl_ms_add(now, s->stuck_after);

	if (t->doubted)
		return;
	t->recovered |= t->stuck != 0;
	t->stuck = 0;
	t->came_round = now;
	t->came_target = d->target;
	if (t->no_give_until.n > soon.n)
		t->no_give_until = soon;
}

static void track_begins_to_refuse(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d,
				   bl_ms now)
{
	t->doubted = t->came_round.n && d->target.n < t->came_target.n &&
		     bl_ms_since(now, t->came_round).n < s->retry_after.n + s->stuck_after.n;
}

/* Whoever wrote the target, and whatever keeps the guest from taking: a grant begins when
 * its target or its limit goes up, and goes on while its pages do. */
static void track_flow(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	bool dies = d->flags & BL_DOM_DYING, begins = dies && !t->dying_since.n;
	bl_pages from = t->flow_mark;
	bool flows = dies ? d->tot.n < from.n && from.n - d->tot.n >= BL_PROGRESS_PAGES
			  : d->tot.n >= from.n + BL_PROGRESS_PAGES;

	if (begins)
		t->dying_since = now;
	else if (!dies)
		t->dying_since = BL_MS(0);
	if (begins || flows || (!dies && granted_to(d).n > t->granted_to.n)) {
		t->flow_mark = d->tot;
		t->flowed_at = now;
	} else if (!dies && d->tot.n < from.n) {
		t->flow_mark = d->tot; /* what it gave meanwhile it may take again */
	}
	t->granted_to = granted_to(d);
}

void bl_track_update(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	const unsigned frozen = BL_DOM_DYING | BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING;
	bool refused;

	track_demand(t, s, d, now);
	if (d->target.n != t->target.n)
		t->told_at = now;
	if (d->tot.n != t->tot.n)
		t->still_since = now;
	if (t->fresh || d->flags & (BL_DOM_ANNOUNCED | BL_DOM_DRIVER))
		t->proven = true;
	refused = t->refuses;
	t->refuses = t->fresh && d->tele.refusal != BL_REFUSES_NOT && !(d->flags & frozen) &&
		     d->has_target && d->target.n < d->tot.n;
	if (refused && !t->refuses && t->fresh)
		track_comes_round(t, s, d, now);
	else if (!refused && t->refuses)
		track_begins_to_refuse(t, s, d, now);
	if (d->flags & frozen || bl_dom_at_limit(d))
		track_stands(t, d, now); /* its time stands still */
	else if (t->refuses)
		track_refusal(t, s, d, now);
	else
		track_motion(t, s, d, now);
	track_flow(t, d, now);
	if (d->tot.n != t->tot.n)
		t->rose = d->target.n < d->tot.n && d->tot.n > t->tot.n;
	t->tot = d->tot;
	t->target = d->target;
	/* a dying one loses both bit by bit */
	if (!(d->flags & BL_DOM_DYING) || !t->lived_at.n)
		t->lived_at = d->has_target && d->target.n ? d->target : d->tot;
	t->updated = now;
}
