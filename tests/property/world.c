/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/property/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bl_uuid world_handle(unsigned claim)
{
	bl_uuid u = { { 0 } };

	memcpy(u.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	u.b[15] = (uint8_t)claim;
	return u;
}

void world_free(struct world *w)
{
	bl_settings_free(&w->settings);
	bl_snapshot_free(&w->snap);
	bl_progress_free(&w->progress);
	bl_ledger_free(&w->ledger);
}

struct bl_plan_in world_in(struct world *w)
{
	return (struct bl_plan_in){
		.settings = &w->settings,
		.snap = &w->snap,
		.progress = &w->progress,
		.ledger = &w->ledger,
		.paused = w->paused,
		.warm = w->warm,
		.warm_until = w->warm_until,
	};
}

static void print_flags(unsigned flags)
{
	static const char *const names[] = { "dying",	"paused",   "migrating", "building",
					     "control", "holder",   "noballoon", "announced",
					     "driver",	"external", "pod" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags >> i & 1)
			printf(" %s", names[i]);
}

static void print_dom(const struct world *w, const struct bl_dom *d)
{
	const struct bl_track *t = bl_progress_find(&w->progress, d->domid);
	struct bl_limits l = bl_settings_limits(&w->settings, d);

	printf("# dom %" PRIu32 ": tot %" PRIu64 " target %" PRIu64 "%s maxmem %" PRIu64
	       " static-max %" PRIu64 " outstanding %" PRIu64,
	       d->domid, d->tot.n, d->target.n, d->has_target ? "" : " (none)", d->max_pages.n,
	       d->static_max.n, d->outstanding.n);
	print_flags(d->flags);
	if (d->flags & BL_DOM_HOLDER) {
		printf(" of claim %u\n", d->uuid.b[15]);
		return;
	}
	printf("\n#   %s%s min %" PRIu64 " max %" PRIu64 " base %" PRIu64 " weight %" PRIu32,
	       bl_mode_name(l.mode), l.external ? " external" : "", l.min.n, l.max.n, l.base.n, l.weight);
	if (d->tele.present)
		printf(" used %" PRIu64 " pressure %" PRIu32 " own min %" PRId64 " max %" PRId64
		       " refuses %s",
		       d->tele.used.n, d->tele.pressure, d->tele.has_min ? (int64_t)d->tele.min.n : -1,
		       d->tele.has_max ? (int64_t)d->tele.max.n : -1,
		       d->tele.refusal ? bl_refusal_name(d->tele.refusal) : "not");
	if (t)
		printf("%s demand %" PRIu64 "%s%s%s%s mark %" PRIu64 " moved -%" PRIu64 " told -%" PRIu64
		       " no-give %" PRId64 " seen -%" PRIu64 "%s trust %" PRId64,
		       t->fresh ? " fresh" : "", t->demand.n, t->proven ? " proven" : "",
		       t->incapable ? " incapable" : "", t->stuck ? " stuck" : "", t->ours ? " ours" : "",
		       t->progress_mark.n, w->snap.now.n - t->moved.n, w->snap.now.n - t->told_at.n,
		       (int64_t)(t->no_give_until.n - w->snap.now.n), w->snap.now.n - t->first_seen.n,
		       t->found_at_start ? " (at start)" : "", (int64_t)t->trust.n);
	printf("\n");
}

static void print_plan(const struct bl_plan *p)
{
	static const char *const kinds[] = { "maxmem", "target", "nudge", "stake" };

	printf("# balance %" PRId64 " promised %" PRIu64 " growing %" PRIu64 " reserve %" PRIu64
	       " reclaimable %" PRIu64 "\n",
	       p->balance, p->promised.n, p->growing.n, p->reserve.n, p->reclaimable.n);
	for (size_t i = 0; i < p->n_views; i++)
		if (p->views[i].managed)
			printf("#   %" PRIu32 ": have %" PRIu64 " floor %" PRIu64 " demand %" PRIu64
			       " goal %" PRIu64 "\n",
			       p->views[i].dom->domid, p->views[i].have.n, p->views[i].floor.n,
			       p->views[i].demand.n, p->views[i].goal.n);
	for (size_t i = 0; i < p->n_actions; i++) {
		const struct bl_action *a = &p->actions[i];

		if (a->kind == BL_ACT_STAKE)
			printf("# -> stake %" PRIu64 " for claim %u\n", a->pages.n, a->claim->handle.b[15]);
		else
			printf("# -> %s %" PRIu32 " %" PRIu64 " why %d\n", kinds[a->kind], a->domid,
			       a->pages.n, (int)a->why);
	}
}

void world_print(const struct world *w, const struct bl_plan *plan)
{
	const struct bl_settings *s = &w->settings;

	printf("# host: total %" PRIu64 " free %" PRIu64 " outstanding %" PRIu64 " now %" PRIu64 "%s%s\n",
	       w->snap.total.n, w->snap.free.n, w->snap.outstanding.n, w->snap.now.n,
	       w->snap.store_stale ? " store-stale" : "", w->paused ? " paused" : "");
	printf("# policy %d %s threshold %" PRIu64 " headroom %" PRIu32 "%% stuck-after %" PRIu64
	       " retry-after %" PRIu64 " boot-grace %" PRIu64 "%s\n",
	       (int)s->policy, s->surplus_give ? "give" : "keep", s->threshold.n, s->headroom,
	       s->stuck_after.n, s->retry_after.n, s->boot_grace.n, s->dom0_manage ? " dom0 managed" : "");
	if (w->warm.n)
		printf("# warm %" PRIu64 " for %" PRId64 " ms\n", w->warm.n,
		       (int64_t)(w->warm_until.n - w->snap.now.n));
	for (size_t i = 0; i < w->ledger.n; i++) {
		const struct bl_claim *c = w->ledger.claims[i];

		printf("# claim %u: %s size %" PRIu64 " min %" PRIu64 " overhead %" PRIu64 " staked %" PRIu64
		       " holder %" PRId32 " domid %" PRId32 "\n",
		       c->handle.b[15], bl_claim_state_name(c->state), c->size.n, c->min.n, c->overhead.n,
		       c->staked.n, (int32_t)c->holder, (int32_t)c->domid);
	}
	for (size_t i = 0; i < w->snap.n_doms; i++)
		print_dom(w, &w->snap.doms[i]);
	if (plan)
		print_plan(plan);
}
