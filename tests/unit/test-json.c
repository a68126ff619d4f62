/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON as strangers send it, and as strangers must be able to read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proto/json.h"

static struct bl_json *parse(const char *text)
{
	struct bl_json *v = NULL;
	struct bl_err err;

	if (bl_json_parse(text, strlen(text), &v, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	return v;
}

static void refuses_what_is_wrong(void **state)
{
	/* what is sent, and what the message must say */
	static const struct {
		const char *text;
		size_t len; /* 0: of the string */
		const char *says;
	} rows[] = {
		{ "", 0, "not JSON" },
		{ " ", 0, "not JSON" },
		{ "{", 0, "not JSON" },
		{ "[1,]", 0, "not JSON" },
		{ "{\"a\":1,}", 0, "not JSON" },
		{ "{a:1}", 0, "not JSON" },
		{ "nul", 0, "not JSON" },
		{ "1 2", 0, "not JSON" },
		{ "{} {}", 0, "not JSON" },
		{ "{}x", 0, "not JSON" },
		{ "01", 0, "not JSON" },
		{ "1.", 0, "not JSON" },
		{ "+1", 0, "not JSON" },
		{ "NaN", 0, "not JSON" },
		{ "/* */1", 0, "not JSON" },
		{ "\"a\nb\"", 0, "not JSON" },
		{ "\"\\x\"", 0, "not JSON" },
		{ "1\0", 2, "not JSON" },
		{ "9223372036854775808", 0, "64 bits" },
		{ "-9223372036854775809", 0, "64 bits" },
		{ "18446744073709551616", 0, "64 bits" },
		{ "1e999", 0, "64 bits" },
		{ "{\"a\":1,\"a\":1}", 0, "\"a\" is given twice" },
		{ "{\"a\":1,\"b\":2,\"c\":[{\"x\":1,\"\\u0078\":2}]}", 0, "\"x\" is given twice" },
		{ "{\"a\\u0000b\":1}", 0, "NUL" },
		{ "\"\xff\"", 0, "UTF" },
		{ "\"\xc0\x80\"", 0, "UTF" },	      /* overlong */
		{ "\"\xed\xa0\x80\"", 0, "UTF" },     /* surrogate */
		{ "\"\xf5\x80\x80\x80\"", 0, "UTF" }, /* beyond Unicode */
		{ "{\"\xe2\x82\":1}", 0, "UTF" },
		{ "\"\\ud800\"", 0, "surrogate" },
		{ "\"\\udc00\"", 0, "surrogate" },
		{ "\"\\ud83d\\u0041\"", 0, "surrogate" },
		{ "\"\\ud83d", 0, "surrogate" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 0, "too deep" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].text);
		struct bl_json *v = (struct bl_json *)(uintptr_t)1;
		struct bl_err err = { 0 };

		if (bl_json_parse(rows[i].text, len, &v, &err) != -EINVAL)
			fail_msg("taken: %s", rows[i].text);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: says \"%s\", not \"%s\"", rows[i].text, err.msg, rows[i].says);
		assert_int_equal(err.id, BL_ERR_INVALID_PARAMS);
		assert_ptr_equal(v, (struct bl_json *)(uintptr_t)1);
	}
}

