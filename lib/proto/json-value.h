/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree of values behind json.h; for json.c alone. */
#ifndef BL_PROTO_JSON_VALUE_H
#define BL_PROTO_JSON_VALUE_H

#include "lib/proto/json.h"

/* The children of a container are one array, so a value costs one allocation per container and
 * one per string, whatever a client sends. */
struct bl_json {
	char *key;  /* as a member of an object; owned */
	char *text; /* of a STRING; of a REAL or INT as it was written; owned */
	size_t n;   /* bytes of text, or children */
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct bl_json *child; /* owned */
	} u;
	enum bl_json_type type;
};

/* Frees what v owns, but not v. */
void bl_json_value_clear(struct bl_json *v);
/* The first name that two members have; NULL if all differ. -ENOMEM. */
int bl_json_value_duplicate(const struct bl_json *object, const char **ret_key);

#endif
