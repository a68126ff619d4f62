/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/ini.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/core/text.h"

#define BOM "\xef\xbb\xbf"
#define BLANKS " \t\r\v\f"

int bl_ini_fail(const struct bl_ini *in, unsigned line, int errnum, const char *fmt, ...)
{
	char msg[BL_ERR_MSG_MAX], clean[BL_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	bl_text_scrub(clean, sizeof(clean), msg, strlen(msg));
	return bl_err_set(in->reterr, errnum, BL_ERR_INVALID_PARAMS, "%s:%u: %s", in->file, line, clean);
}

static bool blank(char c)
{
	return c && strchr(BLANKS, c);
}

static char *trim(char *t)
{
	size_t len;

	t += strspn(t, BLANKS);
	len = strlen(t);
	while (len && blank(t[len - 1]))
		t[--len] = '\0';
	return t;
}

static void drop_comment(char *t)
{
	for (char *c = t; *c; c++)
		if ((*c == '#' || *c == ';') && (c == t || blank(c[-1]))) {
			*c = '\0';
			return;
		}
}

static int read_section(struct bl_ini *in, char *t)
{
	char *end = strchr(t, ']'), *rest;

	if (!end)
		return bl_ini_fail(in, in->line, EINVAL, "a section without its \"]\"");
	rest = end + 1 + strspn(end + 1, BLANKS);
	if (*rest && *rest != '#' && *rest != ';')
		return bl_ini_fail(in, in->line, EINVAL, "only a comment may follow a section on its line");
	*end = '\0';
	return in->on_section(in, trim(t + 1));
}

static int read_key(struct bl_ini *in, char *t, bool in_section)
{
	char *end = strpbrk(t, "=:");

	if (!end)
		return bl_ini_fail(in, in->line, EINVAL,
				   "neither \"key = value\" nor \"[section]\" nor a comment");
	if (!in_section)
		return bl_ini_fail(in, in->line, EINVAL, "a key before any [section]");
	*end = '\0';
	return in->on_key(in, trim(t), trim(end + 1));
}

static int read_line(struct bl_ini *in, const char *text, size_t len, bool *in_section)
{
	char line[BL_INI_LINE_MAX + 1], *t;

	if (len > BL_INI_LINE_MAX)
		return bl_ini_fail(in, in->line, EINVAL, "the line is longer than %d bytes",
				   BL_INI_LINE_MAX);
	if (memchr(text, '\0', len))
		return bl_ini_fail(in, in->line, EINVAL, "a NUL byte");
	memcpy(line, text, len);
	line[len] = '\0';
	drop_comment(line);
	t = trim(line);
	if (!*t)
		return 0;
	if (*t != '[')
		return read_key(in, t, *in_section);
	*in_section = true;
	return read_section(in, t);
}

int bl_ini_read(struct bl_ini *in, const char *text, size_t len)
{
	bool in_section = false;
	int r = 0;

	if (len >= strlen(BOM) && !memcmp(text, BOM, strlen(BOM))) {
		text += strlen(BOM);
		len -= strlen(BOM);
	}
	in->line = 0;
	while (r == 0 && len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		in->line++;
		r = read_line(in, text, n, &in_section);
		text += n + (end != NULL);
		len -= n + (end != NULL);
	}
	return r;
}
