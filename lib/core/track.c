/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/track.h"

#include "lib/core/policy.h"

/* A balloon near its target that has not moved for so long has come to rest. */
#define SETTLED_MS 1000
/* Moving less proves nothing, even if less was asked for. */
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
		.progress_marked_at = now,
		.progress_mark = d->tot,
		.rest_pages = d->tot,
		.updated = now,
		.hh = hh,
	};
}

/* Compares a report with the one before, if there is one. */
static void take_report(struct bl_report *r, const struct bl_telemetry *tele)
{
	bool first = bl_ms_is_zero(r->at);

	if (bl_ms_eq(r->at, tele->at))
		return;
	r->more = first ? BL_PAGES(0) : bl_pages_sub(tele->used, r->used);
	r->killed = !first && tele->has_oom_kills && tele->oom_kills > r->oom_kills;
	r->at = tele->at;
	r->used = tele->used;
	/* the first count of a driver has all kills since the boot */
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

/* The pages came nearer to the target, since progress_mark, by enough to count. */
static bool progressed(const struct bl_track *t, const struct bl_dom *d)
{
	uint64_t step = 0;

	if (bl_pages_eq(d->tot, d->target))
		return true;
	if (bl_pages_lt(d->target, t->progress_mark) && bl_pages_lt(d->tot, t->progress_mark))
		step = t->progress_mark.n - d->tot.n;
	else if (bl_pages_gt(d->target, t->progress_mark) && bl_pages_gt(d->tot, t->progress_mark))
		step = d->tot.n - t->progress_mark.n;
	return step >= BL_PROGRESS_PAGES;
}

static uint64_t moved_since_mark(const struct bl_track *t, const struct bl_dom *d)
{
	return bl_pages_distance(d->tot, t->progress_mark).n;
}

static void measure_rate(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	uint64_t ms = bl_ms_since(now, t->moved).n;
	uint64_t rate;

	if (!ms || moved_since_mark(t, d) < BL_PROGRESS_PAGES)
		return;
	rate = moved_since_mark(t, d) * 1000 / ms;
	t->rate = t->rate ? (t->rate * 3 + rate) / 4 : rate;
}

static bool near_target(const struct bl_dom *d)
{
	return bl_pages_le(bl_pages_distance(d->tot, d->target), bl_tolerance(d->tot));
}

/* Its pages moved by half of what it was asked for, or by half of a probe. */
static bool proves_balloon(const struct bl_track *t, const struct bl_dom *d)
{
	bl_pages half = BL_PAGES(
		bl_pages_min(bl_pages_distance(d->target, t->rest_pages), bl_probe(t->rest_pages)).n / 2);

	return bl_pages_ge(bl_pages_distance(d->tot, t->rest_pages),
			   bl_pages_max(half, BL_PAGES(PROOF_LEAST)));
}

static void note_following(struct bl_track *t, const struct bl_dom *d, bl_pages from)
{
	if (proves_balloon(t, d)) {
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
	t->progress_mark = d->tot;
	t->progress_marked_at = now;
}

/* Restarts all waiting: the domain cannot move, has said why it does not, or has nothing to do. */
static void note_rest(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	t->asked = BL_MS_NEVER;
	t->moved = now;
	t->rest_pages = d->tot;
	set_mark(t, d, now);
}

/* The pages are at the target, or as near as the balloon comes. The balloon followed the target
 * if its pages moved far enough since their last rest: between two updates if the balloon is
 * fast, otherwise including what it moved before an update saw it move. A target that was set
 * to where the pages are proves nothing. */
static void track_arrived(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	bool told = d->has_target && (!bl_ms_is_never(t->asked) || !bl_pages_eq(t->target, d->target));
	bool came = proves_balloon(t, d);

	if (told && came) {
		measure_rate(t, d, now);
		note_following(t, d, t->rest_pages);
	}
	if (told && bl_pages_gt(d->tot, t->progress_mark))
		t->trust = bl_pages_add(t->trust, t->trust);
	/* A coarse balloon ignores a small change: ask for a tolerance more to see it move. */
	if (told && bl_pages_lt(d->target, d->tot) && !came)
		t->short_by = bl_tolerance(d->tot);
	else if (told && bl_pages_le(d->target, t->rest_pages))
		t->short_by = bl_pages_sub(d->tot, d->target);
	else if (bl_pages_eq(t->target, d->target)) /* the pages came nearer since */
		t->short_by = bl_pages_min(t->short_by, bl_pages_sub(d->tot, d->target));
	note_rest(t, d, now);
}

/* The domain was given another target, or the target turned. */
static void track_asked(struct bl_track *t, const struct bl_dom *d, bl_ms now)
{
	/* Pages that moved since a rest count only if a new target can have moved them. */
	if (!bl_ms_is_never(t->asked) || bl_pages_eq(t->target, d->target))
		t->rest_pages = d->tot;
	t->asked = now;
	t->moved = now;
	set_mark(t, d, now);
}

static void track_stuck(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	if (bl_ms_ge(bl_ms_since(now, t->progress_marked_at), s->stuck_after))
		set_mark(t, d, now);
	t->short_by = BL_PAGES(0);
	if (bl_pages_gt(d->target, d->tot)) {
		t->stuck |= BL_STUCK_TAKING;
		t->trust = bl_probe(d->tot);
	} else {
		t->stuck |= BL_STUCK_GIVING;
	}
	if (proves_balloon(t, d)) { /* all at once, between two updates, and then no further */
		t->proven = true;
		t->incapable = false;
	}
	if (!t->proven && bl_ms_ge(bl_ms_since(now, t->asked), s->boot_grace))
		t->incapable = true;
}

/* Finds out whether the pages follow the target. */
static void track_motion(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	bool turned = bl_pages_lt(t->target, t->progress_mark) != bl_pages_lt(d->target, t->progress_mark);
	bool settled = near_target(d) && bl_ms_since(now, t->still_since).n >= SETTLED_MS &&
		       bl_ms_since(now, t->asked).n >= SETTLED_MS;

	if (!d->has_target || bl_pages_eq(d->tot, d->target)) {
		track_arrived(t, d, now);
	} else if (bl_ms_is_never(t->asked) && bl_pages_eq(t->target, d->target) && near_target(d)) {
		track_arrived(t, d, now); /* at rest a few pages come and go */
	} else if (bl_ms_is_never(t->asked) || turned) {
		track_asked(t, d, now);
	} else if (progressed(t, d)) {
		measure_rate(t, d, now);
		note_following(t, d, t->progress_mark);
		t->moved = now;
		set_mark(t, d, now);
	} else if (settled && (t->proven || proves_balloon(t, d)) && !t->stuck) {
		track_arrived(t, d, now);
	} else if (bl_ms_ge(bl_ms_since(now, t->moved), s->stuck_after)) {
		track_stuck(t, s, d, now);
	}
}

/* A driver that says that it refuses is trusted at once: other guests give its share, and
 * nobody waits for it. */
static void track_refusal(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d, bl_ms now)
{
	t->no_give_until = bl_ms_add(now, s->retry_after);
	t->stuck = 0; /* the driver has said why */
	note_rest(t, d, now);
}

/* A driver that withdraws its refusal is trusted once its pages move or `stuck_after` has
 * passed. A driver that keeps changing its mind is asked at most once per `retry_after`. */
static void track_recovery(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d,
			   bl_ms now)
{
	bl_ms soon = bl_ms_add(now, s->stuck_after);

	if (t->recovery_distrusted)
		return;
	t->recovered |= t->stuck != 0;
	t->stuck = 0;
	t->recovered_at = now;
	t->recovered_target = d->target;
	if (bl_ms_gt(t->no_give_until, soon))
		t->no_give_until = soon;
}

static void track_new_refusal(struct bl_track *t, const struct bl_settings *s, const struct bl_dom *d,
			      bl_ms now)
{
	t->recovery_distrusted = t->recovered_at.n && bl_pages_lt(d->target, t->recovered_target) &&
				 bl_ms_since(now, t->recovered_at).n < s->retry_after.n + s->stuck_after.n;
}

/* A grant begins when the target or the hypervisor's limit goes up, whoever raised it, and lasts
 * while the pages go up. */
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
		t->flow_mark = d->tot; /* it may take again what it gave */
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
		track_recovery(t, s, d, now);
	else if (!refused && t->refuses)
		track_new_refusal(t, s, d, now);
	if (d->flags & frozen || bl_dom_at_limit(d))
		note_rest(t, d, now); /* it cannot move now */
	else if (t->refuses)
		track_refusal(t, s, d, now);
	else
		track_motion(t, s, d, now);
	track_flow(t, d, now);
	if (!bl_pages_eq(d->tot, t->tot))
		t->rose = bl_pages_lt(d->target, d->tot) && bl_pages_gt(d->tot, t->tot);
	t->tot = d->tot;
	t->target = d->target;
	/* A dying domain loses its target and its pages bit by bit. */
	if (!(d->flags & BL_DOM_DYING) || bl_pages_is_zero(t->lived_at))
		t->lived_at = d->has_target && !bl_pages_is_zero(d->target) ? d->target : d->tot;
	t->updated = now;
}
