/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be true whatever happens. Whatever is not ends the world. */
#ifndef TESTS_STATEFUL_CHECKS_H
#define TESTS_STATEFUL_CHECKS_H

#include <stdbool.h>

#include "lib/core/ledger.h"
#include "lib/core/settings.h"
#include "tests/stateful/host.h"

void checks_begin(const struct host_view *host);
void checks_print_log(void); /* its last lines */
/* The configuration of every daemon of this world. */
void check_settings(struct bl_settings *ret);

/* ---- at each step of the daemon ---- */

void check_log(const char *line);

/* ---- after each step of the world ---- */

/* Why a claim that was held may not be held any more. */
void check_may_end(const bl_uuid *id);	  /* it was released, or handed to a domain */
void check_harmed(const bl_uuid *handle); /* an outsider did something to its holder */
void check_all_may_end(void);		  /* something happened that may have been to any */
/* The daemon and the host, as they are now. calm: nothing fails now, and what happened was
 * long ago. */
void check_step(bool calm);
/* All is over: no claim is left anywhere. */
void check_end(void);

#endif
