/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a claim is refused, or what it waits for: who keeps the memory, how much, and what would
 * help. */
#include "lib/core/reason-say.h"

/* ---- a sentence per blocker ---- */

static void say_more(char buf[BL_REASON_MAX], size_t more)
{
	if (more)
		bl_say(buf, " and %zu more", more);
}

/* Other claims, with what they keep. */
static void say_claims(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_admission *a)
{
	size_t told = 0, more = 0;

	bl_say(buf, "; other claims keep %s:", SIZE(a->claims));
	for (size_t i = 0; i < in->ledger->n; i++) {
		const struct bl_claim *c = in->ledger->claims[i];

		if (c == a->of)
			continue;
		if (told == BL_REASON_NAMED) {
			more++;
			continue;
		}
		bl_say(buf, "%s ", told++ ? "," : "");
		bl_say_claim(buf, c);
		if (c->state == BL_CLAIM_RECLAIMING)
			bl_say(buf, ", which waits for %s", TIME(bl_ms_since(in->snap->now, c->created)));
	}
	say_more(buf, more);
	if (a->blockers == BL_BLOCK_CLAIMS)
		bl_say(buf, "; it fits once claims end ('balloonctl release', or --wait)");
}

static void say_silent_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			   bl_pages gives)
{
	const struct bl_dom *d = v->dom;

	bl_say(buf, "%s ", LABEL(d));
	if (v->track->refuses)
		bl_say(buf, "refuses to go below %s, %s,", SIZE(d->tot), bl_say_refusal(d->tele.refusal));
	else if (v->track->stuck && d->target.n < d->tot.n)
		bl_say(buf, "is %s (asked for %s, stays at %s for %s)",
		       v->state == BL_STATE_STUCK ? "stuck" : "lagging", TARGET(d), SIZE(d->tot),
		       TIME(bl_ms_since(in->snap->now, v->track->moved)));
	else
		bl_say(buf, v->track->stuck ? "did not follow when it was last asked"
					    : "refused when it was last asked");
	bl_say(buf, " and could give %s", SIZE(gives));
}

static void say_dying_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			  bl_pages gives)
{
	(void)gives;
	bl_say(buf,
	       "%s (domid %u) is dying for %s and keeps %s: another domain may map its pages, "
	       "or its device model still runs",
	       LABEL(v->dom), v->dom->domid, TIME(bl_ms_since(in->snap->now, v->track->dying_since)),
	       SIZE(v->dom->tot));
}

static void say_away_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			 bl_pages gives)
{
	(void)in;
	bl_say(buf, "%s is %s and could give %s once it runs", LABEL(v->dom), bl_dom_state_name(v->state),
	       SIZE(gives));
}

static void say_growing_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			    bl_pages gives)
{
	(void)gives;
	bl_say(buf,
	       "%s still takes %s that somebody else granted it: what it does not take within %s is free again",
	       LABEL(v->dom), SIZE(v->growing), TIME(in->settings->stuck_after));
}

static void say_using_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			  bl_pages gives)
{
	(void)in, (void)gives;
	bl_say(buf, "%s uses %s of its %s", LABEL(v->dom), SIZE(v->dom->tele.used), SIZE(v->dom->tot));
}

static void say_no_balloon_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			       bl_pages gives)
{
	(void)in;
	bl_say(buf, "%s has %s and no balloon that answers: a driver in the guest would let it give %s",
	       LABEL(v->dom), SIZE(v->dom->tot), SIZE(gives));
}

static void say_left_alone_one(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
			       bl_pages gives)
{
	(void)in;
	bl_say(buf, "%s is left alone with its %s: 'balloonctl set %s --mode auto' would let it give %s",
	       LABEL(v->dom), SIZE(v->dom->tot), ARG(v->dom), SIZE(gives));
}

static void say_keeper(char buf[BL_REASON_MAX], const struct bl_plan_in *in, const struct bl_view *v,
		       bl_pages gives)
{
	(void)in;
	bl_say(buf, "%s keeps %s itself: %s", LABEL(v->dom), SIZE(bl_pages_sub(gives, v->givable)),
	       bl_say_refusal(BL_REFUSES_MIN));
}

