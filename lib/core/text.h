/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that came from outside. */
#ifndef BL_CORE_TEXT_H
#define BL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Longest domain or claim name in bytes, without the NUL (libxl allows more
 * nowhere that shows). */
#define BL_NAME_MAX 127

/* Well-formed UTF-8 (no surrogates, no overlong forms) in which every character shows:
 * none is a control character (C0, DEL, C1), a line separator, invisible, or turns the
 * direction of writing round. Works on len bytes; an embedded NUL is a control
 * character. */
bool bl_text_clean(const char *s, size_t len);
/* Well-formed UTF-8, with any characters. */
bool bl_text_utf8(const char *s, size_t len);
/* Copies what fits into size bytes (at least 1), whole characters only, with a '?' for
 * each character that bl_text_clean would refuse, and terminates. ret may be s where
 * len is less than size. */
void bl_text_scrub(char *ret, size_t size, const char *s, size_t len);
/* Copies at most BL_NAME_MAX bytes, replacing what bl_text_clean would refuse
 * with '?', and terminates; for names that a domain already has. */
void bl_text_sanitize(char ret[BL_NAME_MAX + 1], const char *s, size_t len);

#endif
