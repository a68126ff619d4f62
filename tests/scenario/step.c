/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenario/condition.h"
#include "tests/scenario/value.h"

/* Lines of a world and of a program have one word for each of a few values. */
static int one_of(const char *text, const char *const *names, size_t n, unsigned *ret, struct bl_err *err)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(text, names[i])) {
			*ret = i;
			return 0;
		}
	return value_bad(err, "unknown value", text);
}

#define ONE_OF(text, ret, err, ...)                                                                         \
	one_of(text, (const char *const[]){ __VA_ARGS__ },                                                  \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), ret, err)

/* ---- config, limit ----------------------------------------------------------------- */

static int config_choice(struct bl_settings *s, const char *key, const char *value, struct bl_err *err)
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
		r = value_bad(err, "unknown key", key);
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
		{ "keep-warm", &s->keep_warm, NULL, NULL },
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
			return value_ms(value, keys[i].ms, err);
		return keys[i].pages ? value_pages(value, keys[i].pages, err)
				     : bl_share_parse(key, value, keys[i].share, err);
	}
	return config_choice(s, key, value, err);
}

static int limit(struct play *p, const char *name, const char *key, const char *value, struct bl_err *err)
{
	const struct bl_dom *d = play_dom(p, name);
	struct bl_dom_record *m = d ? bl_settings_remember(&p->w.settings, &d->uuid) : NULL;
	unsigned mode = 0;
	int r;

	if (!m)
		return value_bad(err, "no such domain", name);
	if (!strcmp(key, "min")) {
		m->set.min = (struct bl_bound){ 0 };
		m->set.has_min = true;
		r = value_pages(value, &m->set.min.pages, err);
	} else if (!strcmp(key, "max")) {
		m->set.has_max = true;
		r = value_pages(value, &m->set.max, err);
	} else if (!strcmp(key, "weight")) {
		m->set.has_weight = true;
		m->set.weight = (uint32_t)strtoul(value, NULL, 10);
		r = m->set.weight ? 0 : value_bad(err, "no weight", value);
	} else if (!strcmp(key, "mode")) {
		r = ONE_OF(value, &mode, err, "auto", "manual", "ignore");
		m->set.has_mode = true;
		m->set.mode = (enum bl_mode)mode;
		if (!r && mode == BL_MODE_AUTO) {
			m->external = false;
			bl_sim_adopt(p->sim, d->domid);
		}
	} else {
		r = value_bad(err, "unknown key", key);
	}
	play_tick_soon(p);
	return r;
}

/* ---- claim ------------------------------------------------------------------------- */

static int claim(struct play *p, char **w, size_t n, struct bl_err *err)
{
	struct play_claim req = { .name = w[0], .overhead = BL_PAGES(UINT64_MAX) };
	int r = value_pages(w[1], &req.size, err);

	for (size_t i = 2; !r && i < n; i++) {
		if (!strcmp(w[i], "no-wait"))
			req.wait = PLAY_NO_WAIT;
		else if (!strcmp(w[i], "now"))
			req.wait = PLAY_NOW;
		else if (i + 1 == n)
			r = value_bad(err, "no value for", w[i]);
		else if (!strcmp(w[i], "min"))
			r = value_pages(w[++i], &req.min, err);
		else if (!strcmp(w[i], "overhead"))
			r = value_pages(w[++i], &req.overhead, err);
		else if (!strcmp(w[i], "ttl"))
			r = value_ms(w[++i], &req.ttl, err);
		else if (!strcmp(w[i], "wait")) {
			req.wait = PLAY_WAIT;
			r = value_ms(w[++i], &req.wait_for, err);
		} else
			r = value_bad(err, "unknown word", w[i]);
	}
	if (!r && !play_claim(p, &req))
		r = value_bad(err, "too many claims", w[0]);
	return r;
}

/* ---- Watching ----------------------------------------------------------------------- */

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

	if (value_ms(w[0], &span, err))
		return STEP_BAD;
	end = bl_ms_add(bl_sim_now(p->sim), span);
	do {
		if (always || bl_sim_now(p->sim).n < end.n)
			play_on(p, end);
		t = condition_holds(p, w + 1, n - 1, err);
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
			return value_bad(err, "no live claim", w[1]);
		play_release(p, c);
		return 0;
	}
	if ((n == 3 || n == 4) && !strcmp(w[0], "create")) {
		c = n == 4 ? play_live(p, w[3]) : NULL;
		if (n == 4 && !c)
			return value_bad(err, "no live claim", w[3]);
		return value_pages(w[2], &size, err) ? -EINVAL : play_create(p, w[1], size, c, err);
	}
	d = n >= 2 ? play_dom(p, w[1]) : NULL;
	if (n == 4 && !strcmp(w[0], "sim") && d)
		return bl_sim_set(p->sim, d->domid, w[2], w[3], err);
	if (n == 2 && !strcmp(w[0], "destroy") && d)
		return bl_sim_domain_destroy(p->sim, d->domid);
	return value_bad(err, "unknown step, or no such domain", w[0]);
}

static int run(struct play *p, const char *span, struct bl_err *err)
{
	bl_ms ms, end;
	int r = value_ms(span, &ms, err);

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
		return verdict(condition_holds(p, w + 1, n - 1, err), err);
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
