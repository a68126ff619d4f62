/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a domain has its target, and what it could give. */
#include "lib/core/reason-say.h"
#include "lib/core/wait.h"

/* The reason of a plan names so many guests: nobody reads more. */
#define GIVERS_NAMED BL_RANKED_MAX

static void say_asker(char buf[BL_REASON_MAX], const struct bl_plan_in *in)
{
	for (size_t i = 0; i < in->ledger->n; i++) {
		if (in->ledger->claims[i]->state != BL_CLAIM_RECLAIMING)
			continue;
		bl_say(buf, " for ");
		bl_say_claim(buf, in->ledger->claims[i]);
		return;
	}
}

static void say_why_refuses(char buf[BL_REASON_MAX], const struct bl_view *v)
{
	bl_say(buf, "asked for %s, its own driver keeps it at %s: %s", TARGET(v->dom), SIZE(v->dom->tot),
	       bl_say_refusal(v->dom->tele.refusal));
}

static void say_why_dying(char buf[BL_REASON_MAX], const struct bl_view *v, const struct bl_plan_in *in)
{
	bl_say(buf, "dying for %s: ", TIME(bl_ms_since(in->snap->now, v->track->dying_since)));
	if (v->flows)
		bl_say(buf, "its %s come back when it is gone", SIZE(v->dom->tot));
	else
		bl_say(buf,
		       "it keeps %s, of which nothing came back for %s: another domain may map its "
		       "pages, or its device model still runs",
		       SIZE(v->dom->tot), TIME(bl_ms_since(in->snap->now, v->track->flowed_at)));
}

static void say_why_incapable(char buf[BL_REASON_MAX], const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	if (d->flags & BL_DOM_NO_BALLOON)
		bl_say(buf, "a service domain: it has no balloon");
	else if (d->flags & BL_DOM_POD)
		bl_say(buf,
		       "populate-on-demand: its balloon has not yet given back the memory that it never got");
	else if (!d->has_target)
		bl_say(buf,
		       "it has no memory/target, or its pages do not follow the target yet: it cannot be moved");
	else
		bl_say(buf,
		       "has %s, and its balloon did not answer a request for %s within %s: no driver, "
		       "or a dead one",
		       SIZE(d->tot), SIZE(bl_probe(d->tot)), TIME(in->settings->boot_grace));
}

/* How far the domain has come to a target that balloond did not set. */
static void say_how_far(char buf[BL_REASON_MAX], const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	if (!d->has_target || bl_pages_eq(d->tot, d->target))
		return;
	if (v->track->refuses) {
		bl_say(buf, "; ");
		say_why_refuses(buf, v);
	} else if (v->track->stuck || bl_ms_is_never(v->track->asked)) {
		bl_say(buf, "; it stopped at %s %s ago", SIZE(d->tot),
		       TIME(bl_ms_since(in->snap->now, v->track->moved)));
	} else {
		bl_say(buf, "; it is on its way there from %s", SIZE(d->tot));
	}
}

static void say_why_left_alone(char buf[BL_REASON_MAX], const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	if (v->state == BL_STATE_EXTERNAL)
		bl_say(buf,
		       "somebody else wrote its target, %s: balloond leaves it alone until "
		       "'balloonctl set %s --mode auto'",
		       SIZE(d->target), ARG(d));
	else if (v->limits.mode == BL_MODE_MANUAL)
		bl_say(buf,
		       "set by hand to %s: balloond leaves it alone until 'balloonctl set %s --mode auto'",
		       SIZE(d->target), ARG(d));
	else if (d->flags & BL_DOM_CONTROL)
		bl_say(buf, "the control domain: left alone unless [host] dom0 = manage");
	else
		bl_say(buf, "mode ignore: balloond leaves it alone until 'balloonctl set %s --mode auto'",
		       ARG(d));
	say_how_far(buf, v, in);
}

static void say_why_not_touched(char buf[BL_REASON_MAX], const struct bl_view *v,
				const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	switch (v->state) {
	case BL_STATE_DYING:
		say_why_dying(buf, v, in);
		break;
	case BL_STATE_PAUSED:
		bl_say(buf, "paused: its balloon cannot move until it runs again");
		break;
	case BL_STATE_MIGRATING:
		bl_say(buf, "being saved or migrated: not touched until that ends");
		break;
	case BL_STATE_BUILDING:
		bl_say(buf, "being built: has %s", SIZE(d->tot));
		if (!bl_pages_is_zero(v->growing))
			bl_say(buf, ", %s are still to come", SIZE(v->growing));
		break;
	case BL_STATE_INCAPABLE:
		say_why_incapable(buf, v, in);
		break;
	default:
		say_why_left_alone(buf, v, in);
	}
}

static void say_why_moving(char buf[BL_REASON_MAX], const struct bl_view *v, const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;
	const struct bl_track *t = v->track;
	bool down = bl_pages_lt(d->target, d->tot);

	if (t->stuck && bl_pages_eq(d->tot, d->target)) {
		bl_say(buf,
		       "stays at %s: it did not move when it was last asked, %s ago; tried again when "
		       "it is needed",
		       SIZE(d->tot), TIME(bl_ms_since(in->snap->now, t->told_at)));
		return;
	}
	if (t->stuck) {
		bl_say(buf, "asked for %s, stays at %s, no progress for %s: %s; tried again every %s",
		       TARGET(d), SIZE(d->tot), TIME(bl_ms_since(in->snap->now, t->moved)),
		       t->stuck & BL_STUCK_GIVING ? "the others give its share"
						  : "nothing more is kept for it",
		       TIME(in->settings->retry_after));
		return;
	}
	bl_say(buf, "%s from %s to %s", down ? "gives: on its way" : "gets: on its way", SIZE(d->tot),
	       TARGET(d));
	if (down && !t->proven)
		bl_say(buf, ", to see whether its balloon answers");
	else if (down && v->why == BL_WHY_CLAIM)
		say_asker(buf, in);
	else if (bl_pages_gt(v->have, v->limits.max))
		bl_say(buf, ", its max is %s", SIZE(v->limits.max));
	if (t->rate)
		bl_say(buf, ", at %s/s", SIZE(BL_PAGES(t->rate)));
}