static void takes_what_is_right(void **state)
{
	static const char *const rows[] = {
		" {} ",
		"[]",
		"null",
		"true",
		"-0",
		"0",
		"\"\"",
		"9223372036854775807",
		"-9223372036854775808",
		"1e3",
		"1.5",
		"\"\\\\u\"",
		"\"\\\\ud800\"",
		"\"\\ud83d\\ude00\"",
		"{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
		"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bl_json_free(parse(rows[i]));
}

static void values_are_what_was_sent(void **state)
{
	struct bl_json *v = parse("{\"i\":-7,\"r\":1e3,\"s\":\"a\\u0000b\",\"t\":true,\"n\":null,"
				  "\"a\":[1,\"x\",[]],\"o\":{\"k\":1.25}}");
	size_t len = 0;

	(void)state;
	assert_int_equal(bl_json_type(v), BL_JSON_OBJECT);
	assert_int_equal(bl_json_count(v), 7);
	assert_int_equal(bl_json_int(bl_json_get(v, "i")), -7);
	assert_int_equal(bl_json_type(bl_json_get(v, "r")), BL_JSON_REAL);
	assert_true(fabs(bl_json_real(bl_json_get(v, "r")) - 1000.0) < 1e-9);
	assert_string_equal(bl_json_string(bl_json_get(v, "s"), &len), "a");
	assert_int_equal(len, 3);
	assert_true(bl_json_bool(bl_json_get(v, "t")));
	assert_int_equal(bl_json_type(bl_json_get(v, "n")), BL_JSON_NULL);
	assert_int_equal(bl_json_count(bl_json_get(v, "a")), 3);
	assert_string_equal(bl_json_string(bl_json_at(bl_json_get(v, "a"), 1), NULL), "x");
	assert_string_equal(bl_json_key(v, 6), "o");
	assert_true(fabs(bl_json_real(bl_json_get(bl_json_get(v, "o"), "k")) - 1.25) < 1e-9);
	assert_null(bl_json_get(v, "missing"));
	assert_null(bl_json_get(bl_json_get(v, "i"), "k"));
	assert_null(bl_json_get(NULL, "k"));
	bl_json_free(v);
	bl_json_free(NULL);
}

static void nested_without_harm(void **state)
{
	static const char openers[] = "[{";

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		size_t n = 100000, unit = k ? 5 : 1;
		char *text = malloc(n * unit);
		struct bl_json *v;
		struct bl_err err;

		assert_non_null(text);
		for (size_t i = 0; i < n; i++)
			memcpy(text + i * unit, k ? "{\"a\":" : &openers[0], unit);
		assert_int_equal(bl_json_parse(text, n * unit, &v, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "too deep"));
		free(text);
	}
}

/* As many members as a request can hold: still only one answer, at once. */
static void many_members(void **state)
{
	char *text = malloc(200000);
	size_t len = 1;
	struct bl_json *v;
	struct bl_err err;

	(void)state;
	assert_non_null(text);
	text[0] = '{';
	for (int i = 0; i < 8000; i++)
		len += (size_t)sprintf(text + len, "%s\"%x\":0", i ? "," : "", i);
	memcpy(text + len, "}", 2);
	v = parse(text);
	assert_int_equal(bl_json_count(v), 8000);
	bl_json_free(v);
	strcpy(text + len, ",\"7\":0}");
	assert_int_equal(bl_json_parse(text, strlen(text), &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "\"7\" is given twice"));
	free(text);
}

static void written(struct bl_json_out *o, const char *want)
{
	const char *text = NULL;
	size_t len = 0;

	assert_int_equal(bl_json_out_end(o, &text, &len), 0);
	assert_string_equal(text, want);
	assert_int_equal(len, strlen(want));
}

static void writes_all_kinds(void **state)
{
	struct bl_json_out *o = bl_json_out_new();
	struct bl_json *copy = parse("{\"x\":[1.50,1e3,-3,\"\\n\\u0000\",null,false,{}]}");

	(void)state;
	assert_non_null(o);
	for (int round = 0; round < 2; round++) { /* the second time after a clear */
		bl_json_out_clear(o);
		bl_json_object(o, NULL);
		bl_json_put_null(o, "n");
		bl_json_put_bool(o, "b", true);
		bl_json_put_int(o, "i", INT64_MIN);
		bl_json_put_uint(o, "u", UINT64_MAX);
		bl_json_put_real(o, "r", 0.1);
		bl_json_put_real(o, "z", 0.0);
		bl_json_put_string(o, "s", "q\"\\/\n\x01\xc3\xa4");
		bl_json_put_string(o, "no", NULL);
		bl_json_array(o, "a");
		bl_json_put_int(o, NULL, 1);
		bl_json_array_end(o);
		bl_json_put_value(o, "c", copy);
		bl_json_object_end(o);
		written(o, "{\"n\":null,\"b\":true,\"i\":-9223372036854775808,"
			   "\"u\":9223372036854775807,\"r\":0.1,\"z\":0,"
			   "\"s\":\"q\\\"\\\\/\\n\\u0001\xc3\xa4\",\"no\":null,\"a\":[1],"
			   "\"c\":{\"x\":[1.50,1e3,-3,\"\\n\\u0000\",null,false,{}]}}");
	}
	bl_json_free(copy);
	bl_json_out_free(o);
}

