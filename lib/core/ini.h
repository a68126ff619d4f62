/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts of [section] and key = value: the configuration, and the files of simulated worlds.
 * A comment begins with '#' or ';' at the start of a line or behind a blank, a key ends at
 * '=' or ':', and a line ends where it ends. */
#ifndef BL_CORE_INI_H
#define BL_CORE_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/err.h"

/* Of a line, without its newline. A longer one is an error: it is not cut. */
#define BL_INI_LINE_MAX 1023

struct bl_ini {
	const char *file; /* for messages */
	unsigned line;	  /* where the reader is, from 1 */
	struct bl_err *reterr;
	void *ud;
	/* What stands between the brackets, without blanks around it. Return 0, or a
	 * negative errno with *reterr filled. */
	int (*on_section)(struct bl_ini *in, char *name);
	/* Never before the first section. */
	int (*on_key)(struct bl_ini *in, const char *key, const char *value);
};

/* Reads all of text, until a function returns an error, which is returned. */
int bl_ini_read(struct bl_ini *in, const char *text, size_t len);

/* "FILE:LINE: message", with a '?' for each character that does not show. Returns -errnum. */
int bl_ini_fail(const struct bl_ini *in, unsigned line, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
