/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/config/keys.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define CLIENTS_MAX 65536
/* A tick more often than this would be a busy loop, one a day no balancing. */
#define TICK_MIN BL_MS(100)
#define TICK_MAX BL_MS(3600000)
#define HEADROOM_MAX 1000

struct row {
	const char *section, *key;
	int (*parse)(const char *key, const char *text, void *field, struct bl_err *reterr);
	size_t offset; /* in bd_config, or in bl_override for [domain] */
};

static int parse_share(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return bl_share_parse(key, text, field, reterr);
}

static int parse_size(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	bl_bytes b;
	int r = bl_size_parse(key, text, &b, reterr);

	if (r < 0)
		return r;
	*(bl_pages *)field = bl_pages_from_bytes_ceil(b);
	return 0;
}

static int parse_duration(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return bl_duration_parse(key, text, false, field, reterr);
}

static int parse_duration_or_zero(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return bl_duration_parse(key, text, true, field, reterr);
}

static int parse_tick(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	bl_ms ms;
	int r = bl_duration_parse(key, text, false, &ms, reterr);

	if (r < 0)
		return r;
	if (bl_ms_lt(ms, TICK_MIN) || bl_ms_gt(ms, TICK_MAX))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%s' is not between 100ms and 1h", key, text);
	*(bl_ms *)field = ms;
	return 0;
}

static int parse_headroom(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return bl_percent_parse(key, text, HEADROOM_MAX, field, reterr);
}

static int parse_bound(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	struct bl_bound b = { 0 };
	int r;

	b.is_percent = strchr(text, '%') != NULL;
	r = b.is_percent ? bl_percent_parse(key, text, 100, &b.percent, reterr)
			 : parse_size(key, text, &b.pages, reterr);
	if (r < 0)
		return r;
	*(struct bl_bound *)field = b;
	return 0;
}

/* 1..max, digits only. */
static int parse_number(const char *key, const char *text, unsigned max, unsigned *ret,
			struct bl_err *reterr)
{
	unsigned long n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	if (p == text || *p || n < 1 || n > max)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%s' is not a whole number from 1 to %u", key, text, max);
	*ret = (unsigned)n;
	return 0;
}

static int parse_weight(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return parse_number(key, text, BL_WEIGHT_MAX, field, reterr);
}

static int parse_clients(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return parse_number(key, text, CLIENTS_MAX, field, reterr);
}

/* The index of text in names, which end with NULL. */
static int parse_choice(const char *key, const char *text, const char *const *names, unsigned *ret,
			struct bl_err *reterr)
{
	char all[128] = "";

	for (unsigned i = 0; names[i]; i++) {
		if (!strcmp(text, names[i])) {
			*ret = i;
			return 0;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", names[i]);
	}
	return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%s' is none of: %s", key, text, all);
}

static int parse_flag(const char *key, const char *text, const char *no, const char *yes, void *field,
		      struct bl_err *reterr)
{
	const char *const names[] = { no, yes, NULL };
	unsigned i;
	int r = parse_choice(key, text, names, &i, reterr);

	if (r < 0)
		return r;
	*(bool *)field = i == 1;
	return 0;
}

static int parse_dom0(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return parse_flag(key, text, "ignore", "manage", field, reterr);
}

static int parse_surplus(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	return parse_flag(key, text, "keep", "give", field, reterr);
}

static int parse_policy(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	static const char *const names[] = { [BL_POLICY_DEMAND] = "demand",
					     [BL_POLICY_PROPORTIONAL] = "proportional",
					     [BL_POLICY_STATIC] = "static",
					     NULL };
	unsigned i;
	int r = parse_choice(key, text, names, &i, reterr);

	if (r < 0)
		return r;
	*(enum bl_policy_kind *)field = (enum bl_policy_kind)i;
	return 0;
}

static int parse_mode(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	const char *const names[] = { bl_mode_name(BL_MODE_AUTO), bl_mode_name(BL_MODE_IGNORE), NULL };
	unsigned i;
	int r = parse_choice(key, text, names, &i, reterr);

	if (r < 0)
		return r;
	*(enum bl_mode *)field = i ? BL_MODE_IGNORE : BL_MODE_AUTO;
	return 0;
}

static int parse_group(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	size_t len = strlen(text);

	if (!strcmp(text, "(none)"))
		len = 0;
	else if (!len || len > BD_GROUP_MAX || !bl_text_clean(text, len) || strpbrk(text, " :,"))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%s' is no name of a group",
				  key, text);
	memcpy(field, text, len);
	((char *)field)[len] = '\0';
	return 0;
}

static int parse_listen(const char *key, const char *text, void *field, struct bl_err *reterr)
{
	(void)field;
	if (!strcmp(text, "(off)"))
		return 0;
	return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
			  "%s: '%s': metrics are not supported in this version, "
			  "only (off) is",
			  key, text);
}

