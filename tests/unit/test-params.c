/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters by table: what is taken, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proto/params.h"

struct all {
	bool flag, has_size, has_wait;
	int64_t n;
	bl_pages size;
	bl_ms wait, ttl;
	bl_uuid uuid;
	char name[BL_NAME_MAX + 1], domain[BL_NAME_MAX + 1];
	int mode;
	const struct bl_json *domains, *claims, *values;
	const char *claim;
};

static const char *const modes[] = { "auto", "manual", "ignore", NULL };

static const struct bl_param table[] = {
	{ BL_PARAM_OPTIONAL(struct all, flag, "flag", BL_PARAM_BOOL) },
	{ BL_PARAM_OPTIONAL(struct all, n, "n", BL_PARAM_INT), .min = 1, .max = 100 },
	{ BL_PARAM_OPTIONAL_HAS(struct all, size, has_size, "size_bytes", BL_PARAM_PAGES) },
	{ BL_PARAM_OPTIONAL_HAS(struct all, wait, has_wait, "wait_seconds", BL_PARAM_SECONDS) },
	{ BL_PARAM_OPTIONAL(struct all, ttl, "ttl_seconds", BL_PARAM_SECONDS), .min = 1 },
	{ BL_PARAM_OPTIONAL(struct all, uuid, "uuid", BL_PARAM_UUID) },
	{ BL_PARAM_OPTIONAL(struct all, name, "name", BL_PARAM_NAME) },
	{ BL_PARAM_OPTIONAL(struct all, domain, "domain", BL_PARAM_DOMAIN) },
	{ BL_PARAM_OPTIONAL(struct all, mode, "mode", BL_PARAM_ENUM), .names = modes },
	{ BL_PARAM_OPTIONAL(struct all, domains, "domains", BL_PARAM_DOMAINS) },
	{ BL_PARAM_OPTIONAL(struct all, claim, "claim", BL_PARAM_CLAIM) },
	{ BL_PARAM_OPTIONAL(struct all, claims, "ids", BL_PARAM_CLAIMS) },
	{ BL_PARAM_OPTIONAL(struct all, values, "values", BL_PARAM_VALUES) },
};
#define N_TABLE (sizeof(table) / sizeof(table[0]))

static struct bl_json *parse(const char *text)
{
	struct bl_json *v = NULL;
	struct bl_err err;