/* The domains for which that blocker is one of those that have to go before they give more. */
static void say_each(char buf[BL_REASON_MAX], const struct bl_plan *plan, const struct bl_plan_in *in,
		     const struct bl_admission *a, enum bl_blocker b,
		     void (*say)(char *buf, const struct bl_plan_in *in, const struct bl_view *v,
				 bl_pages gives))
{
	struct bl_ranking r = { .most = BL_REASON_NAMED };
	/* What may end by itself counts as ended where the claim is refused for ever. */
	unsigned gone = a->blockers | (a->verdict == BL_FITS_NEVER ? BL_BLOCK_PASSING : 0U);

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t had = bl_view_gives_without(v, gone & ~(unsigned)b).n;
		uint64_t has = bl_view_gives_without(v, gone).n;

		if (has > had && v->dom->domid != a->builds)
			bl_rank(&r, v, has - had);
	}
	for (size_t i = 0; i < r.n; i++) {
		bl_say(buf, "%s ", i ? "," : ";");
		/* A grant that it has not taken yet is nothing that it could give. */
		say(buf, in, r.named[i],
		    bl_pages_min(bl_view_gives_without(r.named[i], gone), r.named[i]->dom->tot));
	}
	say_more(buf, r.more);
}

/* The guest whose min keeps most from claims, and the command that helps. */
static void say_remedy(char buf[BL_REASON_MAX], const struct bl_plan *plan)
{
	const struct bl_view *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < plan->n_views; i++) {
		const struct bl_view *v = &plan->views[i];
		uint64_t more;

		if (!v->managed || v->silent)
			continue;
		more = bl_view_gives_without(v, BL_BLOCK_MIN).n - v->givable.n;
		if (more > most) {
			most = more;
			best = v;
		}
	}
	if (best)
		bl_say(buf, "; 'balloonctl set %s --min %lluM' would let it give %s more", ARG(best->dom),
		       (unsigned long long)((best->floor.n - most + BL_PAGES_PER_MIB - 1) /
					    BL_PAGES_PER_MIB),
		       SIZE(BL_PAGES(most)));
}

