/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in time, formatted. */
#ifndef BD_UTC_H
#define BD_UTC_H

#include <stdint.h>

#define BD_UTC_STR 24
/* "2026-01-01T00:00:00Z" of seconds since 1970. Returns buf. */
const char *bd_utc_format(uint64_t seconds, char buf[BD_UTC_STR]);

#endif
