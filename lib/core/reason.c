/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names in a refusal: more would not be read. */
#define HOLDERS_NAMED 4

static void say(char buf[BL_REASON_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends; what does not fit is cut. */
static void say(char buf[BL_REASON_MAX], const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + used, BL_REASON_MAX - used, fmt, ap);
	va_end(ap);
}

struct size_text {
	char s[BL_SIZE_STR];
};

#define SIZE(p) (bl_pages_format((p), (struct size_text){ { 0 } }.s))

static const char *label(const struct bl_dom *d, char buf[BL_NAME_MAX + 16])
{
	if (d->name[0])
		snprintf(buf, BL_NAME_MAX + 16, "%s", d->name);
	else
		snprintf(buf, BL_NAME_MAX + 16, "domain %u", d->domid);
	return buf;
}

#define LABEL(d) label((d), (struct { char s[BL_NAME_MAX + 16]; }){ { 0 } }.s)

static unsigned long long seconds(bl_ms ms)
{
	return (unsigned long long)((ms.n + 999) / 1000);
}

static void say_asker(char buf[BL_REASON_MAX], const struct bl_plan_in *in)
{
	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *c = in->ledger->claims[i];
		char id[BL_UUID_STR];

		if (c->state != BL_CLAIM_RECLAIMING)
			continue;
		bl_uuid_format(&c->id, id);
		say(buf, " for claim %.8s%s%s (%s)", id, c->name[0] ? " of " : "", c->name,
		    SIZE(c->size));
		return;
	}
}

static const char *of_refusal(enum bl_refusal r)
{
	switch (r) {
	case BL_REFUSES_MIN:
		return "its floor (xen.balloon.min in the guest)";
	case BL_REFUSES_PRESSURE:
		return "memory pressure inside the guest";
	case BL_REFUSES_NO_PAGES:
		return "its kernel finds no page to give";
	case BL_REFUSES_NOT:
		break;
	}
	return "it refuses";
}

static void why_refuses(char buf[BL_REASON_MAX], const struct bl_view *v)
{
	say(buf, "asked for %s, its own driver keeps it at %s: %s", SIZE(v->dom->target),
	    SIZE(v->dom->tot), of_refusal(v->dom->tele.refusal));
}

/* The bound that its driver sets to what it gives is the highest. */
static bool own_min_counts(const struct bl_view *v)
{
	bl_pages own = bl_view_own_min(v);

	return own.n && own.n > v->limits.min.n && own.n >= v->dom->tele.used.n;
}

static void why_not_touched(char buf[BL_REASON_MAX], const struct bl_view *v,
			    const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;

	switch (v->state) {
	case BL_STATE_DYING:
		say(buf, "dying: its %s come back when it is gone", SIZE(d->tot));
		return;
	case BL_STATE_PAUSED:
		say(buf, "paused: its balloon cannot move until it runs again");
		return;
	case BL_STATE_MIGRATING:
		say(buf, "being saved or migrated: not touched until that ends");
		return;
	case BL_STATE_BUILDING:
		say(buf, "being built: has %s", SIZE(d->tot));
		if (v->growing.n)
			say(buf, ", %s are still to come", SIZE(v->growing));
		return;
	case BL_STATE_EXTERNAL:
		say(buf, "somebody else wrote its target (%s): balloond keeps off until "
			 "'balloonctl set %s --mode auto'", SIZE(d->target), LABEL(d));
		return;
	case BL_STATE_INCAPABLE:
		if (d->flags & BL_DOM_NO_BALLOON)
			say(buf, "a service domain: it has no balloon");
		else if (d->flags & BL_DOM_POD)
			say(buf, "still populating on demand: its balloon has not covered what it was not given");
		else if (!d->has_target)
			say(buf, "it has no memory/target, or its pages do not follow one yet: it cannot be steered");
		else
			say(buf, "its balloon did not answer a request for 1 MiB within %llu s: no driver, or a dead one",
			    seconds(in->settings->boot_grace));
		return;
	default:
		break;
	}
	if (v->limits.mode == BL_MODE_MANUAL)
		say(buf, "set by hand to %s: balloond keeps off until 'balloonctl set %s --mode auto'",
		    SIZE(d->target), LABEL(d));
	else if (d->flags & BL_DOM_CONTROL)
		say(buf, "the control domain: left alone unless [host] dom0 = manage");
	else
		say(buf, "mode ignore: balloond leaves it alone");
	if (v->track && v->track->refuses) {
		say(buf, "; ");
		why_refuses(buf, v);
	}
}

