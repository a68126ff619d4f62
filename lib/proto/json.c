/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "lib/core/text.h"
#include "lib/proto/json-build.h"
#include "lib/proto/json-text.h"
#include "lib/proto/json-value.h"

/* yajl reads and prints numbers in the caller's locale, checks UTF-8 loosely, clamps integers and
 * ignores failures of malloc(). So we convert numbers and check strings ourselves, and use our
 * own output buffer. */

/* ---- parser ---- */

static int on_null(void *ud)
{
	return bl_json_build_null(ud);
}

static int on_boolean(void *ud, int b)
{
	return bl_json_build_bool(ud, b);
}

static int on_number(void *ud, const char *s, size_t len)
{
	return bl_json_build_number(ud, s, len);
}

static int on_string(void *ud, const unsigned char *s, size_t len)
{
	return bl_json_build_string(ud, (const char *)s, len);
}

static int on_key(void *ud, const unsigned char *s, size_t len)
{
	return bl_json_build_key(ud, (const char *)s, len);
}

static int on_start_map(void *ud)
{
	return bl_json_build_open(ud, BL_JSON_OBJECT);
}

static int on_start_array(void *ud)
{
	return bl_json_build_open(ud, BL_JSON_ARRAY);
}

static int on_end(void *ud)
{
	return bl_json_build_close(ud);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

static int syntax_error(yajl_handle h, struct bl_err *reterr)
{
	unsigned char *text = yajl_get_error(h, 0, NULL, 0);
	char why[BL_NAME_MAX + 1];
	int r;

	bl_text_sanitize(why, (const char *)text, text ? strcspn((const char *)text, "\n") : 0);
	r = bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "not JSON: %s (byte %zu)", why,
		       yajl_get_bytes_consumed(h));
	yajl_free_error(h, text);
	return r;
}

int bl_json_parse(const char *text, size_t len, struct bl_json **ret, struct bl_err *reterr)
{
	struct bl_json_builder b = { .reterr = reterr };
	yajl_status status;
	yajl_handle h;
	int r;

	if (!bl_json_surrogates_paired(text, len))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "a string holds half of a surrogate pair");
	h = yajl_alloc(&callbacks, NULL, &b);
	if (!h)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	status = yajl_parse(h, (const unsigned char *)text, len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	r = b.r;
	if (r == 0 && status != yajl_status_ok)
		r = syntax_error(h, reterr);
	yajl_free(h);
	if (r == 0)
		r = bl_json_build_take(&b, ret);
	bl_json_build_clear(&b);
	return r;
}

/* ---- writer ---- */

struct bl_json_out {
	yajl_gen gen;
	char *buf;
	size_t len, cap;
	unsigned depth;
	int r; /* the first error */
};

static void out_fail(struct bl_json_out *o, int r)
{
	if (o->r == 0)
		o->r = r;
}

static void append(void *ud, const char *s, size_t len)
{
	struct bl_json_out *o = ud;

	if (o->r < 0)
		return;
	if (len >= o->cap - o->len) {
		size_t cap = o->cap;
		char *more;

		while (len >= cap - o->len)
			cap = cap ? cap * 2 : 512;
		more = realloc(o->buf, cap);
		if (!more) {
			out_fail(o, -ENOMEM);
			return;
		}
		o->buf = more;
		o->cap = cap;
	}
	memcpy(o->buf + o->len, s, len);
	o->len += len;
}

struct bl_json_out *bl_json_out_new(void)
{
	struct bl_json_out *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->gen = yajl_gen_alloc(NULL);
	if (!o->gen) {
		bl_json_out_free(o);
		return NULL;
	}
	yajl_gen_config(o->gen, yajl_gen_validate_utf8, 1);
	yajl_gen_config(o->gen, yajl_gen_print_callback, append, o);
	return o;
}

void bl_json_out_free(struct bl_json_out *o)
{
	if (!o)
		return;
	if (o->gen)
		yajl_gen_free(o->gen);
	free(o->buf);
	free(o);
}

void bl_json_out_clear(struct bl_json_out *o)
{
	yajl_gen_reset(o->gen, NULL);
	o->len = 0;
	o->depth = 0;
	o->r = 0;
}

/* Keeps the first error of the generator: a call in the wrong place. */
static void check(struct bl_json_out *o, yajl_gen_status s)
{
	if (s != yajl_gen_status_ok)
		out_fail(o, -EINVAL);
}