	if (bl_json_parse(text, strlen(text), &v, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

static void takes_all_kinds(void **state)
{
	struct bl_json *v = parse(
		"{\"flag\":true,\"n\":100,\"size_bytes\":4097,\"wait_seconds\":0.1,\"ttl_seconds\":600,"
		"\"uuid\":\"01234567-89ab-cdef-0123-456789ABCDEF\",\"name\":\"w\xc3\xa4\",\"domain\":7,"
		"\"mode\":\"ignore\",\"domains\":[\"a\",0],\"claim\":\"\\u0007?\",\"ids\":[\"x\"],"
		"\"values\":{\"rate\":\"400M\"}}");
	struct all a = { 0 };
	struct bl_err err;
	char text[BL_NAME_MAX + 1];

	(void)state;
	if (bl_params_decode(v, table, N_TABLE, &a, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(a.flag);
	assert_int_equal(a.n, 100);
	assert_int_equal(a.size.n, 2);
	assert_true(a.has_size && a.has_wait);
	assert_int_equal(a.wait.n, 100);
	assert_int_equal(a.ttl.n, 600000);
	assert_int_equal(a.uuid.b[15], 0xef);
	assert_string_equal(a.name, "w\xc3\xa4");
	assert_string_equal(a.domain, "7");
	assert_int_equal(a.mode, 2);
	bl_param_domain_text(bl_json_at(a.domains, 1), text);
	assert_string_equal(text, "0");
	assert_string_equal(a.claim, "\a?");
	assert_string_equal(bl_param_claim_text(bl_json_at(a.claims, 0)), "x");
	assert_string_equal(bl_json_string(bl_json_get(a.values, "rate"), NULL), "400M");
	bl_json_free(v);
}

/* A name that ends in a NUL is not the name before it. */
static void nul_names_nothing(void **state)
{
	struct bl_json *v = parse("{\"claim\":\"ab\\u0000\"}");
	struct all a = { 0 };

	(void)state;
	assert_int_equal(bl_params_decode(v, table, N_TABLE, &a, NULL), 0);
	assert_string_equal(a.claim, "");
	bl_json_free(v);
}

static void defaults_stay(void **state)
{
	struct all a = { .n = 42, .mode = 1 };
	struct bl_json *v = parse("{}");

	(void)state;
	assert_int_equal(bl_params_decode(NULL, table, N_TABLE, &a, NULL), 0);
	assert_int_equal(bl_params_decode(v, table, N_TABLE, &a, NULL), 0);
	assert_int_equal(a.n, 42);
	assert_int_equal(a.mode, 1);
	assert_false(a.has_size);
	bl_json_free(v);
}

static void refuses_and_says_why(void **state)
{
	static const struct {
		const char *params, *says;
	} rows[] = {
		{ "[]", "params must be an object" },
		{ "null", "params must be an object" },
		{ "\"x\"", "params must be an object" },
		{ "{\"sise\":1}", "unknown parameter \"sise\"" },
		{ "{\"a\\nb\":1}", "unknown parameter \"a?b\"" },
		{ "{\"flag\":1}", "flag: must be true or false" },
		{ "{\"flag\":null}", "flag: must be true or false" },
		{ "{\"n\":0}", "n: must be a whole number from 1 to 100" },
		{ "{\"n\":101}", "n: must be a whole number from 1 to 100" },
		{ "{\"n\":5.0}", "n: must be a whole number from 1 to 100" },
		{ "{\"n\":\"5\"}", "n: must be a whole number from 1 to 100" },
		{ "{\"size_bytes\":0}", "size_bytes: must be more than 0 bytes" },
		{ "{\"size_bytes\":-4096}", "size_bytes: must be more than 0 bytes" },
		{ "{\"size_bytes\":1e9}", "size_bytes: must be a whole number of bytes" },
		{ "{\"size_bytes\":4096.5}", "size_bytes: must be a whole number of bytes" },
		{ "{\"size_bytes\":\"1G\"}", "size_bytes: must be a whole number of bytes" },
		{ "{\"size_bytes\":9223372036854775807}", "size_bytes: is more than any host has" },
		{ "{\"wait_seconds\":-0.5}", "wait_seconds: must not be negative" },
		{ "{\"wait_seconds\":\"10s\"}", "wait_seconds: must be a number of seconds" },
		{ "{\"wait_seconds\":1e300}", "wait_seconds: is longer than" },
		{ "{\"ttl_seconds\":0}", "ttl_seconds: must be more than 0 seconds" },
		{ "{\"uuid\":\"x\"}", "uuid: must be a UUID" },
		{ "{\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\\u0000\"}", "uuid: must be a UUID" },
		{ "{\"uuid\":\"00000000-0000-0000-0000-000000000000\"}", "uuid: must not be the null UUID" },
		{ "{\"uuid\":5}", "uuid: must be a UUID" },
		{ "{\"name\":\"\"}", "name: must not be empty" },
		{ "{\"name\":7}", "name: must be a string" },
		{ "{\"name\":\"a\\u001b[1m\"}",
		  "name: must not hold control characters, nor invisible ones" },
		{ "{\"name\":\"a\\u0000\"}", "name: must not hold control characters, nor invisible ones" },
		{ "{\"name\":\"a\\u0085b\"}", "name: must not hold control characters, nor invisible ones" },
		{ "{\"name\":\"a\\u202eb\"}", "name: must not hold control characters, nor invisible ones" },
		{ "{\"name\":\"web\\u200b\"}",
		  "name: must not hold control characters, nor invisible ones" },
		{ "{\"domain\":-1}", "domain: must be a domain's name, UUID or number" },
		{ "{\"domain\":4294967296}", "domain: must be a domain's name, UUID or number" },
		{ "{\"domain\":1.0}", "domain: must be a domain's name, UUID or number" },
		{ "{\"domain\":\"a\\tb\"}", "domain: must not hold control characters, nor invisible ones" },
		{ "{\"mode\":\"Auto\"}", "mode: must be \"auto\", \"manual\" or \"ignore\"" },
		{ "{\"mode\":\"auto\\u0000\"}", "mode: must be \"auto\"" },
		{ "{\"mode\":0}", "mode: must be \"auto\"" },
		{ "{\"domains\":\"a\"}", "domains: must be an array of domains" },
		{ "{\"domains\":[\"a\",[]]}", "domains: must be a domain's name" },
		{ "{\"claim\":5}", "claim: must be a claim's id" },
		{ "{\"domains\":[\"a\",\"b\",\"a\"]}", "domains: \"a\" is named twice" },
		{ "{\"domains\":[\"7\",\"b\",7]}", "domains: \"7\" is named twice" },
		{ "{\"ids\":[\"a\",\"a\"]}", "ids: \"a\" is named twice" },
		{ "{\"ids\":[\"\\u001b[\",\"\\u001b[\"]}", "ids: \"?[\" is named twice" },
		{ "{\"ids\":[]}", "ids: must be an array of at least one claim's id" },
		{ "{\"ids\":[null]}", "ids: must be a claim's id" },
		{ "{\"values\":{}}", "values: must be an object of at least one string" },
		{ "{\"values\":{\"rate\":4}}", "values: must be an object of strings" },
		{ "{\"values\":{\"rate\":\"1\\n[host]\"}}",
		  "values: must not hold control characters, nor invisible ones" },
		{ "{\"n\":1,\"size_bytes\":4096,\"flag\":2}", "flag: must be true or false" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bl_json *v = parse(rows[i].params);
		struct all a, before;
		struct bl_err err = { 0 };

		memset(&a, 0x5a, sizeof(a));
		before = a;
		if (bl_params_decode(v, table, N_TABLE, &a, &err) != -EINVAL)
			fail_msg("taken: %s", rows[i].params);
		if (strncmp(err.msg, rows[i].says, strlen(rows[i].says)))
			fail_msg("%s: says \"%s\"", rows[i].params, err.msg);
		assert_int_equal(err.id, BL_ERR_INVALID_PARAMS);
		assert_memory_equal(&a, &before, sizeof(a));
		bl_json_free(v);
	}
}

static void refuses_long_names(void **state)
{
	char text[300];
	struct bl_json *v;
	struct all a = { 0 };
	struct bl_err err;

	(void)state;
	for (int n = BL_NAME_MAX; n <= BL_NAME_MAX + 1; n++) {
		snprintf(text, sizeof(text), "{\"name\":\"%0*d\"}", n, 0);
		v = parse(text);
		assert_int_equal(bl_params_decode(v, table, N_TABLE, &a, &err),
				 n == BL_NAME_MAX ? 0 : -EINVAL);
		bl_json_free(v);
	}
	assert_string_equal(err.msg, "name: must be at most 127 bytes long");
}

/* An array of n numbers with what stands before and after each, or an object of as many. */
static struct bl_json *many(const char *name, const char *open, const char *before, const char *after, int n)
{
	static char text[64 * 1024];
	size_t used = (size_t)snprintf(text, sizeof(text), "{\"%s\":%c", name, open[0]);

	for (int i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%d%s", i ? "," : "", before,
					 i, after);
	snprintf(text + used, sizeof(text) - used, "%c}", open[1]);
	return parse(text);
}

static void arrays_are_bounded(void **state)
{
	static const struct {
		const char *name, *open, *before, *after, *says;
	} rows[] = {
		{ "domains", "[]", "", "", "domains: must have at most 256 elements" },
		{ "domains", "[]", "\"g", "\"", "domains: must have at most 256 elements" },
		{ "ids", "[]", "\"c", "\"", "ids: must have at most 256 elements" },
		{ "values", "{}", "\"k", "\":\"v\"", "values: must have at most 256 members" },
	};
	struct bl_err err;
	struct all a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int n = BL_PARAM_ARRAY_MAX; n <= BL_PARAM_ARRAY_MAX + 1; n++) {
			struct bl_json *v = many(rows[i].name, rows[i].open, rows[i].before, rows[i].after,
						 n);

			assert_int_equal(bl_params_decode(v, table, N_TABLE, &a, &err),
					 n == BL_PARAM_ARRAY_MAX ? 0 : -EINVAL);
			bl_json_free(v);
		}
		assert_string_equal(err.msg, rows[i].says);
	}
}

static void says_what_is_missing(void **state)
{
	static const struct bl_param one[] = {
		{ BL_PARAM_REQUIRED(struct all, size, "size_bytes", BL_PARAM_PAGES) },
	};
	struct all a;
	struct bl_err err;

	(void)state;
	assert_int_equal(bl_params_decode(NULL, one, 1, &a, &err), -EINVAL);
	assert_string_equal(err.msg, "size_bytes: is missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_kinds),	cmocka_unit_test(nul_names_nothing),
		cmocka_unit_test(defaults_stay),	cmocka_unit_test(refuses_and_says_why),
		cmocka_unit_test(refuses_long_names),	cmocka_unit_test(arrays_are_bounded),
		cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
