/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/telemetry.h"

#include <string.h>

#define DIGITS_MAX 19 /* no number of so many digits overflows 64 bits */
#define PRESSURE_MAX 10000

static bool parse_number(const char *text, size_t len, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (len == 0 || len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	if (n > max)
		return false;
	*ret = n;
	return true;
}

bool bl_telemetry_parse_kib(const char *text, size_t len, bl_kib *ret)
{
	return parse_number(text, len, BL_TELEMETRY_KIB_MAX, &ret->n);
}

/* Index of a known key, -1. */
enum { KEY_SEQ, KEY_USED, KEY_AVAILABLE, KEY_PSI, N_KEYS };
static int find_key(const char *text, size_t len)
{
	static const char *const names[N_KEYS] = { "seq", "used_kib", "avail_kib", "psi" };

	for (int i = 0; i < N_KEYS; i++)
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
			return i;
	return -1;
}

/* One KEY=NUMBER; what is unknown must still be a number. */
static bool take_word(const char *word, size_t len, uint64_t value[N_KEYS], unsigned *seen)
{
	static const uint64_t most[N_KEYS] = {
		UINT64_MAX, BL_TELEMETRY_KIB_MAX, BL_TELEMETRY_KIB_MAX, PRESSURE_MAX,
	};
	const char *equal = memchr(word, '=', len);
	size_t key_len;
	uint64_t n;
	int key;

	if (!equal || equal == word)
		return false;
	key_len = (size_t)(equal - word);
	key = find_key(word, key_len);
	if (!parse_number(equal + 1, len - key_len - 1, key < 0 ? UINT64_MAX : most[key], &n))
		return false;
	if (key < 0)
		return true;
	if (*seen & 1U << key)
		return false;
	*seen |= 1U << key;
	value[key] = n;
	return true;
}

bool bl_telemetry_parse_stat(const char *text, size_t len, struct bl_telemetry_stat *ret)
{
	static const char version[] = "v=1";
	const char *end = text + len;
	uint64_t value[N_KEYS] = { 0 };
	unsigned seen = 0;

	if (len > BL_TELEMETRY_STAT_MAX || len < sizeof(version) ||
	    memcmp(text, version, sizeof(version) - 1) != 0)
		return false;
	text += sizeof(version) - 1;
	while (text < end) {
		const char *word = text + 1, *blank;

		if (*text != ' ')
			return false;
		blank = memchr(word, ' ', (size_t)(end - word));
		text = blank ? blank : end;
		if (!take_word(word, (size_t)(text - word), value, &seen))
			return false;
	}
	if (seen != (1U << N_KEYS) - 1)
		return false;
	*ret = (struct bl_telemetry_stat){
		.seq = value[KEY_SEQ],
		.used = BL_KIB(value[KEY_USED]),
		.available = BL_KIB(value[KEY_AVAILABLE]),
		.pressure = (uint32_t)value[KEY_PSI],
	};
	return true;
}
