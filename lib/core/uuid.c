/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/uuid.h"

#include <stddef.h>
#include <string.h>

bool bl_uuid_equal(const bl_uuid *a, const bl_uuid *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

bool bl_uuid_is_null(const bl_uuid *a)
{
	static const bl_uuid null;

	return bl_uuid_equal(a, &null);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool bl_uuid_parse(const char *text, bl_uuid *ret)
{
	bl_uuid u;

	for (size_t i = 0; i < sizeof(u.b); i++) {
		int hi, lo;

		if (dash_before(i) && *text++ != '-')
			return false;
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (lo < 0)
			return false;
		u.b[i] = (uint8_t)(hi * 16 + lo);
		text += 2;
	}
	if (*text)
		return false;
	*ret = u;
	return true;
}

void bl_uuid_format(const bl_uuid *u, char ret[BL_UUID_STR])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(u->b); i++) {
		if (dash_before(i))
			*ret++ = '-';
		*ret++ = digits[u->b[i] >> 4];
		*ret++ = digits[u->b[i] & 15];
	}
	*ret = '\0';
}
