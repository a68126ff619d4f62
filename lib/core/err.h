/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An error for people and scripts: an errno for code, a stable id for scripts, and a message that
 * names what is wrong. */
#ifndef BL_CORE_ERR_H
#define BL_CORE_ERR_H

#include <stdarg.h>

/* The ids of the control protocol (`data.id`); the numbers are the application codes of JSON-RPC
 * and never change. */
enum bl_err_id {
	BL_ERR_NONE = 0,
	BL_ERR_NO_MEMORY = 1,
	BL_ERR_TIMEOUT = 2,
	BL_ERR_NO_SUCH_DOMAIN = 3,
	BL_ERR_NO_SUCH_CLAIM = 4,
	BL_ERR_AMBIGUOUS = 5,
	BL_ERR_NOT_PERMITTED = 6,
	BL_ERR_BAD_STATE = 7,
	BL_ERR_UNSUPPORTED = 8,
	BL_ERR_BACKEND = 9,
	/* Not application errors: -32602 of JSON-RPC, and the client's own. */
	BL_ERR_INVALID_PARAMS = 100,
	BL_ERR_NO_DAEMON = 101,
};

#define BL_ERR_MSG_MAX 1024

struct bl_err {
	int errnum; /* positive errno */
	enum bl_err_id id;
	char msg[BL_ERR_MSG_MAX]; /* UTF-8, one line, no trailing newline */
};

/* Fills *err (which may be NULL) and returns -errnum, so that a function can
 * end with `return bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, ...)`. */
int bl_err_set(struct bl_err *err, int errnum, enum bl_err_id id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int bl_err_setv(struct bl_err *err, int errnum, enum bl_err_id id, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

/* "no-memory" for BL_ERR_NO_MEMORY; never NULL. */
const char *bl_err_id_name(enum bl_err_id id);
/* The id with that name; BL_ERR_NONE if there is none. */
enum bl_err_id bl_err_id_parse(const char *name);

#endif
