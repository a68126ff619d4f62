/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks and conversions of text that yajl does too loosely for json.c. */
#ifndef BL_PROTO_JSON_TEXT_H
#define BL_PROTO_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* yajl turns an unpaired \uD800..DFFF into a question mark, which could turn one name into
 * another. */
bool bl_json_surrogates_paired(const char *text, size_t len);

/* Reads a real with a point, whatever the locale. 0 or -ENOMEM. */
int bl_json_real_read(const char *text, double *ret);
#define BL_JSON_REAL_STR 40
/* Writes the shortest text that reads back as the same number; v is finite. */
int bl_json_real_write(double v, char ret[BL_JSON_REAL_STR]);

#endif
