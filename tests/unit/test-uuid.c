/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/core/uuid.h"

static void reads_exactly_one_form(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "00112233-4455-6677-8899-aabbccddeeff", true },
		{ "00112233-4455-6677-8899-AABBCCDDEEFF", true },
		{ "", false },
		{ "00112233445566778899aabbccddeeff", false },
		{ "00112233-4455-6677-8899-aabbccddeef", false },
		{ "00112233-4455-6677-8899-aabbccddeeff0", false },
		{ "00112233-4455-6677-8899-aabbccddeefg", false },
		{ "0011223-34455-6677-8899-aabbccddeeff", false },
		{ " 00112233-4455-6677-8899-aabbccddeeff", false },
		{ "00112233-4455-6677-8899-aabbccddeeff ", false },
		{ "{0112233-4455-6677-8899-aabbccddeeff}", false },
		{ "00112233_4455_6677_8899_aabbccddeeff", false },
		{ "web", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bl_uuid u = { { 9 } };
		char text[BL_UUID_STR];

		if (bl_uuid_parse(rows[i].text, &u) != rows[i].ok)
			fail_msg("'%s'", rows[i].text);
		if (!rows[i].ok) {
			assert_int_equal(u.b[0], 9); /* written only on success */
			continue;
		}
		bl_uuid_format(&u, text);
		assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
	}
}

static void compares(void **state)
{
	bl_uuid a = { { 1 } }, b = { { 1 } }, null = { { 0 } };

	(void)state;
	assert_true(bl_uuid_equal(&a, &b));
	b.b[15] = 1;
	assert_false(bl_uuid_equal(&a, &b));
	assert_false(bl_uuid_is_null(&a));
	assert_true(bl_uuid_is_null(&null));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_exactly_one_form),
		cmocka_unit_test(compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
