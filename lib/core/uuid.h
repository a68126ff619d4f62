/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 16 bytes, as Xen's domain handle has them. */
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
/* Exactly 8-4-4-4-12 hexadecimal digits of either case, nothing around. */
bool bl_uuid_parse(const char *text, bl_uuid *ret);
/* Lower case. */
void bl_uuid_format(const bl_uuid *u, char ret[BL_UUID_STR]);

#endif
