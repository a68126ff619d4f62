/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As much of JSON as the daemon's answers need, without memory of its own. */
#ifndef BL_HOOK_REPLY_H
#define BL_HOOK_REPLY_H

#include <stddef.h>

/* The value of a member of the object that text begins with, up to end; NULL:
 * there is none. A text that was cut short has the members that came before. */
const char *bl_hook_member(const char *text, const char *end, const char *name);
/* The string that value begins with, cut to size; escapes but \" \\ and \/
 * become spaces. "" where there is no string. */
void bl_hook_string(const char *value, const char *end, char *ret, size_t size);

#endif
