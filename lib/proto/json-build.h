/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds a tree from the callbacks of a parser; for json.c alone. */
#ifndef BL_PROTO_JSON_BUILD_H
#define BL_PROTO_JSON_BUILD_H

#include "lib/proto/json-value.h"

/* A container that is not closed yet. */
struct bl_json_frame {
	struct bl_json v;
	size_t cap;
	char *key; /* of the next member */
};

/* Zeroed, except reterr, at the start. */
struct bl_json_builder {
	struct bl_json_frame open[BL_JSON_DEPTH_MAX];
	unsigned depth;
	struct bl_json root;
	bool done; /* root has its value */
	int r;	   /* why building stopped */
	struct bl_err *reterr;
};

/* These return as yajl's callbacks: 1 to go on; 0 to stop, with r set. */
int bl_json_build_null(struct bl_json_builder *b);
int bl_json_build_bool(struct bl_json_builder *b, bool v);
int bl_json_build_number(struct bl_json_builder *b, const char *s, size_t len);
int bl_json_build_string(struct bl_json_builder *b, const char *s, size_t len);
int bl_json_build_key(struct bl_json_builder *b, const char *s, size_t len);
int bl_json_build_open(struct bl_json_builder *b, enum bl_json_type type);
int bl_json_build_close(struct bl_json_builder *b);

/* The finished tree. */
int bl_json_build_take(struct bl_json_builder *b, struct bl_json **ret);
/* Frees what the builder still owns, wherever it stopped. */
void bl_json_build_clear(struct bl_json_builder *b);

#endif
