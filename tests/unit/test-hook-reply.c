/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hook reads of an answer, whole, cut short and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/hook/reply.h"

static const char answer[] =
	"{\"jsonrpc\":\"2.0\", \"id\" : 1,\"a\\\"id\":5,\"list\":[{\"error\":1},\"error\"],"
	"\"error\":{\"code\":1,\"message\":\"no \\\"room\\\"\\u00e9 \\\\ x\",\"data\":{\"id\":\"no-memory\"}}}";

static void members(void **state)
{
	const char *end = answer + sizeof(answer) - 1, *error, *data;
	char text[64];

	(void)state;
	assert_int_equal(*bl_hook_member(answer, end, "id"), '1');
	error = bl_hook_member(answer, end, "error");
	assert_int_equal(*error, '{');
	bl_hook_string(bl_hook_member(error, end, "message"), end, text, sizeof(text));
	assert_string_equal(text, "no \"room\" 00e9 \\ x");
	bl_hook_string(bl_hook_member(error, end, "message"), end, text, 4);
	assert_string_equal(text, "no ");
	data = bl_hook_member(error, end, "data");
	bl_hook_string(bl_hook_member(data, end, "id"), end, text, sizeof(text));
	assert_string_equal(text, "no-memory");
	assert_null(bl_hook_member(answer, end, "code")); /* of another object */
	assert_null(bl_hook_member(answer, end, "result"));
	assert_null(bl_hook_member(error, end, "jsonrpc"));
	bl_hook_string(bl_hook_member(answer, end, "id"), end, text, sizeof(text));
	assert_string_equal(text, "");
}

/* Each beginning of it, in memory that ends there. */
static void cut_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(answer); n++) {
		char *part = malloc(n + 1), text[64];
		const char *error;

		assert_non_null(part);
		part = realloc(memcpy(part, answer, n), n ? n : 1);
		error = bl_hook_member(part, part + n, "error");
		if (error)
			bl_hook_string(bl_hook_member(error, part + n, "message"), part + n, text,
				       sizeof(text));
		if (n > 30)
			assert_int_equal(*bl_hook_member(part, part + n, "id"), '1');
		free(part);
	}
}

static void no_object(void **state)
{
	static const char *const texts[] = { "",  "x",	"[\"id\",1]", "\"id\":1",
					     "}", "{}", "{\"id\"",    "{\"id\" 1}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(bl_hook_member(texts[i], texts[i] + strlen(texts[i]), "id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(no_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
