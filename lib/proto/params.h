/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A request's params into a struct, by a table. Everything a client can send
 * wrong is refused here, with a message that names the parameter. */
#ifndef BL_PROTO_PARAMS_H
#define BL_PROTO_PARAMS_H

#include "lib/core/text.h"
#include "lib/core/units.h"
#include "lib/core/uuid.h"
#include "lib/proto/json.h"

enum bl_param_kind {
	BL_PARAM_BOOL,	  /* bool */
	BL_PARAM_INT,	  /* int64_t within min..max */
	BL_PARAM_PAGES,	  /* bl_pages from bytes, rounded up; above 0, at most 2^62 */
	BL_PARAM_SECONDS, /* bl_ms, rounded up; at least min (0 or 1: above 0) */
	BL_PARAM_UUID,	  /* bl_uuid */
	BL_PARAM_NAME,	  /* char[BL_NAME_MAX + 1]: clean, not empty */
	BL_PARAM_ENUM,	  /* int: the place in names */
	BL_PARAM_DOMAIN,  /* char[BL_NAME_MAX + 1]: a name or UUID as sent, a domid in digits */
	BL_PARAM_DOMAINS, /* const struct bl_json *: an array of different ones, see bl_param_domain_text */
	/* const char * into the request: any string at all; one with a NUL in it
	 * becomes "", for it names no claim either */
	BL_PARAM_CLAIM,
	BL_PARAM_CLAIMS, /* const struct bl_json *: an array of different ones, at least one */
	BL_PARAM_VALUES, /* const struct bl_json *: an object of strings, at least one, clean */
};

/* Elements of an array, members of an object: what is done for each is bounded by this, not
 * by the length of a request. */
#define BL_PARAM_ARRAY_MAX 256

#define BL_PARAM_NO_HAS ((size_t)-1)

struct bl_param {
	const char *name;
	enum bl_param_kind kind;
	bool required;
	size_t at;  /* offset of the value in the struct */
	size_t has; /* offset of a bool that becomes true; BL_PARAM_NO_HAS: none */
	int64_t min, max;
	const char *const *names; /* ENUM: ends with NULL */
};

/* Rows. Further members (.min, .max, .names) may follow in the braces. */
#define BL_PARAM_REQUIRED(type, member, param, which)                                                       \
	.name = (param), .kind = (which), .required = true, .at = offsetof(type, member),                   \
	.has = BL_PARAM_NO_HAS
#define BL_PARAM_OPTIONAL(type, member, param, which)                                                       \
	.name = (param), .kind = (which), .at = offsetof(type, member), .has = BL_PARAM_NO_HAS
#define BL_PARAM_OPTIONAL_HAS(type, member, has_member, param, which)                                       \
	.name = (param), .kind = (which), .at = offsetof(type, member), .has = offsetof(type, has_member)

/* params may be NULL (none were sent). *dest keeps its defaults where nothing
 * was sent and everything when this fails: -EINVAL, BL_ERR_INVALID_PARAMS.
 * Pointers in it live as long as params. */
int bl_params_decode(const struct bl_json *params, const struct bl_param *table, size_t n, void *dest,
		     struct bl_err *reterr);

/* One element of BL_PARAM_DOMAINS as text. */
void bl_param_domain_text(const struct bl_json *v, char ret[BL_NAME_MAX + 1]);
/* One element of BL_PARAM_CLAIMS; never NULL. */
const char *bl_param_claim_text(const struct bl_json *v);

#endif
