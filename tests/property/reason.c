/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rule 10: a reason is true. In random worlds a claim that is refused is asked for again
 * after what the refusal names was taken away: it has to fit; and without any one part of
 * that it must not. */
#include <inttypes.h>

#include "tests/property/count.h"
#include "tests/property/rules.h"

/* What a real host never shows, and what would have to be taken away in ways of its own. */
static void make_sensible(struct world *w)
{
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		struct bl_dom *d = &w->snap.doms[i];
		struct bl_limits l = bl_settings_limits(&w->settings, d);

		if (d->flags & BL_DOM_CONTROL)
			d->flags &= BL_DOM_CONTROL | BL_DOM_ANNOUNCED | BL_DOM_DRIVER;
		else if (!d->has_target && !(d->flags & BL_DOM_HOLDER))
			d->flags |= BL_DOM_NO_BALLOON;
		/* what is not known comes of its size now, or of that which is built: it stays */
		if (d->flags & BL_DOM_BUILDING)
			l.base = bl_pages_max(l.base, d->max_pages);
		bl_settings_remember(&w->settings, &d->uuid)->base = bl_pages_max(l.base, BL_PAGES(1));
		d->static_max = d->static_max.n ? d->static_max : l.max;
	}
	for (size_t i = 0; i < w->ledger.n;) {
		struct bl_claim *c = w->ledger.claims[i];
		const struct bl_dom *d = count_find(w, c->domid);

		if (c->state == BL_CLAIM_BUILDING &&
		    (!d || d->flags & BL_DOM_DYING || !(d->flags & BL_DOM_BUILDING) ||
		     bl_ledger_by_domid(&w->ledger, c->domid) != c))
			bl_ledger_remove(&w->ledger, c);
		else
			i++;
	}
}

/* A holder of no claim is destroyed at the next look. */
static void drop_strays(struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->snap.n_doms; i++) {
		struct bl_dom *d = &w->snap.doms[i];

		if (d->flags & BL_DOM_HOLDER && !bl_ledger_by_handle(&w->ledger, &d->uuid))
			w->snap.outstanding = bl_pages_sub(w->snap.outstanding, d->outstanding);
		else
			w->snap.doms[n++] = *d;
	}
	w->snap.n_doms = n;
}

/* ---- taking away ---- */

static void take_claims(struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->snap.n_doms; i++) {
		struct bl_dom *d = &w->snap.doms[i];

		if (d->flags & BL_DOM_HOLDER) {
			/* its own few pages are left out, here and in what is promised */
			w->snap.outstanding = bl_pages_sub(w->snap.outstanding, d->outstanding);
			continue;
		}
		d->flags &= ~(unsigned)BL_DOM_REBOOTING; /* nothing is kept for a successor either */
		w->snap.doms[n++] = *d;
	}
	w->snap.n_doms = n;
	while (w->ledger.n) {
		struct bl_dom *d = NULL;

		for (size_t i = 0; i < w->snap.n_doms; i++)
			if (w->snap.doms[i].domid == w->ledger.claims[0]->domid)
				d = &w->snap.doms[i];
		if (d) {
			w->snap.outstanding = bl_pages_sub(w->snap.outstanding, d->outstanding);
			d->outstanding = BL_PAGES(0);
			if (d->flags & BL_DOM_BUILDING) /* which ends with its claim */
				d->max_pages = bl_pages_min(d->max_pages, d->tot);
		}
		bl_ledger_remove(&w->ledger, w->ledger.claims[0]);
	}
}

static void take_dying(struct world *w, struct bl_dom *d, struct bl_track *t)
{
	if (d->flags & BL_DOM_REBOOTING || !(d->flags & BL_DOM_DYING)) {
		t->flowed_at = d->flags & BL_DOM_DYING ? w->snap.now : t->flowed_at;
		return;
	}
	w->snap.free.n += d->tot.n;
	d->tot = BL_PAGES(0);
}

