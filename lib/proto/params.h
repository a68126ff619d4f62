/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decodes the params of a request into a struct, by a table. Refuses everything that a client can
 * do wrong, with a message that names the parameter. */
#ifndef BL_PROTO_PARAMS_H
#define BL_PROTO_PARAMS_H

#include "lib/core/text.h"
#include "lib/core/units.h"
#include "lib/core/uuid.h"
#include "lib/proto/json.h"

enum bl_param_kind {
	BL_PARAM_BOOL,	  /* bool */
	BL_PARAM_INT,	  /* int64_t from min to max */
	BL_PARAM_PAGES,	  /* bl_pages from bytes, rounded up; above 0, at most 2^62 */
	BL_PARAM_SECONDS, /* bl_ms, rounded up; with min 1 above 0 */
	BL_PARAM_UUID,	  /* bl_uuid */
	BL_PARAM_NAME,	  /* char[BL_NAME_MAX + 1]: clean, not empty */
	BL_PARAM_ENUM,	  /* int: the index in names */
	BL_PARAM_DOMAIN,  /* char[BL_NAME_MAX + 1]: a name or UUID as sent, a domid in digits */
	BL_PARAM_DOMAINS, /* const struct bl_json *: an array of different domains, see bl_param_domain_text() */
	/* const char * into the request: any string. A string with a NUL becomes "", since it
	 * names no claim. */
	BL_PARAM_CLAIM,
	BL_PARAM_CLAIMS, /* const struct bl_json *: an array of at least one claim, all different */
	BL_PARAM_VALUES, /* const struct bl_json *: an object of at least one string, all clean */
};

/* Most elements of an array, or members of an object: bounds the work of a request by more than
 * the length of the request. */
#define BL_PARAM_ARRAY_MAX 256

#define BL_PARAM_NO_HAS ((size_t)-1)

struct bl_param {
	const char *name;
	enum bl_param_kind kind;
	bool required;
	size_t at;  /* offset of the value */
	size_t has; /* offset of a bool that is set to true; BL_PARAM_NO_HAS: none */
	int64_t min, max;
	const char *const *names; /* ENUM: the names, with NULL at the end */
};

/* Rows of a table. Other members (.min, .max, .names) may follow in the braces. */
#define BL_PARAM_REQUIRED(type, member, param, which)                                                       \
	.name = (param), .kind = (which), .required = true, .at = offsetof(type, member),                   \
	.has = BL_PARAM_NO_HAS
#define BL_PARAM_OPTIONAL(type, member, param, which)                                                       \
	.name = (param), .kind = (which), .at = offsetof(type, member), .has = BL_PARAM_NO_HAS
#define BL_PARAM_OPTIONAL_HAS(type, member, has_member, param, which)                                       \
	.name = (param), .kind = (which), .at = offsetof(type, member), .has = offsetof(type, has_member)

/* params may be NULL. Members of *dest without a parameter keep their defaults; all do after an
 * error: -EINVAL with BL_ERR_INVALID_PARAMS. Pointers in *dest are valid as long as params. */
int bl_params_decode(const struct bl_json *params, const struct bl_param *table, size_t n, void *dest,
		     struct bl_err *reterr);

/* The text of an element of BL_PARAM_DOMAINS. */
void bl_param_domain_text(const struct bl_json *v, char ret[BL_NAME_MAX + 1]);
/* The text of an element of BL_PARAM_CLAIMS; never NULL. */
const char *bl_param_claim_text(const struct bl_json *v);

#endif