static void text(struct bl_json_out *o, const char *s, size_t len)
{
	if (!bl_text_utf8(s, len))
		out_fail(o, -EILSEQ);
	else
		check(o, yajl_gen_string(o->gen, (const unsigned char *)s, len));
}

/* Writes key. True if its value may follow. */
static bool begin(struct bl_json_out *o, const char *key)
{
	if (o->r == 0 && key)
		text(o, key, strlen(key));
	return o->r == 0;
}

static void open_out(struct bl_json_out *o, const char *key, yajl_gen_status (*open)(yajl_gen))
{
	if (!begin(o, key))
		return;
	check(o, open(o->gen));
	o->depth++;
}

static void close_out(struct bl_json_out *o, yajl_gen_status (*close)(yajl_gen))
{
	if (o->r < 0)
		return;
	if (!o->depth) {
		out_fail(o, -EINVAL);
		return;
	}
	check(o, close(o->gen));
	o->depth--;
}

void bl_json_object(struct bl_json_out *o, const char *key)
{
	open_out(o, key, yajl_gen_map_open);
}

void bl_json_object_end(struct bl_json_out *o)
{
	close_out(o, yajl_gen_map_close);
}

void bl_json_array(struct bl_json_out *o, const char *key)
{
	open_out(o, key, yajl_gen_array_open);
}

void bl_json_array_end(struct bl_json_out *o)
{
	close_out(o, yajl_gen_array_close);
}

void bl_json_put_null(struct bl_json_out *o, const char *key)
{
	if (begin(o, key))
		check(o, yajl_gen_null(o->gen));
}

void bl_json_put_bool(struct bl_json_out *o, const char *key, bool v)
{
	if (begin(o, key))
		check(o, yajl_gen_bool(o->gen, v));
}

void bl_json_put_int(struct bl_json_out *o, const char *key, int64_t v)
{
	if (begin(o, key))
		check(o, yajl_gen_integer(o->gen, v));
}

void bl_json_put_uint(struct bl_json_out *o, const char *key, uint64_t v)
{
	bl_json_put_int(o, key, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void bl_json_put_real(struct bl_json_out *o, const char *key, double v)
{
	char digits[BL_JSON_REAL_STR];
	int r = isfinite(v) ? bl_json_real_write(v, digits) : -EDOM;

	if (r < 0)
		out_fail(o, r);
	else if (begin(o, key))
		check(o, yajl_gen_number(o->gen, digits, strlen(digits)));
}

void bl_json_put_string(struct bl_json_out *o, const char *key, const char *v)
{
	if (!v)
		bl_json_put_null(o, key);
	else if (begin(o, key))
		text(o, v, strlen(v));
}

void bl_json_put_value(struct bl_json_out *o, const char *key, const struct bl_json *v)
{
	switch (v->type) {
	case BL_JSON_NULL:
		bl_json_put_null(o, key);
		break;
	case BL_JSON_BOOL:
		bl_json_put_bool(o, key, v->u.boolean);
		break;
	case BL_JSON_INT:
	case BL_JSON_REAL:
		if (begin(o, key))
			check(o, yajl_gen_number(o->gen, v->text, v->n));
		break;
	case BL_JSON_STRING:
		if (begin(o, key))
			text(o, v->text, v->n);
		break;
	case BL_JSON_ARRAY:
		bl_json_array(o, key);
		for (size_t i = 0; i < v->n; i++)
			bl_json_put_value(o, NULL, &v->u.child[i]);
		bl_json_array_end(o);
		break;
	case BL_JSON_OBJECT:
		bl_json_object(o, key);
		for (size_t i = 0; i < v->n; i++)
			bl_json_put_value(o, v->u.child[i].key, &v->u.child[i]);
		bl_json_object_end(o);
		break;
	}
}

int bl_json_out_end(struct bl_json_out *o, const char **ret_text, size_t *ret_len)
{
	if (o->r == 0 && (o->depth || !o->len))
		out_fail(o, -EINVAL);
	append(o, "", 1); /* a NUL, which is not counted */
	if (o->r < 0)
		return o->r;
	o->len--;
	*ret_text = o->buf;
	*ret_len = o->len;
	return 0;
}

int bl_json_out_end_line(struct bl_json_out *o, const char **ret_text, size_t *ret_len)
{
	if (o->r == 0 && (o->depth || !o->len))
		out_fail(o, -EINVAL);
	append(o, "\n", 1);
	return bl_json_out_end(o, ret_text, ret_len);
}