#define AT(f) offsetof(struct bd_config, f)
static const struct row rows[] = {
	{ "host", "reserve", parse_share, AT(settings.reserve) },
	{ "host", "dom0", parse_dom0, AT(settings.dom0_manage) },
	{ "host", "dom0-min", parse_size, AT(settings.dom0_min) },
	{ "host", "tick", parse_tick, AT(settings.tick) },
	{ "policy", "kind", parse_policy, AT(settings.policy) },
	{ "policy", "surplus", parse_surplus, AT(settings.surplus_give) },
	{ "policy", "headroom", parse_headroom, AT(settings.headroom) },
	{ "policy", "threshold", parse_size, AT(settings.threshold) },
	{ "policy", "stuck-after", parse_duration, AT(settings.stuck_after) },
	{ "policy", "retry-after", parse_duration, AT(settings.retry_after) },
	{ "policy", "telemetry-stale-after", parse_duration, AT(settings.telemetry_stale_after) },
	{ "policy", "boot-grace", parse_duration_or_zero, AT(settings.boot_grace) },
	{ "defaults", "mode", parse_mode, AT(settings.mode) },
	{ "defaults", "min", parse_bound, AT(settings.min) },
	{ "defaults", "min-with-driver", parse_bound, AT(settings.min_with_driver) },
	{ "defaults", "weight", parse_weight, AT(settings.weight) },
	{ "claims", "wait", parse_duration, AT(settings.wait) },
	{ "claims", "keep-warm", parse_duration_or_zero, AT(settings.keep_warm) },
	{ "claims", "ttl", parse_duration, AT(settings.ttl) },
	{ "claims", "max-ttl", parse_duration, AT(settings.max_ttl) },
	{ "claims", "overhead", parse_share, AT(settings.overhead) },
	{ "control", "group", parse_group, AT(group) },
	{ "control", "viewers", parse_group, AT(viewers) },
	{ "control", "max-clients", parse_clients, AT(max_clients) },
	{ "metrics", "listen", parse_listen, 0 },
};
#undef AT

#define AT(f) offsetof(struct bl_override, f)
static const struct row domain_rows[] = {
	{ "domain", "mode", parse_mode, AT(mode) },
	{ "domain", "min", parse_bound, AT(min) },
	{ "domain", "max", parse_size, AT(max) },
	{ "domain", "weight", parse_weight, AT(weight) },
};
#undef AT
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* NULL unless section is "domain NAME". */
static const char *domain_of(const char *section)
{
	static const char word[] = "domain";
	const char *p = section + sizeof(word) - 1;

	if (strncmp(section, word, sizeof(word) - 1) || (*p != ' ' && *p != '\t'))
		return NULL;
	return p + strspn(p, " \t");
}

static int set_domain_key(struct bd_config *c, const char *name, const char *key, const char *value,
			  struct bl_err *reterr)
{
	const struct row *row = NULL;
	struct bl_config_domain *d;
	struct bl_override *o;
	int r;

	for (size_t i = 0; i < COUNT(domain_rows); i++)
		if (!strcmp(key, domain_rows[i].key))
			row = &domain_rows[i];
	if (!row)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "unknown key '%s' in [domain]",
				  key);
	d = bl_settings_config(&c->settings, name);
	if (!d)
		return bl_err_set(reterr, ENOMEM, BL_ERR_INVALID_PARAMS, "out of memory");
	o = &d->limits;
	r = row->parse(key, value, (char *)o + row->offset, reterr);
	if (r < 0)
		return r;
	o->has_mode |= row->parse == parse_mode;
	o->has_min |= row->parse == parse_bound;
	o->has_max |= row->parse == parse_size;
	o->has_weight |= row->parse == parse_weight;
	if (o->has_min && o->has_max && !o->min.is_percent && bl_pages_gt(o->min.pages, o->max))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%s' makes min larger than max", key, value);
	return 0;
}

int bd_config_set_key(struct bd_config *c, const char *section, const char *key, const char *value,
		      struct bl_err *reterr)
{
	const char *name = domain_of(section);

	if (name)
		return set_domain_key(c, name, key, value, reterr);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].section, section) && !strcmp(rows[i].key, key))
			return rows[i].parse(key, value, (char *)c + rows[i].offset, reterr);
	return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "unknown key '%s' in [%s]", key, section);
}

int bd_config_check_section(char *section, struct bl_err *reterr)
{
	const char *name = domain_of(section);
	size_t len;
	bl_uuid uuid;

	if (name) {
		len = strlen(name);
		if (!len || len > BL_NAME_MAX || !bl_text_clean(name, len))
			return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
					  "[domain] wants a name of 1 to %d bytes without "
					  "control or invisible characters, or a UUID",
					  BL_NAME_MAX);
		if (bl_uuid_parse(name, &uuid))
			bl_uuid_format(&uuid, section + (name - section));
		return 0;
	}
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].section, section))
			return 0;
	return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "unknown section [%s]", section);
}
