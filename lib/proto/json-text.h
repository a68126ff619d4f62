/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What json.c does with text because yajl does it loosely. */
#ifndef BL_PROTO_JSON_TEXT_H
#define BL_PROTO_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* yajl turns an unpaired \uD800..DFFF into a question mark; one name must not
 * quietly become another. */
bool bl_json_surrogates_paired(const char *text, size_t len);

/* Reals with a point, whatever the locale of the program says. 0 or -ENOMEM. */
int bl_json_real_read(const char *text, double *ret);
#define BL_JSON_REAL_STR 40
/* The shortest that reads back as the same number; v is finite. */
int bl_json_real_write(double v, char ret[BL_JSON_REAL_STR]);

#endif
