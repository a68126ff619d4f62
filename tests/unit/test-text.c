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
		{ S("\xc2\x85"), false, true, "?" },
		{ S("\u2028"), false, true, "?" },
		/* invisible, and of the other direction */
		{ S("a\u00adb"), false, true, "a?b" },
		{ S("\u061cx"), false, true, "?x" },
		{ S("web\u200b"), false, true, "web?" },
		{ S("\u200e\u200f"), false, true, "??" },
		{ S("a\u202ebew\u202c"), false, true, "a?bew?" },
		{ S("\u2066x\u2069"), false, true, "?x?" },
		{ S("\u2060\u2064\u206a"), false, true, "???" },
		{ S("\ufeffweb"), false, true, "?web" },
		{ S("x\ufe0f"), false, true, "x?" },
		{ S("\ufff9"), false, true, "?" },
		{ S("w\U000e0077\U000e007f"), false, true, "w??" },
		{ S("\u2029\xff\u202a"), false, false, "???" },
		/* next to those */
		{ S("\u00ac\u00ae\u2027\u202f\u2010\u200a"), true, true,
		  "\u00ac\u00ae\u2027\u202f\u2010\u200a" },
		{ S("\u0628\u05d0\u0e01\U0001f427"), true, true, "\u0628\u05d0\u0e01\U0001f427" },
		/* not UTF-8 */
		{ S("\xff"), false, false, "?" },
		{ S("\x80"), false, false, "?" },
		{ S("\xc3"), false, false, "?" },
		{ S("\xc3("), false, false, "?(" },
		{ S("\xe2\x82"), false, false, "??" },
		{ S("\xc0\x80"), false, false, "??" },		 /* overlong NUL */
		{ S("\xc1\xbf"), false, false, "??" },		 /* overlong */
		{ S("\xe0\x80\xaf"), false, false, "???" },	 /* overlong / */
		{ S("\xf0\x80\x80\xaf"), false, false, "????" }, /* overlong */
		{ S("\xed\xa0\x80"), false, false, "???" },	 /* surrogate */
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

static size_t encode(uint32_t c, char ret[4])
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i; i--, c >>= 6)
		ret[i] = (char)(0x80 | (c & 0x3f));
	ret[0] = (char)(lead[n] | c);
	return n;
}

/* Every code point, by itself. A table out of order would refuse others, too. */
static void refuses_exactly_what_does_not_show(void **state)
{
	static const uint32_t refused[][2] = {
		{ 0x202a, 0x202e },   { 0x2066, 0x2069 }, { 0x200b, 0x200f }, { 0xfeff, 0xfeff },
		{ 0xe0000, 0xe007f }, { 0x2028, 0x2029 }, { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x180e, 0x180e },   { 0x2060, 0x2064 }, { 0x206a, 0x206f }, { 0xfe00, 0xfe0f },
		{ 0xe0100, 0xe01ef }, { 0x80, 0x9f },
	};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N(refused); i++)
		for (uint32_t c = refused[i][0]; c <= refused[i][1]; c++) {
			char text[4];

			if (bl_text_clean(text, encode(c, text)))
				fail_msg("U+%04X is taken", c);
		}
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char text[4], made[8];
		size_t len = encode(c, text);

		n += bl_text_utf8(text, len) && !bl_text_clean(text, len);
		bl_text_scrub(made, sizeof(made), text, len);
		assert_true(bl_text_clean(made, strlen(made)));
	}
	assert_int_equal(n, 65 /* controls */ + 4096 /* the plane of tags */ + 83);
}

static void scrubs_in_place(void **state)
{
	char text[] = "a\u202eb\x1b\u00e9\xff\U000e0001z";

	(void)state;
	bl_text_scrub(text, sizeof(text), text, strlen(text));
	assert_string_equal(text, "a?b?\u00e9??z");
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
		cmocka_unit_test(refuses_exactly_what_does_not_show),
		cmocka_unit_test(scrubs_in_place),
		cmocka_unit_test(cuts_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
