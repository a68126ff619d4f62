/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads texts of [section] and key = value: the configuration, and the files of simulated worlds. A
 * comment begins with '#' or ';' at the start of a line or after a blank, a key ends at '=' or ':',
 * and no value goes on in the next line. */
#ifndef BL_CORE_INI_H
#define BL_CORE_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/err.h"

/* Longest line, without its newline. A longer line is an error and is not cut. */
#define BL_INI_LINE_MAX 1023

struct bl_ini {
	const char *file; /* for messages */
	unsigned line;	  /* where the reader is, from 1 */
	struct bl_err *reterr;
	void *ud;
	/* Both return 0, or -errno with *reterr filled. name: the text between the brackets,
	 * without the blanks around it. */
	int (*on_section)(struct bl_ini *in, char *name);
	/* Is not called before the first section. */
	int (*on_key)(struct bl_ini *in, const char *key, const char *value);
};

/* Reads all of text, or up to the first error, which is returned. */
int bl_ini_read(struct bl_ini *in, const char *text, size_t len);

/* Makes the error "FILE:LINE: message", with '?' for each invisible character. Returns -errnum. */
int bl_ini_fail(const struct bl_ini *in, unsigned line, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
