/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/hook/reply.h"

#include <stdbool.h>
#include <string.h>

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Skips the string that begins at the quote p, or all up to end. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

static bool is_name(const char *p, const char *end, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(end - p) >= len + 2 && !memcmp(p + 1, name, len) && p[len + 1] == '"';
}

const char *bl_hook_member(const char *text, const char *end, const char *name)
{
	const char *p = skip_space(text, end);
	int depth = 0;

	if (p == end || *p != '{')
		return NULL;
	while (p < end) {
		if (*p == '"') {
			bool match = depth == 1 && is_name(p, end, name);

			p = skip_space(skip_string(p, end), end);
			if (match && p < end && *p == ':') {
				p = skip_space(p + 1, end);
				return p < end ? p : NULL;
			}
			continue;
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		if (!depth)
			return NULL;
		p++;
	}
	return NULL;
}

void bl_hook_string(const char *value, const char *end, char *ret, size_t size)
{
	size_t n = 0;

	if (value && value < end && *value == '"')
		for (const char *p = value + 1; p < end && *p != '"' && n + 1 < size; p++) {
			if (*p != '\\') {
				ret[n++] = *p;
				continue;
			}
			if (++p == end)
				break;
			ret[n++] = '"';
			if (*p != '"')
				ret[n - 1] = *p == '\\' || *p == '/' ? *p : ' ';
		}
	ret[n] = '\0';
}
