/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/step.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Values --------------------------------------------------------------------- */

static int bad(struct bl_err *err, const char *what, const char *word)
{
	return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS, "%s: %s", what, word);
}

static int pages_of(const char *text, bl_pages *ret, struct bl_err *err)
{
	bl_bytes b;
	int r = strcmp(text, "0") ? bl_size_parse("size", text, &b, err) : 0;

	if (!r)
		*ret = strcmp(text, "0") ? bl_pages_from_bytes_ceil(b) : BL_PAGES(0);
	return r;
}

static int ms_of(const char *text, bl_ms *ret, struct bl_err *err)
{
	return bl_duration_parse("duration", text, true, ret, err);
}

/* Lines of a world and of a program have one word for each of a few values. */
static int one_of(const char *text, const char *const *names, size_t n, unsigned *ret,
		  struct bl_err *err)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(text, names[i])) {
			*ret = i;
			return 0;
		}
	return bad(err, "unknown value", text);
}

#define ONE_OF(text, ret, err, ...)                                                    \
	one_of(text, (const char *const[]){ __VA_ARGS__ },                             \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), ret, err)

/* ---- config, limit ----------------------------------------------------------------- */

static int config_choice(struct bl_settings *s, const char *key, const char *value,
			 struct bl_err *err)
{
	unsigned i = 0;
	int r;

	if (!strcmp(key, "surplus")) {
		r = ONE_OF(value, &i, err, "keep", "give");
		s->surplus_give = i == 1;
	} else if (!strcmp(key, "policy")) {
		r = ONE_OF(value, &i, err, "demand", "proportional", "static");
		s->policy = (enum bl_policy_kind)i;
	} else if (!strcmp(key, "dom0")) {
		r = ONE_OF(value, &i, err, "ignore", "manage");
		s->dom0_manage = i == 1;
	} else {
		r = bad(err, "unknown key", key);
	}
	return r;
}

static int config(struct bl_settings *s, const char *key, const char *value, struct bl_err *err)
{
	const struct {
		const char *key;
		bl_ms *ms;
		bl_pages *pages;
		struct bl_share *share;
	} keys[] = {
		{ "stuck-after", &s->stuck_after, NULL, NULL },
		{ "retry-after", &s->retry_after, NULL, NULL },
		{ "boot-grace", &s->boot_grace, NULL, NULL },
		{ "telemetry-stale-after", &s->telemetry_stale_after, NULL, NULL },
		{ "tick", &s->tick, NULL, NULL },
		{ "wait", &s->wait, NULL, NULL },
		{ "ttl", &s->ttl, NULL, NULL },
		{ "threshold", NULL, &s->threshold, NULL },
		{ "dom0-min", NULL, &s->dom0_min, NULL },
		{ "reserve", NULL, NULL, &s->reserve },
		{ "overhead", NULL, NULL, &s->overhead },
	};

	if (!strcmp(key, "headroom"))
		return bl_percent_parse(key, value, 1000, &s->headroom, err);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(keys[i].key, key))
			continue;
		if (keys[i].ms)
			return ms_of(value, keys[i].ms, err);
		return keys[i].pages ? pages_of(value, keys[i].pages, err) :
				       bl_share_parse(key, value, keys[i].share, err);
	}
	return config_choice(s, key, value, err);
}

static int limit(struct play *p, const char *name, const char *key, const char *value,
		 struct bl_err *err)
{
	const struct bl_dom *d = play_dom(p, name);
	struct bl_dom_memory *m = d ? bl_settings_remember(&p->w.settings, &d->uuid) : NULL;
	unsigned mode = 0;
	int r;

