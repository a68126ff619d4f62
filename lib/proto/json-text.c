/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/json-text.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The code unit of the \uXXXX at s; -1 if there is none. */
static long escaped_unit(const char *s, const char *end)
{
	char hex[5] = "";

	if (end - s < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	memcpy(hex, s + 2, 4);
	if (strspn(hex, "0123456789abcdefABCDEF") != 4)
		return -1;
	return strtol(hex, NULL, 16);
}

bool bl_json_surrogates_paired(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *s = text; s && s < end && (s = memchr(s, '\\', (size_t)(end - s)));) {
		long unit = escaped_unit(s, end);

		if (unit >= 0xdc00 && unit <= 0xdfff)
			return false;
		if (unit >= 0xd800 && unit < 0xdc00) {
			long low = escaped_unit(s + 6, end);

			if (low < 0xdc00 || low > 0xdfff)
				return false;
			s += 6;
		}
		s += unit < 0 ? 2 : 6;
	}
	return true;
}

static locale_t c_numbers(void)
{
	return newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

int bl_json_real_read(const char *text, double *ret)
{
	locale_t c = c_numbers();

	if (!c)
		return -ENOMEM;
	*ret = strtod_l(text, NULL, c);
	freelocale(c);
	return 0;
}

int bl_json_real_write(double v, char ret[BL_JSON_REAL_STR])
{
	locale_t c = c_numbers(), before;

	if (!c)
		return -ENOMEM;
	before = uselocale(c);
	for (int precision = 6; precision <= 17; precision++) {
		double back;

		snprintf(ret, BL_JSON_REAL_STR, "%.*g", precision, v);
		back = strtod(ret, NULL);
		if (!(back < v) && !(back > v))
			break;
	}
	uselocale(before);
	freelocale(c);
	return 0;
}
