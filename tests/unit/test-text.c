/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text from strangers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/core/text.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define S(literal) literal, sizeof(literal) - 1

static void knows_what_is_clean(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool clean, utf8;
		const char *made; /* by sanitize */
	} rows[] = {
		{ S(""), true, true, "" },
		{ S("web-1"), true, true, "web-1" },
		{ S("caf\xc3\xa9"), true, true, "caf\xc3\xa9" },
		{ S("\xe2\x82\xac"), true, true, "\xe2\x82\xac" },
		{ S("\xf0\x9f\x90\xa7"), true, true, "\xf0\x9f\x90\xa7" },
		{ S("\xf4\x8f\xbf\xbf"), true, true, "\xf4\x8f\xbf\xbf" },
		/* control characters */
		{ S("a\nb"), false, true, "a?b" },
		{ S("a\tb"), false, true, "a?b" },
		{ S("\x1b[31m"), false, true, "?[31m" },
		{ S("a\0b"), false, true, "a?b" },
		{ S("\x7f"), false, true, "?" },
		{ S("\xc2\x85"), false, true, "??" },
		{ S("\xe2\x80\xa8"), false, true, "???" },
		/* not UTF-8 */
		{ S("\xff"), false, false, "?" },
		{ S("\x80"), false, false, "?" },
		{ S("\xc3"), false, false, "?" },
		{ S("\xc3("), false, false, "?(" },
		{ S("\xe2\x82"), false, false, "??" },
		{ S("\xc0\x80"), false, false, "??" },	       /* overlong NUL */
		{ S("\xc1\xbf"), false, false, "??" },	       /* overlong */
		{ S("\xe0\x80\xaf"), false, false, "???" },      /* overlong / */
		{ S("\xf0\x80\x80\xaf"), false, false, "????" }, /* overlong */
		{ S("\xed\xa0\x80"), false, false, "???" },      /* surrogate */
		{ S("\xf4\x90\x80\x80"), false, false, "????" }, /* above U+10FFFF */
		{ S("\xf8\x88\x80\x80\x80"), false, false, "?????" },
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		char made[BL_NAME_MAX + 1];

		if (bl_text_clean(rows[i].text, rows[i].len) != rows[i].clean ||
		    bl_text_utf8(rows[i].text, rows[i].len) != rows[i].utf8)
			fail_msg("row %zu", i);
		bl_text_sanitize(made, rows[i].text, rows[i].len);
		assert_string_equal(made, rows[i].made);
		assert_true(bl_text_clean(made, strlen(made)));
	}
}

static void cuts_between_characters(void **state)
{
	char big[400], ret[BL_NAME_MAX + 1], small[6];

	(void)state;
	memset(big, 'x', sizeof(big));
	bl_text_sanitize(ret, big, sizeof(big));
	assert_int_equal(strlen(ret), BL_NAME_MAX);
	for (size_t i = 0; i + 1 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xa9", 2);
	bl_text_sanitize(ret, big, sizeof(big));
	assert_int_equal(strlen(ret), BL_NAME_MAX - 1);
	assert_true(bl_text_clean(ret, strlen(ret)));
	bl_text_scrub(small, sizeof(small), "abc\xe2\x82\xac", 6);
	assert_string_equal(small, "abc");
	bl_text_scrub(small, 1, "abc", 3);
	assert_string_equal(small, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_is_clean),
		cmocka_unit_test(cuts_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
