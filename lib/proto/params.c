/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/params.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ten thousand years, so that no sum of times wraps. */
#define SECONDS_MAX 3.2e11
/* Far above any host, with room to add sizes. */
#define BYTES_MAX (INT64_C(1) << 62)

/* Checks v and, if dest is not NULL, stores it. Returns NULL, or what the parameter must be. */
typedef const char *decoder(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			    size_t why_size);

static bool is(const struct bl_json *v, enum bl_json_type type)
{
	return bl_json_type(v) == type;
}

static const char *get_bool(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			    size_t why_size)
{
	(void)p, (void)why, (void)why_size;
	if (!is(v, BL_JSON_BOOL))
		return "must be true or false";
	if (dest)
		*(bool *)dest = bl_json_bool(v);
	return NULL;
}

static const char *get_int(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			   size_t why_size)
{
	if (!is(v, BL_JSON_INT) || bl_json_int(v) < p->min || bl_json_int(v) > p->max) {
		snprintf(why, why_size, "must be a whole number from %" PRId64 " to %" PRId64, p->min,
			 p->max);
		return why;
	}
	if (dest)
		*(int64_t *)dest = bl_json_int(v);
	return NULL;
}

static const char *get_pages(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			     size_t why_size)
{
	(void)p, (void)why, (void)why_size;
	if (!is(v, BL_JSON_INT))
		return "must be a whole number of bytes";
	if (bl_json_int(v) <= 0)
		return "must be more than 0 bytes";
	if (bl_json_int(v) > BYTES_MAX)
		return "is more than any host has";
	if (dest)
		*(bl_pages *)dest = bl_pages_from_bytes_ceil(BL_BYTES(bl_json_int(v)));
	return NULL;
}

static const char *get_seconds(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			       size_t why_size)
{
	double s, ms;

	(void)why, (void)why_size;
	if (!is(v, BL_JSON_INT) && !is(v, BL_JSON_REAL))
		return "must be a number of seconds";
	s = bl_json_real(v);
	if (s < 0)
		return "must not be negative";
	if (p->min > 0 && !(s > 0))
		return "must be more than 0 seconds";
	if (s > SECONDS_MAX)
		return "is longer than ten thousand years";
	ms = s * 1000.0;
	if (dest) {
		*(bl_ms *)dest = BL_MS(ms);
		/* Round up, but ignore the rounding error of a decimal fraction. */
		if (ms - (double)(uint64_t)ms > 1e-6)
			((bl_ms *)dest)->n++;
	}
	return NULL;
}

static const char *get_uuid(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			    size_t why_size)
{
	bl_uuid u;
	size_t len;

	(void)p, (void)why, (void)why_size;
	if (!is(v, BL_JSON_STRING) || !bl_uuid_parse(bl_json_string(v, &len), &u) || len != BL_UUID_STR - 1)
		return "must be a UUID (8-4-4-4-12 hexadecimal digits)";
	if (bl_uuid_is_null(&u))
		return "must not be the null UUID";
	if (dest)
		*(bl_uuid *)dest = u;
	return NULL;
}

static const char *get_name(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			    size_t why_size)
{
	const char *s;
	size_t len;

	(void)p;
	if (!is(v, BL_JSON_STRING))
		return "must be a string";
	s = bl_json_string(v, &len);
	if (!len)
		return "must not be empty";
	if (len > BL_NAME_MAX) {
		snprintf(why, why_size, "must be at most %d bytes long", BL_NAME_MAX);
		return why;
	}
	if (!bl_text_clean(s, len))
		return "must not hold control characters, nor invisible ones";
	if (dest)
		memcpy(dest, s, len + 1);
	return NULL;
}

static const char *get_enum(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			    size_t why_size)
{
	size_t used, len = 0;
	const char *s = is(v, BL_JSON_STRING) ? bl_json_string(v, &len) : NULL;

	for (int i = 0; s && strlen(s) == len && p->names[i]; i++) {
		if (!strcmp(p->names[i], s)) {
			if (dest)
				*(int *)dest = i;
			return NULL;
		}
	}
	used = (size_t)snprintf(why, why_size, "must be ");
	for (int i = 0; p->names[i] && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s\"%s\"",
					 !i		   ? ""
					 : p->names[i + 1] ? ", "
							   : " or ",
					 p->names[i]);
	return why;
}

static const char *get_domain(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			      size_t why_size)
{
	if (is(v, BL_JSON_STRING))
		return get_name(p, v, dest, why, why_size);
	if (!is(v, BL_JSON_INT) || bl_json_int(v) < 0 || bl_json_int(v) > UINT32_MAX)
		return "must be a domain's name, UUID or number";
	if (dest)
		snprintf(dest, BL_NAME_MAX + 1, "%" PRId64, bl_json_int(v));
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Checks an array of at most BL_PARAM_ARRAY_MAX different elements, each checked by `one`. An
 * integer is compared as its digits. */
static const char *check_array(const struct bl_param *p, const struct bl_json *v, decoder *one, char *why,
			       size_t why_size)
{
	char numbers[BL_PARAM_ARRAY_MAX][24], clean[BL_NAME_MAX + 1];
	const char *texts[BL_PARAM_ARRAY_MAX], *fault;
	size_t n = bl_json_count(v);

	if (n > BL_PARAM_ARRAY_MAX) {
		snprintf(why, why_size, "must have at most %d elements", BL_PARAM_ARRAY_MAX);
		return why;
	}
	for (size_t i = 0; i < n; i++) {
		const struct bl_json *e = bl_json_at(v, i);

		fault = one(p, e, NULL, why, why_size);
		if (fault)
			return fault;
		texts[i] = is(e, BL_JSON_INT) ? numbers[i] : bl_param_claim_text(e);
		if (is(e, BL_JSON_INT))
			snprintf(numbers[i], sizeof(numbers[i]), "%" PRId64, bl_json_int(e));
	}
	qsort(texts, n, sizeof(texts[0]), by_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(texts[i - 1], texts[i]))
			continue;
		bl_text_sanitize(clean, texts[i], strlen(texts[i]));
		snprintf(why, why_size, "\"%s\" is named twice", clean);
		return why;
	}
	return NULL;
}

