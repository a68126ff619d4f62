/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tree behind json.h, for json.c alone. */
#ifndef BL_PROTO_JSON_VALUE_H
#define BL_PROTO_JSON_VALUE_H

#include "lib/proto/json.h"

/* Children lie side by side in their parent, so a value is one allocation
 * a container and one a string, whatever a client sends. */
struct bl_json {
	char *key;  /* as a member of an object; owned */
	char *text; /* STRING; REAL and INT: as it was written; owned */
	size_t n;   /* bytes of text, or children */
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct bl_json *child; /* owned */
	} u;
	enum bl_json_type type;
};

/* Frees what v owns, not v. */
void bl_json_value_clear(struct bl_json *v);
/* The first name that two members share; NULL when all differ. -ENOMEM. */
int bl_json_value_duplicate(const struct bl_json *object, const char **ret_key);

#endif
