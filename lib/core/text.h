/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text from outside. */
#ifndef BL_CORE_TEXT_H
#define BL_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Longest name of a domain or a claim in bytes, without the NUL. libxl allows longer names
 * nowhere that matters. */
#define BL_NAME_MAX 127

/* True for well-formed UTF-8 (no surrogates, no overlong forms) whose characters all show: no
 * control characters (C0, DEL, C1), no line separators, none that are invisible or change the
 * direction of writing. s has len bytes; an embedded NUL is a control character. */
bool bl_text_clean(const char *s, size_t len);
/* True for well-formed UTF-8, with any characters. */
bool bl_text_utf8(const char *s, size_t len);
/* Copies as many whole characters as fit into size bytes (at least 1) with a NUL; characters that
 * bl_text_clean() refuses become '?'. ret may be s if len is less than size. */
void bl_text_scrub(char *ret, size_t size, const char *s, size_t len);
/* Copies at most BL_NAME_MAX bytes, with '?' for what bl_text_clean() refuses, and a NUL: for
 * names of existing domains. */
void bl_text_sanitize(char ret[BL_NAME_MAX + 1], const char *s, size_t len);

#endif
