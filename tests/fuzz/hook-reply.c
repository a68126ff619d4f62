/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hook reads of an answer of the daemon: members and strings of a line of any
 * content. Where the strict parser takes the line as well, both read the same. */
#include "lib/hook/reply.h"

#include "lib/core/text.h"
#include "lib/proto/json.h"
#include "tests/fuzz/target.h"

static const char *const names[] = { "id", "result", "error", "data", "message", "a", "" };
#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* The hook reads UUIDs, ids and messages: texts of all that need no escape. */
static bool is_plain(const char *text, size_t len)
{
	return !memchr(text, '\\', len) && !memchr(text, '"', len) && bl_text_clean(text, len);
}

static void string_of(const char *value, const char *end, const struct bl_json *want)
{
	char small[8], large[1024];
	const char *text;
	size_t len;

	memset(large, 'x', sizeof(large));
	memset(small, 'x', sizeof(small));
	bl_hook_string(value, end, large, sizeof(large));
	bl_hook_string(value, end, small, sizeof(small));
	FUZZ_EXPECT(memchr(large, '\0', sizeof(large)) && memchr(small, '\0', sizeof(small)));
	FUZZ_EXPECT(!strncmp(small, large, sizeof(small) - 1));
	if (!want || bl_json_type(want) != BL_JSON_STRING)
		return;
	text = bl_json_string(want, &len);
	if (is_plain(text, len) && len < sizeof(large) && !memchr(value, '\\', (size_t)(end - value)))
		FUZZ_EXPECT(strlen(large) == len && !memcmp(large, text, len));
}

/* want: the same object as the strict parser read it; NULL: it did not. */
static void members(const char *text, const char *end, const struct bl_json *want, unsigned depth)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		const struct bl_json *member = want ? bl_json_get(want, names[i]) : NULL;
		const char *value = bl_hook_member(text, end, names[i]);

		FUZZ_EXPECT(!value || (value > text && value < end));
		FUZZ_EXPECT(!member || value);
		string_of(value, end, member);
		if (value && depth)
			members(value, end, member && bl_json_type(member) == BL_JSON_OBJECT ? member : NULL,
				depth - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1), *text = fuzz_text(data, size);
	struct bl_json *want = NULL;

	if (!exact)
		abort();
	memcpy(exact, data, size);
	/* yajl takes two more characters for blanks than JSON does; the daemon sends neither. */
	if (memchr(text, '\v', size) || memchr(text, '\f', size) ||
	    bl_json_parse(text, size, &want, NULL) < 0 || bl_json_type(want) != BL_JSON_OBJECT) {
		bl_json_free(want);
		want = NULL;
	}
	members(exact, exact + size, want, 2);
	bl_json_free(want);
	free(exact);
	free(text);
	return 0;
}