static const char *get_domains(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			       size_t why_size)
{
	const char *fault;

	if (!is(v, BL_JSON_ARRAY))
		return "must be an array of domains";
	fault = dest ? NULL : check_array(p, v, get_domain, why, why_size);
	if (!fault && dest)
		*(const struct bl_json **)dest = v;
	return fault;
}

static const char *get_claim(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			     size_t why_size)
{
	(void)p, (void)why, (void)why_size;
	if (!is(v, BL_JSON_STRING))
		return "must be a claim's id";
	if (dest)
		*(const char **)dest = bl_param_claim_text(v);
	return NULL;
}

static const char *get_claims(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			      size_t why_size)
{
	const char *fault;

	if (!is(v, BL_JSON_ARRAY) || !bl_json_count(v))
		return "must be an array of at least one claim's id";
	fault = dest ? NULL : check_array(p, v, get_claim, why, why_size);
	if (!fault && dest)
		*(const struct bl_json **)dest = v;
	return fault;
}

static const char *get_values(const struct bl_param *p, const struct bl_json *v, void *dest, char *why,
			      size_t why_size)
{
	(void)p;
	if (!is(v, BL_JSON_OBJECT) || !bl_json_count(v))
		return "must be an object of at least one string";
	if (bl_json_count(v) > BL_PARAM_ARRAY_MAX) {
		snprintf(why, why_size, "must have at most %d members", BL_PARAM_ARRAY_MAX);
		return why;
	}
	for (size_t i = 0; i < bl_json_count(v); i++) {
		const char *key = bl_json_key(v, i), *s;
		size_t len;

		if (!is(bl_json_at(v, i), BL_JSON_STRING))
			return "must be an object of strings";
		s = bl_json_string(bl_json_at(v, i), &len);
		if (!bl_text_clean(s, len) || !bl_text_clean(key, strlen(key)))
			return "must not hold control characters, nor invisible ones";
	}
	if (dest)
		*(const struct bl_json **)dest = v;
	return NULL;
}

static decoder *const decoders[] = {
	[BL_PARAM_BOOL] = get_bool,	  [BL_PARAM_INT] = get_int,	  [BL_PARAM_PAGES] = get_pages,
	[BL_PARAM_SECONDS] = get_seconds, [BL_PARAM_UUID] = get_uuid,	  [BL_PARAM_NAME] = get_name,
	[BL_PARAM_ENUM] = get_enum,	  [BL_PARAM_DOMAIN] = get_domain, [BL_PARAM_DOMAINS] = get_domains,
	[BL_PARAM_CLAIM] = get_claim,	  [BL_PARAM_CLAIMS] = get_claims, [BL_PARAM_VALUES] = get_values,
};

static const struct bl_param *find(const struct bl_param *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static int check_all(const struct bl_json *params, const struct bl_param *table, size_t n,
		     struct bl_err *reterr)
{
	for (size_t i = 0; i < bl_json_count(params); i++) {
		const char *name = bl_json_key(params, i), *fault;
		const struct bl_param *p = find(table, n, name);
		char why[256];

		if (!p) {
			char clean[BL_NAME_MAX + 1];

			bl_text_sanitize(clean, name, strlen(name));
			return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "unknown parameter \"%s\"",
					  clean);
		}
		fault = decoders[p->kind](p, bl_json_at(params, i), NULL, why, sizeof(why));
		if (fault)
			return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: %s", p->name, fault);
	}
	return 0;
}

int bl_params_decode(const struct bl_json *params, const struct bl_param *table, size_t n, void *dest,
		     struct bl_err *reterr)
{
	int r;

	if (params && !is(params, BL_JSON_OBJECT))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "params must be an object: parameters go by name");
	r = params ? check_all(params, table, n, reterr) : 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (table[i].required && !bl_json_get(params, table[i].name))
			return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: is missing",
					  table[i].name);

	for (size_t i = 0; params && i < bl_json_count(params); i++) {
		const struct bl_param *p = find(table, n, bl_json_key(params, i));
		const char *fault;

		assert(p);
		fault = decoders[p->kind](p, bl_json_at(params, i), (char *)dest + p->at, NULL, 0);
		assert(!fault);
		(void)fault;
		if (p->has != BL_PARAM_NO_HAS)
			*(bool *)((char *)dest + p->has) = true;
	}
	return 0;
}

void bl_param_domain_text(const struct bl_json *v, char ret[BL_NAME_MAX + 1])
{
	const char *fault = get_domain(NULL, v, ret, NULL, 0);

	assert(!fault);
	(void)fault;
}

const char *bl_param_claim_text(const struct bl_json *v)
{
	size_t len;
	const char *s = bl_json_string(v, &len);

	return strlen(s) == len ? s : "";
}
