/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/times.h"

#include <stdio.h>

uint64_t bd_time_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t bd_real_ms(void)
{
	return bd_time_ns(CLOCK_MONOTONIC) / 1000000;
}

const char *bd_utc_format(uint64_t seconds, char buf[BD_UTC_STR])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year > 8099 || !strftime(buf, BD_UTC_STR, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, BD_UTC_STR, "9999-12-31T23:59:59Z");
	return buf;
}