/* What is said of one guest; own: its limits by UUID, which count before all others. */
static void take_of_guest(struct world *w, struct bl_dom *d, unsigned gone)
{
	struct bl_track *t = bl_progress_find(&w->progress, d->domid);
	struct bl_limits l = bl_settings_limits(&w->settings, d);
	struct bl_dom_record *own = bl_settings_find(&w->settings, &d->uuid);

	if (gone & BL_BLOCK_DYING)
		take_dying(w, d, t);
	if (gone & BL_BLOCK_SILENT) {
		t->refuses = false;
		t->stuck = 0;
		t->no_give_until = BL_MS(0);
		d->tele.refusal = BL_REFUSES_NOT;
	}
	if (gone & BL_BLOCK_USE)
		d->tele.used = BL_PAGES(0);
	if (gone & BL_BLOCK_NO_BALLOON) {
		t->incapable = false;
		d->flags &= ~(unsigned)BL_DOM_POD;
	}
	if (gone & BL_BLOCK_LEFT_ALONE && (l.mode == BL_MODE_AUTO || !(d->flags & BL_DOM_CONTROL))) {
		own->set.has_mode = true;
		own->set.mode = BL_MODE_AUTO;
		own->external = false;
		d->flags &= ~(unsigned)BL_DOM_EXTERNAL;
	}
	if (gone & BL_BLOCK_OWN_MIN)
		d->tele.has_min = false;
	if (gone & BL_BLOCK_MIN) {
		own->set.has_min = true;
		own->set.min = (struct bl_bound){
			.pages = t->fresh ? BL_PAGES(0)
					  : BL_PAGES(l.base.n / 2 < l.min.n ? l.base.n / 2 : l.min.n)
		};
	}
}

/* What keeps a guest that is not moved now from giving. */
static unsigned bars(const struct world *w, const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&w->progress, d->domid);
	struct bl_limits l = bl_settings_limits(&w->settings, d);
	unsigned b = 0;

	if (l.mode != BL_MODE_AUTO || l.external || d->flags & BL_DOM_EXTERNAL)
		b |= BL_BLOCK_LEFT_ALONE;
	if (d->flags & (BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING))
		b |= BL_BLOCK_AWAY;
	if (d->flags & BL_DOM_POD || t->incapable)
		b |= BL_BLOCK_NO_BALLOON;
	if (t->refuses || t->stuck & BL_STUCK_GIVING || t->no_give_until.n > w->snap.now.n)
		b |= BL_BLOCK_SILENT;
	return b;
}

/* One that comes back has all that it was granted; a grant by others ends. */
static void take_grants(struct world *w, struct bl_dom *d, unsigned gone)
{
	uint64_t growing = count_growing(w, d, d->target.n, d->max_pages.n);
	unsigned b = bars(w, d);

	if (!d->has_target || count_eligible(w, d) || d->flags & (BL_DOM_NO_BALLOON | BL_DOM_DYING))
		return;
	if ((b & gone) == b && !(d->flags & BL_DOM_CONTROL)) {
		d->flags &= ~(unsigned)(BL_DOM_PAUSED | BL_DOM_MIGRATING | BL_DOM_BUILDING);
		d->tot.n += growing;
		w->snap.free.n -= growing; /* may wrap, and so does what is counted of it */
		d->target = d->tot;
	} else if (gone & BL_BLOCK_GROWTH && !(d->flags & BL_DOM_BUILDING)) {
		d->target = bl_pages_min(d->target, d->tot);
	}
}

static void take_away(struct world *w, unsigned gone)
{
	for (size_t i = 0; i < w->snap.n_doms; i++) {
		struct bl_dom *d = &w->snap.doms[i];

		if (d->flags & BL_DOM_HOLDER)
			continue;
		take_grants(w, d, gone);
		take_of_guest(w, d, gone);
	}
	if (gone & BL_BLOCK_CLAIMS)
		take_claims(w);
	if (gone & BL_BLOCK_RESERVE)
		w->settings.reserve = (struct bl_share){ 0 };
}