static void why_moving(char buf[BL_REASON_MAX], const struct bl_view *v,
		       const struct bl_plan_in *in)
{
	const struct bl_dom *d = v->dom;
	const struct bl_track *t = v->track;
	bool down = d->target.n < d->tot.n;

	if (v->state == BL_STATE_STUCK || t->lagging) {
		say(buf, "asked for %s, stays at %s, no progress for %llu s: %s; tried again every %llu s",
		    SIZE(d->target), SIZE(d->tot), seconds(bl_ms_since(in->snap->now, t->moved)),
		    down ? "the others take its part" : "nothing more is kept for it",
		    seconds(in->settings->retry_after));
		return;
	}
	say(buf, "%s from %s to %s", down ? "gives: on its way" : "gets: on its way", SIZE(d->tot),
	    SIZE(d->target));
	if (down && !t->proven)
		say(buf, ", to see whether its balloon answers");
	else if (down && v->why == BL_WHY_CLAIM)
		say_asker(buf, in);
	else if (v->have.n > v->limits.max.n)
		say(buf, ", its max is %s", SIZE(v->limits.max));
	if (t->rate)
		say(buf, ", at %s/s", SIZE(BL_PAGES(t->rate)));
}

const char *bl_reason_domain(const struct bl_plan *plan, const struct bl_plan_in *in,
			     const struct bl_view *v, char buf[BL_REASON_MAX])
{
	const struct bl_dom *d = v->dom;

	buf[0] = '\0';
	if (d->flags & BL_DOM_HOLDER) {
		say(buf, "holds %s for a claim", SIZE(d->outstanding));
		return buf;
	}
	if (!v->managed) {
		why_not_touched(buf, v, in);
		return buf;
	}
	if (v->state != BL_STATE_STEADY) {
		why_moving(buf, v, in);
	} else if (v->track->refuses && d->target.n < d->tot.n) {
		why_refuses(buf, v);
		say(buf, "; the others take its part");
	} else if (v->goal.n > v->have.n && v->goal.n - v->have.n >= in->settings->threshold.n) {
		say(buf, "has %s and should have %s: waits for %s to come free", SIZE(v->have),
		    SIZE(v->goal), SIZE(bl_pages_sub(bl_pages_sub(v->goal, v->have), plan->available)));
	} else if (v->goal.n < v->have.n && v->why == BL_WHY_CLAIM) {
		say(buf, "has %s, is to give %s", SIZE(v->have), SIZE(bl_pages_sub(v->have, v->goal)));
		say_asker(buf, in);
	} else if (v->track->fresh) {
		say(buf, "has %s, uses %s, wants %s: nobody needs the rest", SIZE(d->tot),
		    SIZE(d->tele.used), SIZE(v->demand));
	} else {
		say(buf, "has %s and reports no use of it: gives for a claim only", SIZE(d->tot));
	}
	if (in->paused)
		say(buf, "; balloond is paused, 'balloonctl resume' lets it go on");
	return buf;
}

const char *bl_reason_givable(const struct bl_plan_in *in, const struct bl_view *v,
			      char buf[BL_REASON_MAX])
{
	buf[0] = '\0';
	if (!v->managed) {
		say(buf, "gives nothing to a claim: ");
		why_not_touched(buf, v, in);
		return buf;
	}
	if (v->givable.n)
		say(buf, "could give %s to a claim", SIZE(v->givable));
	else
		say(buf, "gives nothing to a claim");
	if (v->track->refuses)
		say(buf, ": its own driver keeps it at %s: %s", SIZE(v->dom->tot),
		    of_refusal(v->dom->tele.refusal));
	else if (v->givable.n < bl_pages_sub(v->have, v->floor).n)
		say(buf, ": it did not follow when it was last asked");
	else if (own_min_counts(v))
		say(buf, ": its own driver keeps %s: %s", SIZE(bl_view_own_min(v)),
		    of_refusal(BL_REFUSES_MIN));
	else if (v->track->fresh && v->dom->tele.used.n > v->limits.min.n)
		say(buf, ": it uses %s", SIZE(v->dom->tele.used));
	else
		say(buf, ": its min is %s (from %s); 'balloonctl set %s --min SIZE' changes it",
		    SIZE(v->limits.min), bl_limit_source_name(v->limits.min_from), LABEL(v->dom));
	return buf;
}

/* Claims, then the domains that have most. */
static void say_holders(char buf[BL_REASON_MAX], const struct bl_plan *plan,
			const struct bl_plan_in *in, const struct bl_claim *but)
{
	const struct bl_view *named[HOLDERS_NAMED] = { 0 };
	size_t n = 0, more = 0;

	say(buf, "; who holds what:");
	for (size_t i = 0, told = 0; i < in->ledger->n; i++) {
		const struct bl_claim *c = in->ledger->claims[i];
		char id[BL_UUID_STR];

		if (c == but)
			continue;
		if (told == HOLDERS_NAMED) {
			more++;
			continue;
		}
		told++;
		bl_uuid_format(&c->id, id);
		say(buf, " claim %.8s%s%s %s,", id, c->name[0] ? " of " : "", c->name,
		    SIZE(c->size));
	}
	if (more)
		say(buf, " %zu more claims,", more);
	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		size_t at = n;

		if (v->dom->flags & BL_DOM_HOLDER)
			continue;
		while (at && named[at - 1]->have.n < v->have.n)
			at--;
		if (at == HOLDERS_NAMED)
			continue;
		if (n < HOLDERS_NAMED)
			n++;
		memmove(&named[at + 1], &named[at], (n - at - 1) * sizeof(named[0]));
		named[at] = v;
	}
	for (size_t i = 0; i < n; i++)
		say(buf, "%s %s %s (gives %s)", i ? "," : "", LABEL(named[i]->dom),
		    SIZE(named[i]->have), SIZE(named[i]->givable));
	say(buf, ", reserve %s", SIZE(plan->reserve));
}

