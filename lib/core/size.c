/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/size.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* More digits than any number needs; longer numbers are refused, not rounded. */
#define DIGITS_MAX 40

__extension__ typedef unsigned __int128 wide;

/* Reads digits[.digits] as value * 10^-scale; *rest is what follows. */
static bool decimal(const char *text, wide *ret_value, unsigned *ret_scale, const char **rest)
{
	wide v = 0;
	unsigned scale = 0, digits = 0;
	bool point = false, after = true;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		if (*text == '.') {
			if (!digits)
				return false;
			point = true;
			after = false;
			continue;
		}
		if (++digits > DIGITS_MAX || v > ~(wide)0 / 10 - 1)
			return false;
		v = v * 10 + (unsigned)(*text - '0');
		scale += point;
		after = true;
	}
	if (!digits || !after)
		return false;
	*ret_value = v;
	*ret_scale = scale;
	*rest = text;
	return true;
}

/* value * factor / 10^scale: 0 if exact; -EDOM with a fraction; -ERANGE beyond 63 bits. Whole
 * part and fraction are separate, so that many digits after the point never look like a large
 * number. */
static int scaled(wide value, unsigned scale, uint64_t factor, uint64_t *ret)
{
	wide tens = 1, whole, part;

	while (scale && value % 10 == 0) {
		value /= 10;
		scale--;
	}
	for (; scale; scale--) {
		if (tens > ~(wide)0 / 10)
			return -EDOM;
		tens *= 10;
	}
	whole = value / tens;
	part = value % tens;
	if (whole > INT64_MAX / factor)
		return -ERANGE;
	if (part && (factor > ~(wide)0 / part || part * factor % tens))
		return -EDOM;
	whole = whole * factor + part * factor / tens;
	if (whole > INT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)whole;
	return 0;
}

static bool size_unit(const char *text, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	char upper = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
	const char *at = upper ? strchr(letters, upper) : NULL;

	if (!at || (text[1] && strcasecmp(text + 1, "iB")))
		return false;
	*ret = UINT64_C(1024) << (10 * (at - letters));
	return true;
}

int bl_size_parse(const char *what, const char *text, bl_bytes *ret, struct bl_err *reterr)
{
	unsigned scale;
	const char *rest;
	uint64_t factor, v;
	wide value;
	int r;

	if (!*text)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: empty; a size is a number with a unit, such as 512M or 1.5G", what);
	if (*text == '-' || *text == '+')
		return bl_err_set(
			reterr, EINVAL, BL_ERR_INVALID_PARAMS,
			"%s: '%.64s' has a sign; a size is a number with a unit, such as 512M or 1.5G", what,
			text);
	if (!decimal(text, &value, &scale, &rest))
		return bl_err_set(
			reterr, EINVAL, BL_ERR_INVALID_PARAMS,
			"%s: '%.64s' is not a size; write a number with a unit, such as 512M or 1.5G", what,
			text);
	if (!*rest)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' has no unit; write K, M, G or T after the number", what,
				  text);
	if (!size_unit(rest, &factor))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s': '%.64s' is no unit; the units are K, M, G and T", what, text,
				  rest);
	r = scaled(value, scale, factor, &v);
	if (r == -EDOM)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' is not a whole number of bytes", what, text);
	if (r)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%.64s' is too large", what,
				  text);
	if (!v)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%.64s' is zero", what, text);
	*ret = BL_BYTES(v);
	return 0;
}

int bl_duration_parse(const char *what, const char *text, bool zero_ok, bl_ms *ret, struct bl_err *reterr)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	unsigned scale;
	const char *rest;
	uint64_t v = 0;
	wide value;
	int r = -EINVAL;

	if (!decimal(text, &value, &scale, &rest))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' is not a duration; write 500ms, 10s, 5m or 2h", what, text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(rest, units[i].name))
			r = scaled(value, scale, units[i].ms, &v);
	if (r == -EINVAL)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' has no unit of time; write ms, s, m or h after the number",
				  what, text);
	if (r == -EDOM)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' is finer than a millisecond", what, text);
	if (r)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%.64s' is too long", what,
				  text);
	if (!v && !zero_ok)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%.64s' is zero", what, text);
	*ret = BL_MS(v);
	return 0;
}

int bl_percent_parse(const char *what, const char *text, uint32_t max_percent, uint32_t *ret,
		     struct bl_err *reterr)
{
	uint32_t v = 0;
	size_t n = strspn(text, "0123456789");

	if (!n || n > 6 || strcmp(text + n, "%"))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' is not a whole percentage such as 20%%", what, text);
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint32_t)(text[i] - '0');
	if (v > max_percent)
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s: '%.64s' is more than %u%%",
				  what, text, max_percent);
	*ret = v;
	return 0;
}

int bl_share_parse(const char *what, const char *text, struct bl_share *ret, struct bl_err *reterr)
{
	struct bl_share s = { 0 };
	const char *plus = strchr(text, '+');
	char fixed[64];
	bl_bytes b;
	size_t len = plus ? (size_t)(plus - text) : strlen(text);
	int r;

	if (!plus && len && text[len - 1] == '%') {
		r = bl_percent_parse(what, text, 100, &s.percent, reterr);
		if (r)
			return r;
		*ret = s;
		return 0;
	}
	if (len >= sizeof(fixed))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "%s: '%.64s' is not a size, a percentage or size+percentage", what, text);
	memcpy(fixed, text, len);
	fixed[len] = '\0';
	r = bl_size_parse(what, fixed, &b, reterr);
	if (!r && plus)
		r = bl_percent_parse(what, plus + 1, 100, &s.percent, reterr);
	if (r)
		return r;
	s.fixed = bl_pages_from_bytes_ceil(b);
	*ret = s;
	return 0;
}

bl_pages bl_share_of(struct bl_share s, bl_pages whole)
{
	return bl_pages_add(s.fixed, bl_pages_percent_ceil(whole, s.percent));
}

const char *bl_size_format(bl_bytes b, char buf[BL_SIZE_STR])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned u = 0;
	uint64_t unit = 1;
	uint16_t tenths; /* at most 10240; the narrow type tells compilers how long the text can be */

	while (u < 6 && b.n / unit >= 1024) {
		unit <<= 10;
		u++;
	}
	tenths = (uint16_t)(((wide)b.n * 10 + unit / 2) / unit);
	if (tenths == 10240) { /* 1023.96 MiB must become 1 GiB */
		tenths = 10;
		u++;
	}
	if (tenths % 10)
		snprintf(buf, BL_SIZE_STR, "%u.%u %.3s", tenths / 10U, tenths % 10U, units[u]);
	else
		snprintf(buf, BL_SIZE_STR, "%u %.3s", tenths / 10U, units[u]);
	return buf;
}

const char *bl_pages_format(bl_pages p, char buf[BL_SIZE_STR])
{
	return bl_size_format(bl_pages_to_bytes(p), buf);
}
