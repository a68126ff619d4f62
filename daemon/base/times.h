/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in time: of the system's clocks, and as people and programs read them. */
#ifndef BD_TIMES_H
#define BD_TIMES_H

#include <stdint.h>
#include <time.h>

uint64_t bd_time_ns(clockid_t clock);
/* CLOCK_MONOTONIC in milliseconds: how long this process waits or works, whatever clock
 * the host has. */
uint64_t bd_real_ms(void);

#define BD_UTC_STR 24
/* "2026-01-01T00:00:00Z" of seconds since 1970. Returns buf. */
const char *bd_utc_format(uint64_t seconds, char buf[BD_UTC_STR]);

#endif
