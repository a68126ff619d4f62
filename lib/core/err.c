/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/core/err.h"

#include <stdio.h>
#include <string.h>

#include "lib/core/text.h"

static const struct {
	enum bl_err_id id;
	const char *name;
} ids[] = {
	{ BL_ERR_NO_MEMORY, "no-memory" },
	{ BL_ERR_TIMEOUT, "timeout" },
	{ BL_ERR_NO_SUCH_DOMAIN, "no-such-domain" },
	{ BL_ERR_NO_SUCH_CLAIM, "no-such-claim" },
	{ BL_ERR_AMBIGUOUS, "ambiguous" },
	{ BL_ERR_NOT_PERMITTED, "not-permitted" },
	{ BL_ERR_BAD_STATE, "bad-state" },
	{ BL_ERR_UNSUPPORTED, "unsupported" },
	{ BL_ERR_BACKEND, "backend" },
	{ BL_ERR_INVALID_PARAMS, "invalid-params" },
	{ BL_ERR_NO_DAEMON, "no-daemon" },
};

#define N_IDS (sizeof(ids) / sizeof(ids[0]))

int bl_err_setv(struct bl_err *err, int errnum, enum bl_err_id id, const char *fmt, va_list ap)
{
	char msg[BL_ERR_MSG_MAX];

	if (err) {
		err->errnum = errnum;
		err->id = id;
		/* What the message quotes came from outside, and may be cut within a character. */
		vsnprintf(msg, sizeof(msg), fmt, ap);
		bl_text_scrub(err->msg, sizeof(err->msg), msg, strlen(msg));
	}
	return -errnum;
}

int bl_err_set(struct bl_err *err, int errnum, enum bl_err_id id, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = bl_err_setv(err, errnum, id, fmt, ap);
	va_end(ap);
	return r;
}

const char *bl_err_id_name(enum bl_err_id id)
{
	for (size_t i = 0; i < N_IDS; i++)
		if (ids[i].id == id)
			return ids[i].name;
	return "none";
}

enum bl_err_id bl_err_id_parse(const char *name)
{
	for (size_t i = 0; i < N_IDS; i++)
		if (!strcmp(ids[i].name, name))
			return ids[i].id;
	return BL_ERR_NONE;
}
