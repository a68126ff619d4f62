/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/text.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed sequence at s and its code point, 0 when it is none. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t n;

	if (s[0] < 0x80)
		n = 1, c = s[0];
	else if ((s[0] & 0xe0) == 0xc0)
		n = 2, c = s[0] & 0x1fU;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3, c = s[0] & 0x0fU;
	else if ((s[0] & 0xf8) == 0xf0)
		n = 4, c = s[0] & 0x07U;
	else
		return 0;
	if (n > len)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* The same, and 0 for what does not belong into one line. */
static size_t sequence(const unsigned char *s, size_t len)
{
	uint32_t c = 0;
	size_t n = decode(s, len, &c);

	/* C0, DEL and C1 controls, and the separators that break a line on a terminal */
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
		return 0;
	return n;
}

bool bl_text_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len) {
		uint32_t c;
		size_t n = decode(p, len, &c);

		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

bool bl_text_clean(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len) {
		size_t n = sequence(p, len);

		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

void bl_text_scrub(char *ret, size_t size, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t out = 0;

	while (len) {
		size_t n = sequence(p, len);
		size_t take = n ? n : 1;

		if (out + take >= size)
			break;
		if (n)
			memcpy(ret + out, p, n);
		else
			ret[out] = '?';
		out += take;
		p += take;
		len -= take;
	}
	ret[out] = '\0';
}

void bl_text_sanitize(char ret[BL_NAME_MAX + 1], const char *s, size_t len)
{
	bl_text_scrub(ret, BL_NAME_MAX + 1, s, len);
}
