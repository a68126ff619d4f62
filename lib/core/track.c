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
	return !t->found_at_start && bl_ms_lt(bl_ms_since(now, t->first_seen), s->boot_grace);
}

bool bl_track_flows(const struct bl_track *t, const struct bl_settings *s, bl_ms now)
{
	return bl_ms_lt(bl_ms_since(now, t->flowed_at), s->stuck_after);
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
	bool first = bl_ms_is_zero(r->at);

	if (bl_ms_eq(r->at, tele->at))
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

	t->fresh = tele.present && !bl_pages_is_zero(tele.used) &&
		   bl_ms_le(bl_ms_since(now, tele.at), s->telemetry_stale_after);
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

	if (bl_pages_eq(d->tot, d->target))
		return true;
	if (bl_pages_lt(d->target, t->mark) && bl_pages_lt(d->tot, t->mark))
		step = t->mark.n - d->tot.n;
	else if (bl_pages_gt(d->target, t->mark) && bl_pages_gt(d->tot, t->mark))
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
	return bl_pages_le(bl_pages_distance(d->tot, d->target), bl_tolerance(d->tot));
}

/* Since it last stood it moved by half of what it was asked, or of a probe. */
static bool proves(const struct bl_track *t, const struct bl_dom *d)
{
	bl_pages half =
		BL_PAGES(bl_pages_min(bl_pages_distance(d->target, t->stood), bl_probe(t->stood)).n / 2);

	return bl_pages_ge(bl_pages_distance(d->tot, t->stood), bl_pages_max(half, BL_PAGES(PROOF_LEAST)));
}

static void follows(struct bl_track *t, const struct bl_dom *d, bl_pages from)
{
	if (proves(t, d)) {
		t->proven = true;
		t->incapable = false;
	}
	t->recovered |= t->stuck != 0;
	t->stuck = 0;
	if (bl_pages_lt(d->tot, from))
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
	bool told = d->has_target && (!bl_ms_is_never(t->asked) || !bl_pages_eq(t->target, d->target));
	bool came = proves(t, d);

	if (told && came) {
		measure_rate(t, d, now);
		follows(t, d, t->stood);
	}
	if (told && bl_pages_gt(d->tot, t->mark))
		t->trust = bl_pages_add(t->trust, t->trust);
	/* so little was asked that a coarse one did not move: that much more will show */
	if (told && bl_pages_lt(d->target, d->tot) && !came)
		t->short_by = bl_tolerance(d->tot);
	else if (told && bl_pages_le(d->target, t->stood))
		t->short_by = bl_pages_sub(d->tot, d->target);
	else if (bl_pages_eq(t->target, d->target)) /* it came nearer after all */
		t->short_by = bl_pages_min(t->short_by, bl_pages_sub(d->tot, d->target));
	track_stands(t, d, now);
}

/* Another ask has begun. */
static void track_asked(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	/* seen on its way by what it was told just now, or not by that */
	if (!bl_ms_is_never(t->asked) || bl_pages_eq(t->target, d->target))
		t->stood = d->tot;
	t->asked = now;
	t->moved = now;
	set_mark(t, d, now);
}

static void track_stuck(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	if (bl_ms_ge(bl_ms_since(now, t->marked), s->stuck_after))
		set_mark(t, d, now);
	t->short_by = BL_PAGES(0);
	if (bl_pages_gt(d->target, d->tot)) {
		t->stuck |= BL_STUCK_TAKING;
		t->trust = bl_probe(d->tot);
	} else {
		t->stuck |= BL_STUCK_GIVING;
	}
	if (!t->proven && bl_ms_ge(bl_ms_since(now, t->asked), s->boot_grace))
		t->incapable = true;
}

/* Did it follow what it was told? */
static void track_motion(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	bool turned = bl_pages_lt(t->target, t->mark) != bl_pages_lt(d->target, t->mark);
	bool settled = near_target(d) && bl_ms_since(now, t->still_since).n >= SETTLED_MS &&
		       bl_ms_since(now, t->asked).n >= SETTLED_MS;

	if (!d->has_target || bl_pages_eq(d->tot, d->target)) {
		track_arrived(t, d, now);
	} else if (bl_ms_is_never(t->asked) && bl_pages_eq(t->target, d->target) && near_target(d)) {
		track_arrived(t, d, now); /* it rests, and pages come and go of themselves */
	} else if (bl_ms_is_never(t->asked) || turned) {
		track_asked(t, d, now);
	} else if (progressed(t, d)) {
		measure_rate(t, d, now);
		follows(t, d, t->mark);
		t->moved = now;
		set_mark(t, d, now);
	} else if (settled && (t->proven || proves(t, d)) && !t->stuck) {
		track_arrived(t, d, now);
	} else if (bl_ms_ge(bl_ms_since(now, t->moved), s->stuck_after)) {
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
	if (bl_ms_gt(t->no_give_until, soon))
		t->no_give_until = soon;
}

static void track_begins_to_refuse(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d,
				   bl_ms now)
{
	t->doubted = t->came_round.n && bl_pages_lt(d->target, t->came_target) &&
		     bl_ms_since(now, t->came_round).n < s->retry_after.n + s->stuck_after.n;
}

/* Whoever wrote the target, and whatever keeps the guest from taking: a grant begins when
 * its target or its limit goes up, and goes on while its pages do. */
static void track_flow(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	bool dies = d->flags & BL_DOM_DYING, begins = dies && bl_ms_is_zero(t->dying_since);
	bl_pages from = t->flow_mark;
	bool flows = dies ? bl_pages_lt(d->tot, from) && from.n - d->tot.n >= BL_PROGRESS_PAGES
			  : d->tot.n >= from.n + BL_PROGRESS_PAGES;

	if (begins)
		t->dying_since = now;
	else if (!dies)
		t->dying_since = BL_MS(0);
	if (begins || flows || (!dies && bl_pages_gt(granted_to(d), t->granted_to))) {
		t->flow_mark = d->tot;
		t->flowed_at = now;
	} else if (!dies && bl_pages_lt(d->tot, from)) {
		t->flow_mark = d->tot; /* what it gave meanwhile it may take again */
	}
	t->granted_to = granted_to(d);
}

void bl_track_update(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	const unsigned frozen = BL_DOM_DYING | BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING;
	bool refused;

	track_demand(t, s, d, now);
	if (!bl_pages_eq(d->target, t->target))
		t->told_at = now;
	if (!bl_pages_eq(d->tot, t->tot))
		t->still_since = now;
	if (t->fresh || d->flags & (BL_DOM_ANNOUNCED | BL_DOM_DRIVER))
		t->proven = true;
	refused = t->refuses;
	t->refuses = t->fresh && d->tele.refusal != BL_REFUSES_NOT && !(d->flags & frozen) &&
		     d->has_target && bl_pages_lt(d->target, d->tot);
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
	if (!bl_pages_eq(d->tot, t->tot))
		t->rose = bl_pages_lt(d->target, d->tot) && bl_pages_gt(d->tot, t->tot);
	t->tot = d->tot;
	t->target = d->target;
	/* a dying one loses both bit by bit */
	if (!(d->flags & BL_DOM_DYING) || bl_pages_is_zero(t->lived_at))
		t->lived_at = d->has_target && !bl_pages_is_zero(d->target) ? d->target : d->tot;
	t->updated = now;
}
