/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes, durations and shares as people write them, and what they are told
 * when they write something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/size.h"
#include "lib/core/text.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

struct row {
	const char *text;
	uint64_t value;
	const char *says; /* NULL: it is fine */
};

/* A refusal names the argument, quotes what was given, says what is wrong, and
 * leaves the value alone. */
static void check(const struct row *row, int r, uint64_t got, const struct bl_err *err)
{
	if (!row->says) {
		if (r)
			fail_msg("'%s' refused: %s", row->text, err->msg);
		if (got != row->value)
			fail_msg("'%s' is %llu, not %llu", row->text, (unsigned long long)got,
				 (unsigned long long)row->value);
		return;
	}
	if (r != -EINVAL)
		fail_msg("'%s' taken for %llu", row->text, (unsigned long long)got);
	assert_int_equal(got, 77);
	assert_int_equal(err->errnum, EINVAL);
	assert_int_equal(err->id, BL_ERR_INVALID_PARAMS);
	if (strncmp(err->msg, "--it: ", 6) || !strstr(err->msg, row->says) || strchr(err->msg, '\n'))
		fail_msg("'%s' is answered: %s", row->text, err->msg);
	if (*row->text && strlen(row->text) < 20 && !strstr(err->msg, row->text))
		fail_msg("'%s' is not quoted: %s", row->text, err->msg);
}