/* What a claim could have of guests, did their own drivers not keep it. */
static void say_keepers(char buf[BL_REASON_MAX], const struct bl_plan *plan)
{
	size_t told = 0;

	for (size_t i = 0; i < plan->n_views && told < HOLDERS_NAMED; i++) {
		const struct bl_view *v = &plan->views[i];
		enum bl_refusal why = BL_REFUSES_MIN;
		uint64_t kept;

		if (!v->managed || !(v->track->refuses || own_min_counts(v)))
			continue;
		kept = bl_pages_sub(v->have, bl_pages_max(v->limits.min, v->dom->tele.used)).n;
		kept = bl_pages_sub(BL_PAGES(kept), v->givable).n;
		if (!kept)
			continue;
		if (v->track->refuses)
			why = v->dom->tele.refusal;
		say(buf, "%s %s keeps %s itself: %s", told++ ? "," : ";", LABEL(v->dom),
		    SIZE(BL_PAGES(kept)), of_refusal(why));
	}
}

/* The one guest whose min keeps most from claims. */
static void say_remedy(char buf[BL_REASON_MAX], const struct bl_plan *plan)
{
	const struct bl_view *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t used, more;

		if (!v->managed || v->track->refuses)
			continue;
		used = v->track->fresh ? v->dom->tele.used.n : v->limits.base.n / 2;
		used = bl_pages_max(BL_PAGES(used), bl_view_own_min(v)).n;
		more = v->floor.n > used ? v->floor.n - used : 0;
		if (more > most) {
			most = more;
			best = v;
		}
	}
	if (best)
		say(buf, "; 'balloonctl set %s --min %lluM' would let it give %s more", LABEL(best->dom),
		    (unsigned long long)((best->floor.n - most + BL_PAGES_PER_MIB - 1) / BL_PAGES_PER_MIB),
		    SIZE(BL_PAGES(most)));
}

/* What of a node a claim that names it could have now. */
static void say_node(char buf[BL_REASON_MAX], const struct bl_plan_in *in, int node)
{
	say(buf, "; of node %d %s are free and not claimed, and nobody can be asked to give there",
	    node, SIZE(bl_snapshot_node_room(in->snap, node)));
}

const char *bl_reason_refusal(const struct bl_plan *plan, const struct bl_plan_in *in,
			      const struct bl_admission *a, char buf[BL_REASON_MAX])
{
	buf[0] = '\0';
	say(buf, "needs %s with its overhead; ", SIZE(a->need));
	if (a->verdict == BL_FITS_NEVER)
		say(buf, "at most %s could ever be had here, with every claim gone and every guest at its min",
		    SIZE(a->most));
	else if (a->verdict == BL_FITS_LATER)
		say(buf, "%s are available, guests could give %s, other claims keep %s",
		    SIZE(a->available), SIZE(a->reclaimable), SIZE(a->claims));
	else
		say(buf, "%s are available this moment, guests could give %s",
		    SIZE(a->available), SIZE(a->reclaimable));
	if (a->of && a->of->node >= 0)
		say_node(buf, in, a->of->node);
	say_holders(buf, plan, in, a->of);
	if (a->verdict != BL_FITS_NOW) {
		say_keepers(buf, plan);
		say_remedy(buf, plan);
	}
	return buf;
}

const char *bl_reason_claim(const struct bl_plan *plan, const struct bl_plan_in *in,
			    const struct bl_claim *c, char buf[BL_REASON_MAX])
{
	bl_pages need = bl_claim_promised(c, in->snap);
	bool behind = false;

	buf[0] = '\0';
	if (c->state == BL_CLAIM_HELD) {
		if (c->holder == BL_DOMID_POOL)
			say(buf, "held in the hypervisor's pool");
		else
			say(buf, "held by domain %u", c->holder);
		if (c->reboot)
			say(buf, ", for the reboot of %s", c->name);
		return buf;
	}
	if (c->after) {
		say(buf, "waits for the pages of domain %u, which reboots", c->after);
		return buf;
	}
	if (c->state == BL_CLAIM_BUILDING) {
		say(buf, c->let_go ? "domain %u is built without balloond's hook: what was held is left to it" :
				     "moved to domain %u, which is being built", c->domid);
		return buf;
	}
	for (size_t i = 0; i < in->ledger->n && in->ledger->claims[i] != c; i++)
		behind |= in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING;
	say(buf, "waits for %s", SIZE(need));
	if (c->node >= 0 && bl_snapshot_node_room(in->snap, c->node).n < c->size.n) {
		say_node(buf, in, c->node);
		return buf;
	}
	if (behind)
		say(buf, ", behind an older claim");
	if (in->paused)
		say(buf, "; balloond is paused: no guest gives");
	else if (plan->reclaimable.n)
		say(buf, "; guests can still give %s", SIZE(plan->reclaimable));
	else
		say(buf, "; guests can give nothing more: another claim has to end");
	return buf;
}
