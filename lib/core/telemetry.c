/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/telemetry.h"

#include <string.h>

#define DIGITS_MAX 19 /* numbers of so many digits fit 64 bits */
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

enum key {
	KEY_SEQ,
	KEY_USED,
	KEY_AVAILABLE,
	KEY_PSI,
	N_REQUIRED,
	KEY_STATE = N_REQUIRED,
	KEY_REASON,
	KEY_CURRENT,
	KEY_TARGET,
	KEY_MIN,
	KEY_MAX,
	KEY_TOTAL,
	KEY_SWAP,
	KEY_PSI_FULL,
	KEY_REFAULTS,
	KEY_OOM,
	N_KEYS
};

static const struct {
	const char *name;
	uint64_t most;
	unsigned has; /* enum bl_stat_has; 0: required */
} keys[N_KEYS] = {
	[KEY_SEQ] = { "seq", UINT64_MAX, 0 },
	[KEY_USED] = { "used_kib", BL_TELEMETRY_KIB_MAX, 0 },
	[KEY_AVAILABLE] = { "avail_kib", BL_TELEMETRY_KIB_MAX, 0 },
	[KEY_PSI] = { "psi", PRESSURE_MAX, 0 },
	[KEY_STATE] = { "state", UINT64_MAX, BL_STAT_STATE },
	[KEY_REASON] = { "reason", UINT64_MAX, BL_STAT_REASON },
	[KEY_CURRENT] = { "current_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_CURRENT },
	[KEY_TARGET] = { "target_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_TARGET },
	[KEY_MIN] = { "min_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_MIN },
	[KEY_MAX] = { "max_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_MAX },
	[KEY_TOTAL] = { "total_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_TOTAL },
	[KEY_SWAP] = { "swap_kib", BL_TELEMETRY_KIB_MAX, BL_STAT_SWAP },
	[KEY_PSI_FULL] = { "psi_full", PRESSURE_MAX, BL_STAT_PRESSURE_FULL },
	[KEY_REFAULTS] = { "refaults", UINT64_MAX, BL_STAT_REFAULTS },
	[KEY_OOM] = { "oom", UINT64_MAX, BL_STAT_OOM },
};

/* The index of a known key, or -1. */
static int find_key(const char *text, size_t len)
{
	for (int i = 0; i < N_KEYS; i++)
		if (strlen(keys[i].name) == len && memcmp(keys[i].name, text, len) == 0)
			return i;
	return -1;
}

/* Takes one KEY=NUMBER; an unknown key must have a number as well. */
static bool take_word(const char *word, size_t len, uint64_t value[N_KEYS], unsigned *seen)
{
	const char *equal = memchr(word, '=', len);
	size_t key_len;
	uint64_t n;
	int key;

	if (!equal || equal == word)
		return false;
	key_len = (size_t)(equal - word);
	key = find_key(word, key_len);
	if (!parse_number(equal + 1, len - key_len - 1, key < 0 ? UINT64_MAX : keys[key].most, &n))
		return false;
	if (key < 0)
		return true;
	if (*seen & 1U << key)
		return false;
	*seen |= 1U << key;
	value[key] = n;
	return true;
}

static void fill(struct bl_telemetry_stat *ret, const uint64_t value[N_KEYS], unsigned seen)
{
	*ret = (struct bl_telemetry_stat){
		.seq = value[KEY_SEQ],
		.used = BL_KIB(value[KEY_USED]),
		.available = BL_KIB(value[KEY_AVAILABLE]),
		.pressure = (uint32_t)value[KEY_PSI],
		.state = value[KEY_STATE],
		.reason = value[KEY_REASON],
		.current = BL_KIB(value[KEY_CURRENT]),
		.target = BL_KIB(value[KEY_TARGET]),
		.min = BL_KIB(value[KEY_MIN]),
		.max = BL_KIB(value[KEY_MAX]),
		.total = BL_KIB(value[KEY_TOTAL]),
		.swap = BL_KIB(value[KEY_SWAP]),
		.pressure_full = (uint32_t)value[KEY_PSI_FULL],
		.refaults = value[KEY_REFAULTS],
		.oom = value[KEY_OOM],
	};
	for (int i = 0; i < N_KEYS; i++)
		if (seen >> i & 1)
			ret->has |= keys[i].has;
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
	if ((seen & ((1U << N_REQUIRED) - 1)) != (1U << N_REQUIRED) - 1)
		return false;
	fill(ret, value, seen);
	return true;
}
