/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an xl command would build, and how much memory that needs. */
#ifndef CLI_XL_H
#define CLI_XL_H

#include "lib/core/err.h"
#include "lib/core/text.h"
#include "lib/core/units.h"

struct cli_xl_need {
	char name[BL_NAME_MAX + 1]; /* "" unknown */
	bl_bytes memory;	    /* the domain's own */
	/* What libxl asks for beside it, and rounds up: shadow_memkb, and 2 MiB or
	 * for PV 1 MiB (libxl_domain_need_memory). */
	bl_bytes overhead;
};

enum cli_xl {
	CLI_XL_OTHER,	/* builds nothing that is known here */
	CLI_XL_BUILDS,	/* *ret is filled */
	CLI_XL_UNKNOWN, /* builds, and what it needs cannot be told: *reterr says why */
};

/* argv as it would be executed, ended by NULL. `xl create` is asked for its
 * configuration without building (-n), of `xl restore` the file is read. */
enum cli_xl cli_xl_need(char *const argv[], struct cli_xl_need *ret, struct bl_err *reterr);

#endif