static void say_blockers(char buf[BL_REASON_MAX], const struct bl_plan *plan, const struct bl_plan_in *in,
			 const struct bl_admission *a)
{
	static const struct {
		enum bl_blocker blocker;
		void (*say)(char *buf, const struct bl_plan_in *in, const struct bl_view *v, bl_pages gives);
	} rows[] = {
		{ BL_BLOCK_DYING, say_dying_one },
		{ BL_BLOCK_SILENT, say_silent_one },
		{ BL_BLOCK_AWAY, say_away_one },
		{ BL_BLOCK_GROWTH, say_growing_one },
		{ BL_BLOCK_USE, say_using_one },
		{ BL_BLOCK_NO_BALLOON, say_no_balloon_one },
		{ BL_BLOCK_LEFT_ALONE, say_left_alone_one },
		{ BL_BLOCK_OWN_MIN, say_keeper },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (a->blockers & rows[i].blocker)
			say_each(buf, plan, in, a, rows[i].blocker, rows[i].say);
	if (a->blockers == BL_BLOCK_USE)
		bl_say(buf, "; it fits once guests use %s less", SIZE(a->lacks));
	if (a->blockers & BL_BLOCK_CLAIMS)
		say_claims(buf, in, a);
	if (a->blockers & BL_BLOCK_RESERVE)
		bl_say(buf, "; the reserve of %s is in the way ([host] reserve)", SIZE(plan->reserve));
	if (a->blockers & (a->blockers - 1))
		bl_say(buf, "; it fits once all of that has ended");
	if (a->verdict == BL_FITS_NEVER)
		say_remedy(buf, plan);
}

/* ---- refusals ---- */

/* Claims, unless say_claims() named them. */
static void say_claims_held(char buf[BL_REASON_MAX], const struct bl_plan_in *in,
			    const struct bl_admission *a)
{
	size_t told = 0, more = 0;

	for (size_t i = 0; i < in->ledger->n && !(a->blockers & BL_BLOCK_CLAIMS); i++) {
		if (in->ledger->claims[i] == a->of)
			continue;
		if (told == BL_REASON_NAMED) {
			more++;
			continue;
		}
		bl_say(buf, " ");
		bl_say_claim(buf, in->ledger->claims[i]);
		bl_say(buf, ",");
		told++;
	}
	if (more)
		bl_say(buf, " %zu more claims,", more);
}

/* The largest domains, by their real size. */
static void say_holders(char buf[BL_REASON_MAX], const struct bl_plan *plan, const struct bl_plan_in *in,
			const struct bl_admission *a)
{
	struct bl_ranking r = { .most = BL_REASON_NAMED };

	for (size_t i = 0; i < plan->n_views; i++)
		if (!(plan->views[i].dom->flags & BL_DOM_HOLDER))
			bl_rank(&r, &plan->views[i], plan->views[i].dom->tot.n);
	bl_say(buf, "; who holds what:");
	say_claims_held(buf, in, a);
	for (size_t i = 0; i < r.n; i++) {
		const struct bl_dom *d = r.named[i]->dom;

		bl_say(buf, "%s %s %s (", i ? "," : "", LABEL(d), SIZE(d->tot));
		if (r.named[i]->granted.n)
			bl_say(buf, "target %s, ", SIZE(d->target));
		bl_say(buf, "gives %s)", SIZE(r.named[i]->givable));
	}
	bl_say(buf, "%s reserve %s", r.n ? "," : "", SIZE(plan->reserve));
}

/* How much of a node a claim for that node could have now. */
static void say_node(char buf[BL_REASON_MAX], const struct bl_plan_in *in, int node)
{
	bl_say(buf,
	       "; node %d has %s free and not claimed, and no guest can be asked to give memory of a node",
	       node, SIZE(bl_snapshot_node_room(in->snap, node)));
}

const char *bl_reason_refusal(const struct bl_plan *plan, const struct bl_plan_in *in,
			      const struct bl_admission *a, char buf[BL_REASON_MAX])
{
	buf[0] = '\0';
	bl_say(buf, "needs %s with its overhead; ", SIZE(a->need));
	if (a->verdict == BL_FITS_NEVER)
		bl_say(buf,
		       "at most %s could ever be had here, with every claim gone and every guest at its min",
		       SIZE(a->most));
	else
		bl_say(buf, "%s is available, guests could give %s", SIZE(a->available),
		       SIZE(a->reclaimable));
	if (a->of && a->of->node >= 0)
		say_node(buf, in, a->of->node);
	say_blockers(buf, plan, in, a);
	say_holders(buf, plan, in, a);
	return buf;
}

/* ---- live claims ---- */

static const struct bl_claim *first_ahead(const struct bl_plan_in *in, const struct bl_claim *c)
{
	for (size_t i = 0; i < in->ledger->n && in->ledger->claims[i] != c; i++)
		if (in->ledger->claims[i]->state == BL_CLAIM_RECLAIMING)
			return in->ledger->claims[i];
	return NULL;
}

static void say_waiting(char buf[BL_REASON_MAX], const struct bl_plan *plan, const struct bl_plan_in *in,
			const struct bl_claim *c)
{
	const struct bl_claim *ahead = first_ahead(in, c);
	struct bl_admission a;

	bl_say(buf, "waits for %s", SIZE(bl_claim_promised(c, in->snap)));
	if (c->node >= 0 && bl_snapshot_node_room(in->snap, c->node).n < c->size.n) {
		say_node(buf, in, c->node);
		return;
	}
	if (ahead) { /* its reason tells what it waits for */
		bl_say(buf, ", behind ");
		bl_say_claim(buf, ahead);
		return;
	}
	if (in->paused) {
		bl_say(buf, "; balloond is paused: no guest gives until 'balloonctl resume'");
		return;
	}
	if (plan->reclaimable.n)
		bl_say(buf, "; guests can still give %s", SIZE(plan->reclaimable));
	bl_plan_admit_again(plan, in->snap, c, &a);
	say_blockers(buf, plan, in, &a);
	if (a.verdict >= BL_FITS_LATER && !a.blockers && !plan->reclaimable.n)
		bl_say(buf, "; guests can give nothing more");
}

const char *bl_reason_claim(const struct bl_plan *plan, const struct bl_plan_in *in,
			    const struct bl_claim *c, char buf[BL_REASON_MAX])
{
	buf[0] = '\0';
	if (c->state == BL_CLAIM_HELD) {
		if (c->holder == BL_DOMID_POOL)
			bl_say(buf, "held in the hypervisor's pool");
		else
			bl_say(buf, "held by domain %u", c->holder);
		if (c->reboot)
			bl_say(buf, ", for the reboot of %s", c->name);
	} else if (c->after) {
		bl_say(buf, "waits for the pages of domain %u, which reboots", c->after);
	} else if (c->state == BL_CLAIM_BUILDING) {
		bl_say(buf,
		       c->let_go ? "domain %u is built without balloond's hook: what was held is left to it"
				 : "moved to domain %u, which is being built",
		       c->domid);
	} else {
		say_waiting(buf, plan, in, c);
	}
	return buf;
}
