/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in time: what the system's clocks show, and text for people and programs. */
#ifndef BD_TIMES_H
#define BD_TIMES_H

#include <stdint.h>
#include <time.h>

uint64_t bd_time_ns(clockid_t clock);
/* CLOCK_MONOTONIC in milliseconds: for how long this process waits or works. A simulated host has
 * a clock of its own. */
uint64_t bd_real_ms(void);

#define BD_UTC_STR 24
/* "2026-01-01T00:00:00Z" of seconds since 1970. Returns buf. */
const char *bd_utc_format(uint64_t seconds, char buf[BD_UTC_STR]);

#endif
