/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/condition.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/value.h"

static bool compare(uint64_t a, const char *op, uint64_t b, struct bl_err *err)
{
	uint64_t off = a > b ? a - b : b - a;

	if (!strcmp(op, "<"))
		return a < b;
	if (!strcmp(op, "<="))
		return a <= b;
	if (!strcmp(op, "=="))
		return a == b;
	if (!strcmp(op, ">="))
		return a >= b;
	if (!strcmp(op, ">"))
		return a > b;
	if (!strcmp(op, "~"))
		return off <= b / 100;
	value_bad(err, "unknown comparison", op);
	return false;
}

static enum truth compare_size(bl_pages have, char **w, struct bl_err *err)
{
	char text[BL_SIZE_STR];
	bl_pages want;

	if (value_pages(w[1], &want, err))
		return NONSENSE;
	bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %s, %" PRIu64 " pages", bl_pages_format(have, text),
		   have.n);
	return compare(have.n, w[0], want.n, err) ? YES : NO;
}

static enum truth compare_ms(uint64_t have, char **w, struct bl_err *err)
{
	bl_ms want;

	if (value_ms(w[1], &want, err))
		return NONSENSE;
	if (have == UINT64_MAX)
		bl_err_set(err, ENOENT, BL_ERR_NONE, "it is unknown");
	else
		bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %" PRIu64 " ms", have);
	return compare(have, w[0], want.n, err) ? YES : NO;
}

static enum truth about_claim(struct play *p, char **w, size_t n, struct bl_err *err)
{
	struct told *t = play_told(p, w[0]);
	const char *state;

	if (!t) {
		value_bad(err, "no claim", w[0]);
		return NONSENSE;
	}
	state = t->refused ? "refused" : bl_claim_state_name(t->state);
	if (n == 3 && !strcmp(w[1], "is")) {
		bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %s: %s", state, t->reason);
		if (!strcmp(w[2], "never"))
			return t->refused && t->verdict == BL_FITS_NEVER;
		return strcmp(state, w[2]) ? NO : YES;
	}
	if (n == 4 && !strcmp(w[1], "size"))
		return compare_size(t->size, w + 2, err);
	if (n == 4 && !strcmp(w[1], "took"))
		return compare_ms(t->held_ms ? t->held_ms - t->asked_ms : UINT64_MAX, w + 2, err);
	if (n == 4 && !strcmp(w[1], "eta"))
		return compare_ms(t->eta.n, w + 2, err);
	value_bad(err, "unknown condition of a claim", w[1]);
	return NONSENSE;
}

static enum truth is_state(struct play *p, const struct bl_dom *d, const char *want, struct bl_err *err)
{
	const struct bl_view *v = d ? bl_plan_view(&p->plan, d->domid) : NULL;
	const char *state = !d ? "gone" : v ? bl_dom_state_name(v->state) : "new";

	bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %s", state);
	return (!strcmp(want, "here") ? d != NULL : !strcmp(want, state)) ? YES : NO;
}

static enum truth about_domain(struct play *p, char **w, size_t n, struct bl_err *err)
{
	const struct bl_dom *d = play_dom(p, w[0]);

	if (n == 3 && !strcmp(w[1], "is"))
		return is_state(p, d, w[2], err);
	if (!d || n != 4) {
		value_bad(err, d ? "unknown condition of domain" : "no domain", w[0]);
		return d ? NONSENSE : NO;
	}
	if (!strcmp(w[1], "size"))
		return compare_size(d->tot, w + 2, err);
	if (!strcmp(w[1], "target"))
		return compare_size(d->target, w + 2, err);
	if (!strcmp(w[1], "maxmem"))
		return compare_size(d->max_pages, w + 2, err);
	value_bad(err, "unknown condition of a domain", w[1]);
	return NONSENSE;
}

static enum truth about_host(struct play *p, char **w, size_t n, struct bl_err *err)
{
	struct bl_sim_physinfo info;

	bl_sim_physinfo(p->sim, &info);
	if (n == 3 && !strcmp(w[0], "free"))
		return compare_size(info.free, w + 1, err);
	if (n == 3 && !strcmp(w[0], "outstanding"))
		return compare_size(info.outstanding, w + 1, err);
	if (n == 3 && !strcmp(w[0], "available"))
		return compare_size(p->plan.available, w + 1, err);
	if (n == 3 && !strcmp(w[0], "reclaimable"))
		return compare_size(p->plan.reclaimable, w + 1, err);
	if (n == 3 && (!strcmp(w[0], "targets") || !strcmp(w[0], "limits"))) {
		uint64_t count = w[0][0] == 't' ? p->targets : p->limits;

		bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %" PRIu64, count);
		return compare(count, w[1], strtoull(w[2], NULL, 10), err) ? YES : NO;
	}
	value_bad(err, "unknown condition of the host", w[0]);
	return NONSENSE;
}

enum truth condition_holds(struct play *p, char **w, size_t n, struct bl_err *err)
{
	err->id = BL_ERR_NONE;
	if (n >= 3 && !strcmp(w[0], "claim"))
		return about_claim(p, w + 1, n - 1, err);
	if (n >= 3 && !strcmp(w[0], "domain"))
		return about_domain(p, w + 1, n - 1, err);
	if (n >= 3 && !strcmp(w[0], "host"))
		return about_host(p, w + 1, n - 1, err);
	if (n == 1 && !strcmp(w[0], "quiet")) {
		bl_err_set(err, ENOENT, BL_ERR_NONE, "%zu actions%s", p->plan.n_actions,
			   p->plan.moving ? ", memory moves" : "");
		return !p->plan.n_actions && !p->plan.moving;
	}
	value_bad(err, "unknown condition", w[0]);
	return NONSENSE;
}