/* Why a guest that should grow does not. */
static void say_why_waits(char buf[BL_REASON_MAX], const struct bl_plan *plan, const struct bl_view *v)
{
	bl_pages wants = bl_pages_sub(v->goal, v->have), lacks = bl_pages_sub(wants, plan->available);

	bl_say(buf, "has %s and should have %s: ", SIZE(v->dom->tot), SIZE(v->goal));
	if (!bl_pages_is_zero(lacks))
		bl_say(buf, "waits for %s to come free", SIZE(lacks));
	else
		bl_say(buf, "gets %s at the next tick", SIZE(wants));
}

const char *bl_reason_domain(const struct bl_plan *plan, const struct bl_plan_in *in,
			     const struct bl_view *v, char buf[BL_REASON_MAX])
{
	const struct bl_dom *d = v->dom;

	buf[0] = '\0';
	if (d->flags & BL_DOM_HOLDER) {
		bl_say(buf, "holds %s for a claim", SIZE(d->outstanding));
		return buf;
	}
	if (!v->managed) {
		say_why_not_touched(buf, v, in);
		return buf;
	}
	if (v->state != BL_STATE_STEADY) {
		say_why_moving(buf, v, in);
	} else if (v->track->refuses && bl_pages_lt(d->target, d->tot)) {
		say_why_refuses(buf, v);
		bl_say(buf, "; the others give its share");
	} else if (bl_wait_keeps_from(plan, in, v)) {
		bl_say(buf,
		       "has %s and should have %s: %s are kept for %s more, for another try of a "
		       "claim whose wait has ended",
		       SIZE(d->tot), SIZE(v->goal), SIZE(plan->warm),
		       TIME(bl_ms_since(plan->warm_until, in->snap->now)));
	} else if (bl_pages_gt(v->goal, v->have) &&
		   bl_pages_ge(bl_pages_sub(v->goal, v->have), in->settings->threshold)) {
		say_why_waits(buf, plan, v);
	} else if (bl_pages_lt(v->goal, v->have) && v->why == BL_WHY_CLAIM) {
		bl_say(buf, "has %s, has to give %s", SIZE(d->tot), SIZE(bl_pages_sub(v->have, v->goal)));
		say_asker(buf, in);
	} else if (v->track->fresh) {
		bl_say(buf, "has %s, uses %s, wants %s", SIZE(d->tot), SIZE(d->tele.used), SIZE(v->demand));
		if (bl_pages_lt(v->demand, d->tot))
			bl_say(buf, ": nobody needs the rest");
	} else {
		bl_say(buf, "has %s and does not report how much it uses: gives to claims only",
		       SIZE(d->tot));
	}
	if (in->paused)
		bl_say(buf, "; balloond is paused, 'balloonctl resume' lets it go on");
	return buf;
}

const char *bl_reason_givable(const struct bl_plan_in *in, const struct bl_view *v, char buf[BL_REASON_MAX])
{
	buf[0] = '\0';
	if (!v->managed) {
		bl_say(buf, "gives nothing to a claim: ");
		say_why_not_touched(buf, v, in);
		return buf;
	}
	if (!bl_pages_is_zero(v->givable))
		bl_say(buf, "could give %s to a claim", SIZE(v->givable));
	else
		bl_say(buf, "gives nothing to a claim");
	if (v->track->refuses)
		bl_say(buf, ": its own driver keeps it at %s: %s", SIZE(v->dom->tot),
		       bl_say_refusal(v->dom->tele.refusal));
	else if (v->silent)
		bl_say(buf, v->track->stuck ? ": it did not follow when it was last asked"
					    : ": it refused when it was last asked");
	else if (bl_say_own_min_counts(v))
		bl_say(buf, ": its own driver keeps %s: %s", SIZE(bl_view_own_min(v)),
		       bl_say_refusal(BL_REFUSES_MIN));
	else if (v->track->fresh && bl_pages_gt(v->dom->tele.used, v->limits.min))
		bl_say(buf, ": it uses %s", SIZE(v->dom->tele.used));
	else
		bl_say(buf, ": its min is %s (from %s); 'balloonctl set %s --min SIZE' changes it",
		       SIZE(v->limits.min), bl_limit_source_name(v->limits.min_from), ARG(v->dom));
	return buf;
}

const char *bl_reason_givers(const struct bl_plan *plan, char buf[BL_REASON_MAX])
{
	struct bl_ranking r = { .most = GIVERS_NAMED };

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];

		if (v->managed && bl_pages_gt(v->have, v->goal))
			bl_rank(&r, v, bl_pages_sub(v->have, v->goal).n);
	}
	buf[0] = '\0';
	for (size_t i = 0; i < r.n; i++)
		bl_say(buf, "%s%s from %s", i ? ", " : "", SIZE(BL_PAGES(r.amount[i])),
		       r.named[i]->dom->name[0] ? r.named[i]->dom->name : "a guest without a name");
	if (r.more)
		bl_say(buf, " and %zu more guests", r.more);
	if (plan->coming.n)
		bl_say(buf, "%s%s from domains that are dying", *buf ? ", " : "", SIZE(plan->coming));
	return buf;
}
