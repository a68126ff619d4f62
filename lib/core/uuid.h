/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 16 bytes, like a domain handle of Xen. */
#ifndef BL_CORE_UUID_H
#define BL_CORE_UUID_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint8_t b[16];
} bl_uuid;

#define BL_UUID_STR 37 /* 36 characters and a NUL */

bool bl_uuid_equal(const bl_uuid *a, const bl_uuid *b);
bool bl_uuid_is_null(const bl_uuid *a);
/* Exactly 8-4-4-4-12 hexadecimal digits in any case. */
bool bl_uuid_parse(const char *text, bl_uuid *ret);
/* In lower case. */
void bl_uuid_format(const bl_uuid *u, char ret[BL_UUID_STR]);

#endif
