/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reader for as much JSON as the daemon's answers need, without memory of its own. */
#ifndef BL_HOOK_REPLY_H
#define BL_HOOK_REPLY_H

#include <stddef.h>

/* The value of a member of the object at text, or NULL. Works on a text that was cut off: members
 * before the cut are found. */
const char *bl_hook_member(const char *text, const char *end, const char *name);
/* Copies the string at value, cut to size; escapes other than \" \\ and \/ become spaces. "" if
 * there is no string. */
void bl_hook_string(const char *value, const char *end, char *ret, size_t size);

#endif