/* ---- the property ---- */

struct question {
	const struct run *run;
	uint64_t number;
	bl_pages need;
};

static struct bl_admission ask(const struct question *q, unsigned gone, bool print)
{
	struct world w;
	struct bl_plan plan = { 0 };
	struct bl_plan_in in;
	struct bl_admission a = { 0 };

	world_make(&w, q->run->seed, q->number, (struct world_drop){ 0 });
	make_sensible(&w);
	drop_strays(&w);
	take_away(&w, gone);
	in = world_in(&w);
	if (bl_plan_make(&plan, &in))
		abort();
	bl_plan_admit(&plan, q->need, BL_PAGES(0), NULL, &a);
	if (print)
		world_print(&w, &plan);
	bl_plan_free(&plan);
	world_free(&w);
	return a;
}

static bool fits(const struct question *q, unsigned gone)
{
	return ask(q, gone, false).verdict <= BL_FITS_RECLAIM;
}

static const char *lies(const struct question *q, unsigned *named)
{
	struct bl_admission a = ask(q, 0, false);
	unsigned before = a.verdict == BL_FITS_NEVER ? BL_BLOCK_PASSING : 0;

	*named = a.blockers;
	if (a.verdict <= BL_FITS_RECLAIM)
		return NULL;
	if (!a.blockers)
		return a.verdict == BL_FITS_LATER ? "nothing is named" : NULL;
	if (!fits(q, before | a.blockers))
		return "without what is named it does not fit either";
	for (unsigned bit = 1; bit < 1U << BL_BLOCKERS; bit <<= 1)
		if (a.blockers & bit && fits(q, before | (a.blockers & ~bit)))
			return "a part of what is named has nothing to do with it";
	return NULL;
}

static bl_pages some_size(struct rnd *r, const struct question *q)
{
	struct question any = { q->run, q->number, BL_PAGES(1) };
	struct bl_admission a = ask(&any, 0, false);
	uint64_t low = a.available.n + a.reclaimable.n, high = a.most.n > low ? a.most.n : low;

	return BL_PAGES(rnd_one_in(r, 3) ? rnd_in(r, high, high + high / 4 + 10) : rnd_in(r, low, high) + 1);
}

int main(int argc, char **argv)
{
	struct run run = run_begin(argc, argv, 20000);
	uint64_t asked[BL_BLOCKERS] = { 0 };
	int status = 0;

	printf("1..2\n# seed %" PRIu64 ", %" PRIu64 " worlds\n", run.seed, run.to - run.from);
	for (uint64_t n = run.from; n < run.to && !status; n++) {
		struct rnd r = rnd_of_world(run.seed, n + (UINT64_C(1) << 41));
		struct question q = { &run, n, BL_PAGES(0) };
		const char *why;
		unsigned named, before;

		q.need = some_size(&r, &q);
		why = lies(&q, &named);
		for (unsigned b = 0; b < BL_BLOCKERS; b++)
			asked[b] += named >> b & 1;
		if (!why)
			continue;
		status = 1;
		printf("# %s: %" PRIu64 " pages, blockers %#x\n", why, q.need.n, named);
		ask(&q, 0, true);
		printf("# and without them:\n");
		before = ask(&q, 0, false).verdict == BL_FITS_NEVER ? BL_BLOCK_PASSING : 0;
		ask(&q, before | named, true);
		printf("# replay with BL_SEED=%" PRIu64 " BL_WORLD=%" PRIu64 "\n", run.seed, n);
	}
	printf("%sok 1 - rule 10: what a refusal names is what keeps the claim from fitting\n",
	       status ? "not " : "");
	for (unsigned b = 0; b < BL_BLOCKERS; b++)
		if (!asked[b] && !run.replay && !status) {
			printf("# blocker %#x was never named\n", 1U << b);
			status = 2;
		}
	printf("%sok 2 - each blocker was named in some world\n", status == 2 ? "not " : "");
	return status;
}
