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
#include "lib/proto/json-text.h"
#include "lib/proto/json-value.h"

/* yajl reads and prints numbers in the caller's locale, checks UTF-8 loosely,
 * clamps integers and does not look at malloc's answer. So numbers come in and
 * go out as text of ours, strings are checked here, and the output buffer is
 * our own. */

/* ---- in ---- */

/* A container that is still open. */
struct frame {
	struct bl_json v;
	size_t cap;
	char *key; /* of the member that comes next */
};

struct parser {
	struct frame open[BL_JSON_DEPTH_MAX];
	unsigned depth;
	struct bl_json root;
	bool done; /* root is set */
	int r;
	struct bl_err *reterr;
};

static int fail(struct parser *p, const char *why)
{
	p->r = bl_err_set(p->reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s", why);
	return 0;
}

static int no_memory(struct parser *p)
{
	p->r = bl_err_set(p->reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	return 0;
}

/* Takes over what *v owns, also when it fails. */
static int add(struct parser *p, struct bl_json *v)
{
	struct frame *f;

	if (!p->depth) {
		p->root = *v;
		p->done = true;
		return 1;
	}
	f = &p->open[p->depth - 1];
	if (f->v.n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 4;
		struct bl_json *more = reallocarray(f->v.u.child, cap, sizeof(*more));

		if (!more) {
			bl_json_value_clear(v);
			return no_memory(p);
		}
		f->v.u.child = more;
		f->cap = cap;
	}
	v->key = f->key;
	f->key = NULL;
	f->v.u.child[f->v.n++] = *v;
	return 1;
}

static int on_null(void *ud)
{
	struct bl_json v = { .type = BL_JSON_NULL };

	return add(ud, &v);
}

static int on_boolean(void *ud, int b)
{
	struct bl_json v = { .type = BL_JSON_BOOL, .u.boolean = b };

	return add(ud, &v);
}

static int on_number(void *ud, const char *s, size_t len)
{
	struct parser *p = ud;
	struct bl_json v = { .type = BL_JSON_INT, .n = len };

	v.text = strndup(s, len);
	if (!v.text)
		return no_memory(p);
	if (strpbrk(v.text, ".eE")) {
		v.type = BL_JSON_REAL;
		if (bl_json_real_read(v.text, &v.u.real) < 0) {
			free(v.text);
			return no_memory(p);
		}
	} else {
		errno = 0;
		v.u.integer = strtoll(v.text, NULL, 10);
	}
	if (v.type == BL_JSON_INT ? errno == ERANGE : !isfinite(v.u.real)) {
		free(v.text);
		return fail(p, "a number does not fit 64 bits");
	}
	return add(p, &v);
}

static int on_string(void *ud, const unsigned char *s, size_t len)
{
	struct parser *p = ud;
	struct bl_json v = { .type = BL_JSON_STRING, .n = len };

	if (!bl_text_utf8((const char *)s, len))
		return fail(p, "a string is not valid UTF-8");
	v.text = malloc(len + 1);
	if (!v.text)
		return no_memory(p);
	memcpy(v.text, s, len);
	v.text[len] = '\0';
	return add(p, &v);
}

static int on_key(void *ud, const unsigned char *s, size_t len)
{
	struct parser *p = ud;
	struct frame *f = &p->open[p->depth - 1];

	if (!bl_text_utf8((const char *)s, len) || memchr(s, 0, len))
		return fail(p, "a member's name is not valid UTF-8 or holds a NUL");
	f->key = strndup((const char *)s, len);
	return f->key ? 1 : no_memory(p);
}

static int open_container(struct parser *p, enum bl_json_type type)
{
	if (p->depth == BL_JSON_DEPTH_MAX)
		return fail(p, "nested too deep");
	p->open[p->depth++] = (struct frame){ .v.type = type };
	return 1;
}

static int close_container(struct parser *p)
{
	struct bl_json v = p->open[--p->depth].v;
	const char *twice = NULL;

	if (v.type == BL_JSON_OBJECT) {
		int r = bl_json_value_duplicate(&v, &twice);

		if (r == 0 && twice) {
			char name[BL_NAME_MAX + 1];

			bl_text_sanitize(name, twice, strlen(twice));
			p->r = bl_err_set(p->reterr, EINVAL, BL_ERR_INVALID_PARAMS,
					  "\"%s\" is given twice", name);
		} else if (r < 0) {
			no_memory(p);
		}
		if (p->r < 0) {
			bl_json_value_clear(&v);
			return 0;
		}
	}
	return add(p, &v);
}

static int on_start_map(void *ud)
{
	return open_container(ud, BL_JSON_OBJECT);
}

static int on_start_array(void *ud)
{
	return open_container(ud, BL_JSON_ARRAY);
}

static int on_end(void *ud)
{
	return close_container(ud);
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
	r = bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "not JSON: %s (byte %zu)",
		       why, yajl_get_bytes_consumed(h));
	yajl_free_error(h, text);
	return r;
}

static void parser_clear(struct parser *p)
{
	while (p->depth) {
		struct frame *f = &p->open[--p->depth];

		bl_json_value_clear(&f->v);
		free(f->key);
	}
	if (p->done)
		bl_json_value_clear(&p->root);
}

int bl_json_parse(const char *text, size_t len, struct bl_json **ret, struct bl_err *reterr)
{
	struct parser p = { .reterr = reterr };
	struct bl_json *root = NULL;
	yajl_status status;
	yajl_handle h;

	if (!bl_json_surrogates_paired(text, len))
		return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				  "a string holds half of a surrogate pair");
	h = yajl_alloc(&callbacks, NULL, &p);
	if (!h)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	status = yajl_parse(h, (const unsigned char *)text, len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	if (status == yajl_status_ok && p.r == 0) {
		root = p.done ? malloc(sizeof(*root)) : NULL;
		if (root) {
			*root = p.root;
			p.done = false;
		} else {
			no_memory(&p);
		}
	} else if (p.r == 0) {
		p.r = syntax_error(h, reterr);
	}
	yajl_free(h);
	parser_clear(&p);
	if (p.r < 0)
		return p.r;
	*ret = root;
	return 0;
}

/* ---- out ---- */

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

/* Keeps the first error of the generator: a call at the wrong place. */
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

/* True when the value that key belongs to may follow. */
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
	append(o, "", 1); /* terminate; not counted */
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