static void sizes(void **state)
{
	static const struct row rows[] = {
		{ "1K", KIB, NULL },
		{ "4096k", 4 * MIB, NULL },
		{ "512M", 512 * MIB, NULL },
		{ "512MiB", 512 * MIB, NULL },
		{ "512mib", 512 * MIB, NULL },
		{ "512MIB", 512 * MIB, NULL },
		{ "1.5G", 3 * GIB / 2, NULL },
		{ "0.5g", GIB / 2, NULL },
		{ "2T", 2 * TIB, NULL },
		{ "0.0009765625K", 1, NULL },
		{ "001K", KIB, NULL },
		{ "1.50000000000000000000G", 3 * GIB / 2, NULL },
		{ "8388607T", 8388607 * TIB, NULL },
		{ "0", 0, "no unit" },
		{ "0M", 0, "is zero" },
		{ "0.0G", 0, "is zero" },
		{ "-1G", 0, "has a sign" },
		{ "+1G", 0, "has a sign" },
		{ "-0", 0, "has a sign" },
		{ "4", 0, "no unit" },
		{ "1.5", 0, "no unit" },
		{ "1e3G", 0, "'e3G' is no unit" },
		{ "0x10M", 0, "is no unit" },
		{ "99999999T", 0, "too large" },
		{ "8388608T", 0, "too large" },
		{ "99999999999999999999999999999K", 0, "too large" },
		{ "", 0, "empty" },
		{ " 1G", 0, "is not a size" },
		{ "1G ", 0, "is no unit" },
		{ "1 G", 0, "is no unit" },
		{ "1.0000001K", 0, "whole number of bytes" },
		{ "0.00000001K", 0, "whole number of bytes" },
		{ "0.3333333333333333333333333333333333K", 0, "whole number of bytes" },
		{ "1.00000000000000000000000000000000001T", 0, "whole number of bytes" },
		{ "G", 0, "is not a size" },
		{ ".5G", 0, "is not a size" },
		{ "5.G", 0, "is not a size" },
		{ "1.2.3G", 0, "is no unit" },
		{ "1,5G", 0, "is no unit" },
		{ "1GG", 0, "is no unit" },
		{ "1Gi", 0, "is no unit" },
		{ "1GB", 0, "is no unit" },
		{ "1B", 0, "is no unit" },
		{ "1P", 0, "is no unit" },
		{ "1%", 0, "is no unit" },
		{ "11111111111111111111111111111111111111111K", 0, "is not a size" },
		{ "nan", 0, "is not a size" },
		{ "infG", 0, "is not a size" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		bl_bytes v = BL_BYTES(77);
		struct bl_err err = { 0 };
		int r = bl_size_parse("--it", rows[i].text, &v, &err);

		check(&rows[i], r, v.n, &err);
		/* nobody has to ask why */
		assert_int_equal(bl_size_parse("--it", rows[i].text, &v, NULL), r);
	}
}

/* What was written is quoted, but never more than one line of clean text. */
static void quotes_cleanly(void **state)
{
	static const char *const rows[][2] = {
		{ "\n1G", "'?1G'" },
		{ "\x1b[31m1G", "'?[31m1G'" },
		{ "1G\xff", "'1G?'" },
		/* cut after 64 bytes, in the middle of a character */
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xa9",
		  "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx?'" },
		{ "5\xe2\x82\xac", "'5\xe2\x82\xac'" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct bl_err err = { 0 };
		bl_bytes v;

		assert_int_equal(bl_size_parse("--it", rows[i][0], &v, &err), -EINVAL);
		if (!strstr(err.msg, rows[i][1]) || !bl_text_clean(err.msg, strlen(err.msg)))
			fail_msg("row %zu is answered: %s", i, err.msg);
	}
}

static void durations(void **state)
{
	static const struct row rows[] = {
		{ "500ms", 500, NULL },
		{ "10s", 10000, NULL },
		{ "1.5s", 1500, NULL },
		{ "5m", 300000, NULL },
		{ "2h", 7200000, NULL },
		{ "0.001s", 1, NULL },
		{ "9223372036854775807ms", INT64_MAX, NULL },
		{ "0s", 0, "is zero" },
		{ "0ms", 0, "is zero" },
		{ "", 0, "is not a duration" },
		{ "-1s", 0, "is not a duration" },
		{ "s", 0, "is not a duration" },
		{ "10", 0, "no unit of time" },
		{ "10S", 0, "no unit of time" },
		{ "10 s", 0, "no unit of time" },
		{ "1d", 0, "no unit of time" },
		{ "1e3s", 0, "no unit of time" },
		{ "0.5ms", 0, "finer than a millisecond" },
		{ "0.0001s", 0, "finer than a millisecond" },
		{ "9223372036854775808ms", 0, "too long" },
		{ "99999999999999999999h", 0, "too long" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		bl_ms v = BL_MS(77);
		struct bl_err err = { 0 };
		int r = bl_duration_parse("--it", rows[i].text, false, &v, &err);

		check(&rows[i], r, v.n, &err);
	}
	{
		bl_ms v = BL_MS(77);

		assert_int_equal(bl_duration_parse("--it", "0s", true, &v, NULL), 0);
		assert_int_equal(v.n, 0);
	}
}

static void percents(void **state)
{
	static const struct row rows[] = {
		{ "0%", 0, NULL },
		{ "20%", 20, NULL },
		{ "100%", 100, NULL },
		{ "101%", 0, "more than 100%" },
		{ "999999%", 0, "more than 100%" },
		{ "4294967297%", 0, "whole percentage" },
		{ "", 0, "whole percentage" },
		{ "%", 0, "whole percentage" },
		{ "20", 0, "whole percentage" },
		{ "-1%", 0, "whole percentage" },
		{ "1.5%", 0, "whole percentage" },
		{ "20%%", 0, "whole percentage" },
		{ " 20%", 0, "whole percentage" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		uint32_t v = 77;
		struct bl_err err = { 0 };
		int r = bl_percent_parse("--it", rows[i].text, 100, &v, &err);

		check(&rows[i], r, v, &err);
	}
}

static void shares(void **state)
{
	static const struct {
		const char *text;
		uint64_t fixed;
		uint32_t percent;
		const char *says;
	} rows[] = {
		{ "64M", 64 * 256, 0, NULL },
		{ "1%", 0, 1, NULL },
		{ "0%", 0, 0, NULL },
		{ "64M+1%", 64 * 256, 1, NULL },
		{ "1K+100%", 1, 100, NULL },
		{ "", 0, 0, "empty" },
		{ "0", 0, 0, "no unit" },
		{ "0M+1%", 0, 0, "is zero" },
		{ "64M+", 0, 0, "whole percentage" },
		{ "+1%", 0, 0, "empty" },
		{ "64M+1", 0, 0, "whole percentage" },
		{ "64M+101%", 0, 0, "more than 100%" },
		{ "101%", 0, 0, "more than 100%" },
		{ "1%+64M", 0, 0, "is no unit" },
		{ "64M + 1%", 0, 0, "is no unit" },
		{ "64M+1%+1%", 0, 0, "whole percentage" },
		{ "1111111111111111111111111111111111111111111111111111111111111111M", 0, 0,
		  "is not a size" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		struct bl_share s = { BL_PAGES(77), 77 };
		struct bl_err err = { 0 };
		int r = bl_share_parse("--it", rows[i].text, &s, &err);

		if (!rows[i].says) {
			assert_int_equal(r, 0);
			assert_int_equal(s.fixed.n, rows[i].fixed);
			assert_int_equal(s.percent, rows[i].percent);
			continue;
		}
		if (r != -EINVAL || !strstr(err.msg, rows[i].says) || strncmp(err.msg, "--it: ", 6))
			fail_msg("'%s' is answered %d %s", rows[i].text, r, err.msg);
		assert_int_equal(s.percent, 77);
	}
	assert_int_equal(bl_share_of((struct bl_share){ BL_PAGES(10), 1 }, BL_PAGES(1001)).n, 21);
	assert_int_equal(bl_share_of((struct bl_share){ BL_PAGES(UINT64_MAX), 1 }, BL_PAGES(1)).n,
			 UINT64_MAX);
}

static void formats(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 388 * KIB, "388 KiB" },
		{ 512 * MIB, "512 MiB" },
		{ 3 * GIB / 2, "1.5 GiB" },
		{ MIB - 1, "1 MiB" },
		{ GIB - 1, "1 GiB" },
		{ 1536 * GIB, "1.5 TiB" },
		{ 10 * MIB + MIB / 25, "10 MiB" },
		{ 10 * MIB + MIB / 10, "10.1 MiB" },
		{ UINT64_MAX, "16 EiB" },
	};
	char buf[BL_SIZE_STR];

	(void)state;
	for (size_t i = 0; i < N(rows); i++)
		assert_string_equal(bl_size_format(BL_BYTES(rows[i].bytes), buf), rows[i].text);
	assert_string_equal(bl_pages_format(BL_PAGES(256), buf), "1 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),    cmocka_unit_test(quotes_cleanly), cmocka_unit_test(durations),
		cmocka_unit_test(percents), cmocka_unit_test(shares),	      cmocka_unit_test(formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
