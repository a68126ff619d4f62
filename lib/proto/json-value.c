/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/proto/json-value.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/text.h"

static bool container(const struct bl_json *v)
{
	return v->type == BL_JSON_ARRAY || v->type == BL_JSON_OBJECT;
}

/* BL_JSON_DEPTH_MAX bounds the recursion. */
void bl_json_value_clear(struct bl_json *v)
{
	if (container(v)) {
		for (size_t i = 0; i < v->n; i++)
			bl_json_value_clear(&v->u.child[i]);
		free(v->u.child);
	}
	free(v->key);
	free(v->text);
}

void bl_json_free(struct bl_json *root)
{
	if (root)
		bl_json_value_clear(root);
	free(root);
}

void bl_json_scrub(struct bl_json *v)
{
	if (v->key)
		bl_text_scrub(v->key, strlen(v->key) + 1, v->key, strlen(v->key));
	if (v->type == BL_JSON_STRING) {
		bl_text_scrub(v->text, v->n + 1, v->text, v->n);
		v->n = strlen(v->text);
	}
	for (size_t i = 0; container(v) && i < v->n; i++)
		bl_json_scrub(&v->u.child[i]);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the names: comparing each with each would let a request with ten thousand members hold up
 * everybody. */
int bl_json_value_duplicate(const struct bl_json *object, const char **ret_key)
{
	const char *found = NULL;
	const char **names;

	if (object->n < 2) {
		*ret_key = NULL;
		return 0;
	}
	names = calloc(object->n, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < object->n; i++)
		names[i] = object->u.child[i].key;
	qsort(names, object->n, sizeof(*names), by_name);
	for (size_t i = 1; i < object->n && !found; i++)
		if (!strcmp(names[i - 1], names[i]))
			found = names[i];
	free(names);
	*ret_key = found;
	return 0;
}

enum bl_json_type bl_json_type(const struct bl_json *v)
{
	return v->type;
}

bool bl_json_bool(const struct bl_json *v)
{
	assert(v->type == BL_JSON_BOOL);
	return v->u.boolean;
}

int64_t bl_json_int(const struct bl_json *v)
{
	assert(v->type == BL_JSON_INT);
	return v->u.integer;
}

double bl_json_real(const struct bl_json *v)
{
	assert(v->type == BL_JSON_INT || v->type == BL_JSON_REAL);
	return v->type == BL_JSON_INT ? (double)v->u.integer : v->u.real;
}

const char *bl_json_string(const struct bl_json *v, size_t *ret_len)
{
	assert(v->type == BL_JSON_STRING);
	if (ret_len)
		*ret_len = v->n;
	return v->text;
}

size_t bl_json_count(const struct bl_json *v)
{
	return v && container(v) ? v->n : 0;
}

const struct bl_json *bl_json_at(const struct bl_json *v, size_t i)
{
	assert(i < bl_json_count(v));
	return &v->u.child[i];
}

const char *bl_json_key(const struct bl_json *v, size_t i)
{
	assert(v->type == BL_JSON_OBJECT && i < v->n);
	return v->u.child[i].key;
}

const struct bl_json *bl_json_get(const struct bl_json *v, const char *key)
{
	if (!v || v->type != BL_JSON_OBJECT)
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->u.child[i].key, key))
			return &v->u.child[i];
	return NULL;
}
