/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory that an xl command would need for the domain that it builds. */
#ifndef CLI_XL_H
#define CLI_XL_H

#include "lib/core/err.h"
#include "lib/core/text.h"
#include "lib/core/units.h"

struct cli_xl_need {
	char name[BL_NAME_MAX + 1]; /* "" if unknown */
	bl_bytes memory;	    /* of the domain itself */
	/* The rest of what libxl asks for, rounded up: shadow_memkb, and 2 MiB, for PV 1 MiB
	 * (libxl_domain_need_memory). */
	bl_bytes overhead;
};

enum cli_xl {
	CLI_XL_OTHER,	/* builds nothing that is known here */
	CLI_XL_BUILDS,	/* *ret is filled */
	CLI_XL_UNKNOWN, /* builds a domain whose need cannot be found out: *reterr has the reason */
};

/* argv: as it would be executed, with NULL at the end. Asks `xl create` for its configuration
 * without building (-n); reads the file of `xl restore`. */
enum cli_xl cli_xl_need(char *const argv[], struct cli_xl_need *ret, struct bl_err *reterr);

#endif
