/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of [section] and key = value: what each line gives, and the error for a bad line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/ini.h"

/* Everything that was read, as "LINE[section]" and "LINE:key=value", with a blank after each. */
static char read_so_far[4096];

static char *rest(void)
{
	return read_so_far + strlen(read_so_far);
}

#define ADD(...) snprintf(rest(), sizeof(read_so_far) - strlen(read_so_far), __VA_ARGS__)

static int on_section(struct bl_ini *in, char *name)
{
	ADD("%u[%s] ", in->line, name);
	return strcmp(name, "bad") ? 0 : bl_ini_fail(in, in->line, ERANGE, "%s\x1b", name);
}

static int on_key(struct bl_ini *in, const char *key, const char *value)
{
	ADD("%u:%s=%s ", in->line, key, value);
	return 0;
}

/* Reads a copy without a NUL at its end, so that a sanitizer sees a read beyond the end. */
static int read_text(const char *text, size_t len, struct bl_err *e)
{
	struct bl_ini in = { .file = "f", .reterr = e, .on_section = on_section, .on_key = on_key };
	char *copy = malloc(len ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, len);
	read_so_far[0] = '\0';
	r = bl_ini_read(&in, copy, len);
	free(copy);
	return r;
}

static void lines_are_read(void **state)
{
	static const struct {
		const char *text, *read;
	} rows[] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "[a]", "1[a] " },
		{ "[a]\nk=v", "1[a] 2:k=v " },
		{ "\xef\xbb\xbf[a]\r\n k = v \r\n", "1[a] 2:k=v " },
		{ "\t[ a  b ] ; c\nk\t=\tv", "1[a  b] 2:k=v " },
		{ "[a]#c\nk = v#w ; c\nk#l = #c", "1[a] 2:k=v#w 3:k#l= " },
		{ "# c\n;c\n  # c\n[a]\n", "4[a] " },
		{ "[a]\nk: v=w\nl = x:y\n= z\nm =\n", "1[a] 2:k=v=w 3:l=x:y 4:=z 5:m= " },
		{ "[]\n[a]\n\n[a]\n", "1[] 2[a] 4[a] " },
	};
	struct bl_err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_text(rows[i].text, strlen(rows[i].text), &e), 0);
		assert_string_equal(read_so_far, rows[i].read);
	}
}

static void bad_lines_end_it(void **state)
{
	static const struct {
		const char *text, *read, *says;
	} rows[] = {
		{ "k = v", "", "f:1: a key before any [section]" },
		{ "[a]\nk\nl = v", "1[a] ", "f:2: neither \"key = value\" nor \"[section]\" nor a comment" },
		{ "[a]\n[b # c]", "1[a] ", "f:2: a section without its \"]\"" },
		{ "[a] k = v", "", "f:1: only a comment may follow a section on its line" },
		{ "[a]]", "", "f:1: only a comment may follow a section on its line" },
		{ "\n[bad]\nk = v", "2[bad] ", "f:2: bad?" },
	};
	struct bl_err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(read_text(rows[i].text, strlen(rows[i].text), &e) < 0);
		assert_string_equal(read_so_far, rows[i].read);
		assert_string_equal(e.msg, rows[i].says);
		assert_int_equal(e.id, BL_ERR_INVALID_PARAMS);
	}
	assert_int_equal(e.errnum, ERANGE);
	assert_int_equal(read_text("[a]\0\n", 5, &e), -EINVAL);
	assert_string_equal(e.msg, "f:1: a NUL byte");
}

static void a_line_has_a_bound(void **state)
{
	char text[2 * BL_INI_LINE_MAX];
	struct bl_err e;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "[a]\nk=", 6);
	text[4 + BL_INI_LINE_MAX] = '\n';
	assert_int_equal(read_text(text, 5 + BL_INI_LINE_MAX, &e), 0);
	assert_int_equal(strlen(read_so_far), strlen("1[a] 2:k= ") + BL_INI_LINE_MAX - 2);
	text[4 + BL_INI_LINE_MAX] = 'x';
	assert_int_equal(read_text(text, 5 + BL_INI_LINE_MAX, &e), -EINVAL);
	assert_string_equal(e.msg, "f:2: the line is longer than 1023 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(bad_lines_end_it),
		cmocka_unit_test(a_line_has_a_bound),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
