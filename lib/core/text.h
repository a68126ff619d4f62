/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from outside. */
#ifndef BL_CORE_TEXT_H
#define BL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Longest domain or claim name in bytes, without the NUL (libxl allows more
 * nowhere that shows). */
#define BL_NAME_MAX 127

/* Well-formed UTF-8 (no surrogates, no overlong forms) without control
 * characters (C0, DEL, C1). Works on len bytes; an embedded NUL is a control
 * character. */
bool bl_text_clean(const char *s, size_t len);
/* Well-formed UTF-8; control characters are fine. */
bool bl_text_utf8(const char *s, size_t len);
/* Copies what fits into size bytes (at least 1), whole characters only,
 * replacing what bl_text_clean would refuse with '?', and terminates. */
void bl_text_scrub(char *ret, size_t size, const char *s, size_t len);
/* Copies at most BL_NAME_MAX bytes, replacing what bl_text_clean would refuse
 * with '?', and terminates; for names that a domain already has. */
void bl_text_sanitize(char ret[BL_NAME_MAX + 1], const char *s, size_t len);

#endif
