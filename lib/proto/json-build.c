/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/json-build.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/text.h"
#include "lib/proto/json-text.h"

static int fail(struct bl_json_builder *b, const char *why)
{
	b->r = bl_err_set(b->reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s", why);
	return 0;
}

static int no_memory(struct bl_json_builder *b)
{
	b->r = bl_err_set(b->reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	return 0;
}

/* Takes over what *v owns, also on failure. */
static int add(struct bl_json_builder *b, struct bl_json *v)
{
	struct bl_json_frame *f;

	if (!b->depth) {
		b->root = *v;
		b->done = true;
		return 1;
	}
	f = &b->open[b->depth - 1];
	if (f->v.n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 4;
		struct bl_json *more = reallocarray(f->v.u.child, cap, sizeof(*more));

		if (!more) {
			bl_json_value_clear(v);
			return no_memory(b);
		}
		f->v.u.child = more;
		f->cap = cap;
	}
	v->key = f->key;
	f->key = NULL;
	f->v.u.child[f->v.n++] = *v;
	return 1;
}

int bl_json_build_null(struct bl_json_builder *b)
{
	struct bl_json v = { .type = BL_JSON_NULL };

	return add(b, &v);
}

int bl_json_build_bool(struct bl_json_builder *b, bool value)
{
	struct bl_json v = { .type = BL_JSON_BOOL, .u.boolean = value };

	return add(b, &v);
}

/* Fills *v from v->text; 0 or -errno. */
static int read_number(struct bl_json *v)
{
	int r;

	if (!strpbrk(v->text, ".eE")) {
		v->type = BL_JSON_INT;
		errno = 0;
		v->u.integer = strtoll(v->text, NULL, 10);
		return -errno;
	}
	v->type = BL_JSON_REAL;
	r = bl_json_real_read(v->text, &v->u.real);
	return r < 0 ? r : isfinite(v->u.real) ? 0 : -ERANGE;
}

int bl_json_build_number(struct bl_json_builder *b, const char *s, size_t len)
{
	struct bl_json v = { .n = len };
	int r;

	v.text = strndup(s, len);
	if (!v.text)
		return no_memory(b);
	r = read_number(&v);
	if (r < 0) {
		free(v.text);
		return r == -ERANGE ? fail(b, "a number does not fit 64 bits") : no_memory(b);
	}
	return add(b, &v);
}

int bl_json_build_string(struct bl_json_builder *b, const char *s, size_t len)
{
	struct bl_json v = { .type = BL_JSON_STRING, .n = len };

	if (!bl_text_utf8(s, len))
		return fail(b, "a string is not valid UTF-8");
	v.text = malloc(len + 1);
	if (!v.text)
		return no_memory(b);
	memcpy(v.text, s, len);
	v.text[len] = '\0';
	return add(b, &v);
}

int bl_json_build_key(struct bl_json_builder *b, const char *s, size_t len)
{
	struct bl_json_frame *f = &b->open[b->depth - 1];

	if (!bl_text_utf8(s, len) || memchr(s, 0, len))
		return fail(b, "a member's name is not valid UTF-8 or holds a NUL");
	f->key = strndup(s, len);
	return f->key ? 1 : no_memory(b);
}

int bl_json_build_open(struct bl_json_builder *b, enum bl_json_type type)
{
	if (b->depth == BL_JSON_DEPTH_MAX)
		return fail(b, "nested too deep");
	b->open[b->depth++] = (struct bl_json_frame){ .v.type = type };
	return 1;
}

static int refuse_duplicates(struct bl_json_builder *b, const struct bl_json *object)
{
	char name[BL_NAME_MAX + 1];
	const char *twice = NULL;

	if (bl_json_value_duplicate(object, &twice) < 0)
		return no_memory(b);
	if (!twice)
		return 1;
	bl_text_sanitize(name, twice, strlen(twice));
	b->r = bl_err_set(b->reterr, EINVAL, BL_ERR_INVALID_PARAMS, "\"%s\" is given twice", name);
	return 0;
}

int bl_json_build_close(struct bl_json_builder *b)
{
	struct bl_json v = b->open[--b->depth].v;

	if (v.type == BL_JSON_OBJECT && !refuse_duplicates(b, &v)) {
		bl_json_value_clear(&v);
		return 0;
	}
	return add(b, &v);
}

int bl_json_build_take(struct bl_json_builder *b, struct bl_json **ret)
{
	struct bl_json *root;

	assert(b->done && b->r == 0);
	root = malloc(sizeof(*root));
	if (!root) {
		no_memory(b);
		return b->r;
	}
	*root = b->root;
	b->done = false;
	*ret = root;
	return 0;
}

void bl_json_build_clear(struct bl_json_builder *b)
{
	while (b->depth) {
		struct bl_json_frame *f = &b->open[--b->depth];

		bl_json_value_clear(&f->v);
		free(f->key);
	}
	if (b->done)
		bl_json_value_clear(&b->root);
}
