/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/value.h"

#include <errno.h>
#include <string.h>

#include "lib/core/size.h"

int value_bad(struct bl_err *err, const char *what, const char *word)
{
	return bl_err_set(err, EINVAL, BL_ERR_INVALID_PARAMS, "%s: %s", what, word);
}

int value_pages(const char *text, bl_pages *ret, struct bl_err *err)
{
	bl_bytes b;
	int r = strcmp(text, "0") ? bl_size_parse("size", text, &b, err) : 0;

	if (!r)
		*ret = strcmp(text, "0") ? bl_pages_from_bytes_ceil(b) : BL_PAGES(0);
	return r;
}

int value_ms(const char *text, bl_ms *ret, struct bl_err *err)
{
	return bl_duration_parse("duration", text, true, ret, err);
}
