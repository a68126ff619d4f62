/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever people and scripts may write where a size, a duration, a share, a
 * percentage, a UUID or a name is asked for. */
#include "lib/core/size.h"

#include <errno.h>
#include <strings.h>

#include "lib/core/text.h"
#include "lib/core/uuid.h"
#include "tests/fuzz/target.h"

#define WHAT "--min"

/* Each refusal says what was wrong with which argument, in one clean line. */
static void refused(int r, const struct bl_err *e)
{
	FUZZ_EXPECT(r == -EINVAL && e->errnum == EINVAL && e->id == BL_ERR_INVALID_PARAMS);
	FUZZ_EXPECT(!strncmp(e->msg, WHAT ": ", strlen(WHAT ": ")));
	FUZZ_EXPECT(bl_text_clean(e->msg, strlen(e->msg)));
}

static void size_and_share(const char *text)
{
	struct bl_share share = { .percent = 777 };
	bl_bytes b = BL_BYTES(0), again;
	char buf[BL_SIZE_STR], exact[BL_SIZE_STR];
	struct bl_err e;
	int r = bl_size_parse(WHAT, text, &b, &e);

	if (r < 0) {
		refused(r, &e);
		FUZZ_EXPECT(b.n == 0);
	} else {
		FUZZ_EXPECT(b.n > 0 && b.n <= INT64_MAX);
		FUZZ_EXPECT(bl_pages_to_bytes(bl_pages_from_bytes_ceil(b)).n >= b.n);
		FUZZ_EXPECT(strlen(bl_size_format(b, buf)) < sizeof(buf));
		if (b.n % 1024 == 0) {
			snprintf(exact, sizeof(exact), "%lluK", (unsigned long long)b.n / 1024);
			FUZZ_EXPECT(bl_size_parse(WHAT, exact, &again, &e) == 0 && again.n == b.n);
		}
	}
	r = bl_share_parse(WHAT, text, &share, &e);
	if (r < 0) {
		refused(r, &e);
		FUZZ_EXPECT(share.percent == 777 && share.fixed.n == 0);
	} else {
		FUZZ_EXPECT(share.percent <= 100);
		FUZZ_EXPECT(bl_share_of(share, BL_PAGES(UINT64_MAX)).n >= share.fixed.n);
	}
}

static void duration_and_percent(const char *text)
{
	bl_ms ms = BL_MS(UINT64_MAX), zero = ms;
	uint32_t percent = 7777;
	struct bl_err e;
	int r = bl_duration_parse(WHAT, text, false, &ms, &e);

	if (r < 0)
		refused(r, &e);
	FUZZ_EXPECT(r < 0 ? ms.n == UINT64_MAX : ms.n > 0 && ms.n <= INT64_MAX);
	r = bl_duration_parse(WHAT, text, true, &zero, &e);
	if (r < 0)
		refused(r, &e);
	FUZZ_EXPECT(r < 0 ? ms.n == UINT64_MAX : zero.n == 0 || zero.n == ms.n);
	r = bl_percent_parse(WHAT, text, 1000, &percent, &e);
	if (r < 0)
		refused(r, &e);
	FUZZ_EXPECT(r < 0 ? percent == 7777 : percent <= 1000);
}

static void uuid_and_text(const char *text, size_t len)
{
	/* What begins with these bytes is invisible, or turns the direction of writing. */
	static const char *const never[] = { "\xe2\x81\xa6", "\u200b",	 "\u202e",   "\u2028", "\ufeff",
					     "\u00ad",	     "\xc2\x9b", "\xf3\xa0", "\x1b" };
	char name[BL_NAME_MAX + 1], again[BL_NAME_MAX + 1], formatted[BL_UUID_STR];
	bl_uuid u;

	if (bl_uuid_parse(text, &u)) {
		bl_uuid_format(&u, formatted);
		FUZZ_EXPECT(!strcasecmp(formatted, text));
	}
	bl_text_sanitize(name, text, len);
	FUZZ_EXPECT(bl_text_clean(name, strlen(name)));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		FUZZ_EXPECT(!strstr(name, never[i]));
	bl_text_sanitize(again, name, strlen(name));
	FUZZ_EXPECT(!strcmp(name, again));
	if (bl_text_clean(text, len)) {
		FUZZ_EXPECT(bl_text_utf8(text, len));
		FUZZ_EXPECT(!memchr(text, 0, len));
		if (len <= BL_NAME_MAX)
			FUZZ_EXPECT(!strcmp(name, text));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);

	size_and_share(text);
	duration_and_percent(text);
	uuid_and_text(text, size);
	free(text);
	return 0;
}