	if (!m)
		return bad(err, "no such domain", name);
	if (!strcmp(key, "min")) {
		m->set.min = (struct bl_bound){ 0 };
		m->set.has_min = true;
		r = pages_of(value, &m->set.min.pages, err);
	} else if (!strcmp(key, "max")) {
		m->set.has_max = true;
		r = pages_of(value, &m->set.max, err);
	} else if (!strcmp(key, "weight")) {
		m->set.has_weight = true;
		m->set.weight = (uint32_t)strtoul(value, NULL, 10);
		r = m->set.weight ? 0 : bad(err, "no weight", value);
	} else if (!strcmp(key, "mode")) {
		r = ONE_OF(value, &mode, err, "auto", "manual", "ignore");
		m->set.has_mode = true;
		m->set.mode = (enum bl_mode)mode;
		if (!r && mode == BL_MODE_AUTO) {
			m->external = false;
			bl_sim_adopt(p->sim, d->domid);
		}
	} else {
		r = bad(err, "unknown key", key);
	}
	play_tick_soon(p);
	return r;
}

/* ---- claim ------------------------------------------------------------------------- */

static int claim(struct play *p, char **w, size_t n, struct bl_err *err)
{
	struct play_claim req = { .name = w[0], .overhead = BL_PAGES(UINT64_MAX) };
	int r = pages_of(w[1], &req.size, err);

	for (size_t i = 2; !r && i < n; i++) {
		if (!strcmp(w[i], "no-wait"))
			req.wait = PLAY_NO_WAIT;
		else if (!strcmp(w[i], "now"))
			req.wait = PLAY_NOW;
		else if (i + 1 == n)
			r = bad(err, "no value for", w[i]);
		else if (!strcmp(w[i], "min"))
			r = pages_of(w[++i], &req.min, err);
		else if (!strcmp(w[i], "overhead"))
			r = pages_of(w[++i], &req.overhead, err);
		else if (!strcmp(w[i], "ttl"))
			r = ms_of(w[++i], &req.ttl, err);
		else if (!strcmp(w[i], "wait")) {
			req.wait = PLAY_WAIT;
			r = ms_of(w[++i], &req.wait_for, err);
		} else
			r = bad(err, "unknown word", w[i]);
	}
	if (!r && !play_claim(p, &req))
		r = bad(err, "too many claims", w[0]);
	return r;
}

/* ---- Conditions --------------------------------------------------------------------- */

enum truth { NO, YES, NONSENSE };

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
	bad(err, "unknown comparison", op);
	return false;
}

static enum truth compare_size(bl_pages have, char **w, struct bl_err *err)
{
	char text[BL_SIZE_STR];
	bl_pages want;

	if (pages_of(w[1], &want, err))
		return NONSENSE;
	bl_err_set(err, ENOENT, BL_ERR_NONE, "it is %s, %" PRIu64 " pages",
		   bl_pages_format(have, text), have.n);
	return compare(have.n, w[0], want.n, err) ? YES : NO;
}

static enum truth compare_ms(uint64_t have, char **w, struct bl_err *err)
{
	bl_ms want;

	if (ms_of(w[1], &want, err))
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
		bad(err, "no claim", w[0]);
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
	bad(err, "unknown condition of a claim", w[1]);
	return NONSENSE;
}

static enum truth is_state(struct play *p, const struct bl_dom *d, const char *want,
			   struct bl_err *err)
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
		bad(err, d ? "unknown condition of domain" : "no domain", w[0]);
		return d ? NONSENSE : NO;
	}
	if (!strcmp(w[1], "size"))
		return compare_size(d->tot, w + 2, err);
	if (!strcmp(w[1], "target"))
		return compare_size(d->target, w + 2, err);
	if (!strcmp(w[1], "maxmem"))
		return compare_size(d->max_pages, w + 2, err);
	bad(err, "unknown condition of a domain", w[1]);
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
	bad(err, "unknown condition of the host", w[0]);
	return NONSENSE;
}

static enum truth holds(struct play *p, char **w, size_t n, struct bl_err *err)
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
	bad(err, "unknown condition", w[0]);
	return NONSENSE;
}

