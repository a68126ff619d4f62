/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON, parsed and written. Only this module uses yajl. */
#ifndef BL_PROTO_JSON_H
#define BL_PROTO_JSON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/err.h"

#define BL_JSON_DEPTH_MAX 16

enum bl_json_type {
	BL_JSON_NULL,
	BL_JSON_BOOL,
	BL_JSON_INT,
	BL_JSON_REAL,
	BL_JSON_STRING,
	BL_JSON_ARRAY,
	BL_JSON_OBJECT
};

struct bl_json; /* a parsed value; the root owns all others */

/* Parses exactly one value. Refuses invalid UTF-8 and unpaired surrogates, depth beyond
 * BL_JSON_DEPTH_MAX, duplicate keys, a NUL in a key, text after the value, integers beyond 64
 * bits. A number with a point or an exponent is REAL. -EINVAL with BL_ERR_INVALID_PARAMS, or
 * -ENOMEM. */
int bl_json_parse(const char *text, size_t len, struct bl_json **ret, struct bl_err *reterr);
void bl_json_free(struct bl_json *root); /* NULL is fine */
/* For a terminal: in all strings and names of members, characters that bl_text_clean() refuses
 * become '?'. */
void bl_json_scrub(struct bl_json *root);

enum bl_json_type bl_json_type(const struct bl_json *v);
bool bl_json_bool(const struct bl_json *v);   /* of a BOOL */
int64_t bl_json_int(const struct bl_json *v); /* of an INT */
double bl_json_real(const struct bl_json *v); /* of an INT or REAL */
/* NUL-terminated; compare *ret_len (may be NULL) to find embedded NULs. */
const char *bl_json_string(const struct bl_json *v, size_t *ret_len);
size_t bl_json_count(const struct bl_json *v); /* of an ARRAY or OBJECT, otherwise 0; v may be NULL */
const struct bl_json *bl_json_at(const struct bl_json *v, size_t i); /* element or member value */
const char *bl_json_key(const struct bl_json *v, size_t i);	     /* member name */
/* The value of a member; NULL if v is not an object or has no such member. v may be NULL. */
const struct bl_json *bl_json_get(const struct bl_json *v, const char *key);

/* Writes into a growing buffer. An error (out of memory, invalid UTF-8, NaN) stays: later calls
 * do nothing, and bl_json_out_end() returns it. */
struct bl_json_out;
struct bl_json_out *bl_json_out_new(void); /* NULL: out of memory */
void bl_json_out_free(struct bl_json_out *o);
void bl_json_out_clear(struct bl_json_out *o);		     /* starts the next document */
void bl_json_object(struct bl_json_out *o, const char *key); /* key: NULL in arrays and at the root */
void bl_json_object_end(struct bl_json_out *o);
void bl_json_array(struct bl_json_out *o, const char *key);
void bl_json_array_end(struct bl_json_out *o);
void bl_json_put_null(struct bl_json_out *o, const char *key);
void bl_json_put_bool(struct bl_json_out *o, const char *key, bool v);
void bl_json_put_int(struct bl_json_out *o, const char *key, int64_t v);
/* A number beyond 63 bits, which readers could not take, is written as INT64_MAX. */
void bl_json_put_uint(struct bl_json_out *o, const char *key, uint64_t v);
void bl_json_put_real(struct bl_json_out *o, const char *key, double v);
void bl_json_put_string(struct bl_json_out *o, const char *key, const char *v); /* NULL: null */
/* Copies a parsed value; numbers keep their digits. */
void bl_json_put_value(struct bl_json_out *o, const char *key, const struct bl_json *v);
/* 0 with the text, valid until the next call on o; or -errno. */
int bl_json_out_end(struct bl_json_out *o, const char **ret_text, size_t *ret_len);

/* The same with a newline at the end. */
int bl_json_out_end_line(struct bl_json_out *o, const char **ret_text, size_t *ret_len);

#endif
