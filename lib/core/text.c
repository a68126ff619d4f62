/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/text.h"

#include <stdint.h>
#include <string.h>

/* Length of the well-formed sequence at s, and its code point; 0 if there is none. */
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

/* Characters that a terminal does not show in their place: controls, line and paragraph
 * separators, changes of direction, and all else that Unicode calls default-ignorable. With one
 * of them a name looks like another name, or the rest of the line reads differently. In ascending
 * order. */
static const struct {
	uint32_t first, last;
} invisible[] = {
	{ 0x0000, 0x001f },   { 0x007f, 0x009f },   /* C0, DEL, C1 */
	{ 0x00ad, 0x00ad },			    /* soft hyphen */
	{ 0x034f, 0x034f },			    /* combining grapheme joiner */
	{ 0x061c, 0x061c },			    /* Arabic letter mark */
	{ 0x115f, 0x1160 },			    /* Hangul fillers */
	{ 0x17b4, 0x17b5 },			    /* Khmer inherent vowels */
	{ 0x180b, 0x180f },			    /* Mongolian selectors, vowel separator */
	{ 0x200b, 0x200f },			    /* zero width, directional marks */
	{ 0x2028, 0x202e },			    /* separators, embeddings, overrides */
	{ 0x2060, 0x206f },			    /* word joiner, invisible operators, isolates */
	{ 0x3164, 0x3164 },			    /* Hangul filler */
	{ 0xfe00, 0xfe0f },			    /* variation selectors */
	{ 0xfeff, 0xfeff },			    /* byte order mark */
	{ 0xffa0, 0xffa0 },			    /* halfwidth Hangul filler */
	{ 0xfff0, 0xfffb },			    /* interlinear annotation, and not assigned */
	{ 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, /* of shorthand and of music */
	{ 0xe0000, 0xe0fff },			    /* tags, more variation selectors */
};

static bool is_visible(uint32_t c)
{
	for (size_t i = 0; i < sizeof(invisible) / sizeof(invisible[0]); i++)
		if (c <= invisible[i].last)
			return c < invisible[i].first;
	return true;
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
		uint32_t c;
		size_t n = decode(p, len, &c);

		if (!n || !is_visible(c))
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
		uint32_t c;
		size_t n = decode(p, len, &c);
		bool keep = n && is_visible(c);
		size_t put = keep ? n : 1;

		if (out + put >= size)
			break;
		if (keep)
			memmove(ret + out, p, n);
		else
			ret[out] = '?';
		out += put;
		n = n ? n : 1;
		p += n;
		len -= n;
	}
	ret[out] = '\0';
}

void bl_text_sanitize(char ret[BL_NAME_MAX + 1], const char *s, size_t len)
{
	bl_text_scrub(ret, BL_NAME_MAX + 1, s, len);
}