/* A comparison that makes no sense says so in err->id. */
static enum step_result verdict(enum truth t, const struct bl_err *err)
{
	if (t == NONSENSE || err->id == BL_ERR_INVALID_PARAMS)
		return STEP_BAD;
	return t == YES ? STEP_PASSED : STEP_FAILED;
}

/* Until it holds (or, for always, holds no more) or time is over. */
static enum step_result watch(struct play *p, bool always, char **w, size_t n, struct bl_err *err)
{
	bl_ms span, end;
	enum truth t;

	if (ms_of(w[0], &span, err))
		return STEP_BAD;
	end = bl_ms_add(bl_sim_now(p->sim), span);
	do {
		if (always || bl_sim_now(p->sim).n < end.n)
			play_on(p, end);
		t = holds(p, w + 1, n - 1, err);
		if (t == NONSENSE || err->id == BL_ERR_INVALID_PARAMS || (t == YES) != always)
			break;
	} while (bl_sim_now(p->sim).n < end.n);
	return verdict(t, err);
}

/* ---- Steps --------------------------------------------------------------------------- */

static int simple(struct play *p, char **w, size_t n, struct bl_err *err)
{
	struct bl_claim *c;
	const struct bl_dom *d;
	bl_pages size;

	if (n == 3 && !strcmp(w[0], "config"))
		return config(&p->w.settings, w[1], w[2], err);
	if (n == 4 && !strcmp(w[0], "limit"))
		return limit(p, w[1], w[2], w[3], err);
	if (n >= 3 && !strcmp(w[0], "claim"))
		return claim(p, w + 1, n - 1, err);
	if (n == 2 && !strcmp(w[0], "release")) {
		c = play_live(p, w[1]);
		if (!c)
			return bad(err, "no live claim", w[1]);
		play_release(p, c);
		return 0;
	}
	if ((n == 3 || n == 4) && !strcmp(w[0], "create")) {
		c = n == 4 ? play_live(p, w[3]) : NULL;
		if (n == 4 && !c)
			return bad(err, "no live claim", w[3]);
		return pages_of(w[2], &size, err) ? -EINVAL : play_create(p, w[1], size, c, err);
	}
	d = n >= 2 ? play_dom(p, w[1]) : NULL;
	if (n == 4 && !strcmp(w[0], "sim") && d)
		return bl_sim_set(p->sim, d->domid, w[2], w[3], err);
	if (n == 2 && !strcmp(w[0], "destroy") && d)
		return bl_sim_domain_destroy(p->sim, d->domid);
	return bad(err, "unknown step, or no such domain", w[0]);
}

static int run(struct play *p, const char *span, struct bl_err *err)
{
	bl_ms ms, end;
	int r = ms_of(span, &ms, err);

	if (r)
		return r;
	end = bl_ms_add(bl_sim_now(p->sim), ms);
	while (bl_sim_now(p->sim).n < end.n)
		play_on(p, end);
	return 0;
}

enum step_result step_do(struct play *p, char **w, size_t n, struct bl_err *err)
{
	if (n >= 2 && !strcmp(w[0], "expect"))
		return verdict(holds(p, w + 1, n - 1, err), err);
	if (n >= 3 && !strcmp(w[0], "until"))
		return watch(p, false, w + 1, n - 1, err);
	if (n >= 3 && !strcmp(w[0], "always"))
		return watch(p, true, w + 1, n - 1, err);
	if (n == 2 && !strcmp(w[0], "run"))
		return run(p, w[1], err) ? STEP_BAD : STEP_DONE;
	if (n == 1 && !strcmp(w[0], "restart")) {
		play_restart(p);
		return STEP_DONE;
	}
	if (n == 1 && (!strcmp(w[0], "pause") || !strcmp(w[0], "resume"))) {
		p->w.paused = w[0][0] == 'p';
		play_tick_soon(p);
		return STEP_DONE;
	}
	return simple(p, w, n, err) ? STEP_BAD : STEP_DONE;
}
