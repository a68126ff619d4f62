/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/text.h"

#include <inttypes.h>
#include <string.h>

int cli_text_parse(const char *text, struct bl_json **ret)
{
	int r = bl_json_parse(text, strlen(text), ret, NULL);

	if (r == 0)
		bl_json_scrub(*ret);
	return r;
}

const char *cli_text_string(const struct bl_json *v, const char *key)
{
	const struct bl_json *m = bl_json_get(v, key);

	return m && bl_json_type(m) == BL_JSON_STRING ? bl_json_string(m, NULL) : NULL;
}

static bool is_count(const struct bl_json *m)
{
	return m && bl_json_type(m) == BL_JSON_INT && bl_json_int(m) >= 0;
}

uint64_t cli_text_uint(const struct bl_json *v, const char *key)
{
	const struct bl_json *m = bl_json_get(v, key);

	return is_count(m) ? (uint64_t)bl_json_int(m) : 0;
}

bool cli_text_number(const struct bl_json *v, const char *key, double *ret)
{
	const struct bl_json *m = bl_json_get(v, key);

	if (!m || (bl_json_type(m) != BL_JSON_INT && bl_json_type(m) != BL_JSON_REAL))
		return false;
	*ret = bl_json_real(m);
	return true;
}

bool cli_text_true(const struct bl_json *v, const char *key)
{
	const struct bl_json *m = bl_json_get(v, key);

	return m && bl_json_type(m) == BL_JSON_BOOL && bl_json_bool(m);
}

const char *cli_text_bytes(const struct bl_json *v, const char *key, char buf[CLI_TEXT_STR])
{
	char size[BL_SIZE_STR];

	snprintf(buf, CLI_TEXT_STR, "%s",
		 is_count(bl_json_get(v, key)) ? bl_size_format(BL_BYTES(cli_text_uint(v, key)), size)
					       : "-");
	return buf;
}

const char *cli_text_count(const struct bl_json *v, const char *key, char buf[CLI_TEXT_STR])
{
	if (is_count(bl_json_get(v, key)))
		snprintf(buf, CLI_TEXT_STR, "%" PRIu64, cli_text_uint(v, key));
	else
		snprintf(buf, CLI_TEXT_STR, "-");
	return buf;
}

const char *cli_text_duration(double seconds, char buf[CLI_TEXT_STR])
{
	static const struct {
		uint64_t unit, part;
		const char *unit_name, *part_name;
	} scales[] = {
		{ 86400, 3600, "d", "h" },
		{ 3600, 60, "h", "min" },
		{ 60, 1, "min", "s" },
	};
	uint64_t s = seconds > 1e15 ? (uint64_t)1e15 : seconds > 0 ? (uint64_t)(seconds + 0.5) : 0;

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		uint64_t rest = s % scales[i].unit / scales[i].part;

		if (s < scales[i].unit)
			continue;
		if (rest)
			snprintf(buf, CLI_TEXT_STR, "%" PRIu64 " %s %" PRIu64 " %s", s / scales[i].unit,
				 scales[i].unit_name, rest, scales[i].part_name);
		else
			snprintf(buf, CLI_TEXT_STR, "%" PRIu64 " %s", s / scales[i].unit,
				 scales[i].unit_name);
		return buf;
	}
	snprintf(buf, CLI_TEXT_STR, "%" PRIu64 " s", s);
	return buf;
}