static void errors_stick(void **state)
{
	struct bl_json_out *o = bl_json_out_new();
	const char *text;
	size_t len;

	(void)state;
	bl_json_object(o, NULL);
	bl_json_put_string(o, "s", "\xff");
	bl_json_put_int(o, "i", 1);
	bl_json_object_end(o);
	assert_int_equal(bl_json_out_end(o, &text, &len), -EILSEQ);

	bl_json_out_clear(o);
	bl_json_array(o, NULL);
	bl_json_put_real(o, NULL, nan(""));
	bl_json_array_end(o);
	assert_int_equal(bl_json_out_end(o, &text, &len), -EDOM);

	bl_json_out_clear(o); /* an object that was never closed */
	bl_json_object(o, NULL);
	assert_int_equal(bl_json_out_end_line(o, &text, &len), -EINVAL);

	bl_json_out_clear(o); /* and after all that it still works */
	bl_json_put_int(o, NULL, 5);
	assert_int_equal(bl_json_out_end_line(o, &text, &len), 0);
	assert_string_equal(text, "5\n");
	assert_int_equal(len, 2);
	bl_json_out_free(o);
	bl_json_out_free(NULL);
}

/* A program that writes 1,5 for itself still speaks JSON. */
static void any_locale(void **state)
{
	struct bl_json_out *o;
	struct bl_json *v;

	(void)state;
	assert_string_equal(localeconv()->decimal_point, ",");
	o = bl_json_out_new();
	v = parse("1.5");
	bl_json_put_real(o, NULL, bl_json_real(v));
	written(o, "1.5");
	bl_json_free(v);
	bl_json_out_free(o);
	setlocale(LC_NUMERIC, "C");
}

static bool comma_locale(void)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (setlocale(LC_NUMERIC, names[i]))
			return true;
	return false;
}

static void scrubs_for_a_terminal(void **state)
{
	struct bl_json *v = parse("{\"na\\u202eme\":\"a\\u001b[1m\\u0000b\",\"n\":1.50,"
				  "\"list\":[\"\\u200bweb\",{\"x\":\"\xc3\xa9\\ufeff\"},null]}");
	size_t len;

	(void)state;
	bl_json_scrub(v);
	assert_string_equal(bl_json_string(bl_json_get(v, "na?me"), &len), "a?[1m?b");
	assert_int_equal(len, 7);
	assert_string_equal(bl_json_string(bl_json_at(bl_json_get(v, "list"), 0), NULL), "?web");
	assert_string_equal(bl_json_string(bl_json_get(bl_json_at(bl_json_get(v, "list"), 1), "x"), NULL),
			    "\xc3\xa9?");
	assert_true(bl_json_real(bl_json_get(v, "n")) == 1.5);
	bl_json_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(takes_what_is_right),
		cmocka_unit_test(values_are_what_was_sent),
		cmocka_unit_test(nested_without_harm),
		cmocka_unit_test(many_members),
		cmocka_unit_test(writes_all_kinds),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(scrubs_for_a_terminal),
		cmocka_unit_test(any_locale), /* the last: left out where it cannot run */
	};
	size_t n = sizeof(tests) / sizeof(tests[0]);

	if (!comma_locale()) {
		n--;
		printf("# left out: any_locale (no locale with a decimal comma is installed)\n");
	}
	return _cmocka_run_group_tests("json", tests, n, NULL, NULL);
}
