/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/utc.h"

#include <stdio.h>
#include <time.h>

const char *bd_utc_format(uint64_t seconds, char buf[BD_UTC_STR])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year > 8099 || !strftime(buf, BD_UTC_STR, "%Y-%m-%dT%H:%M:%SZ", &tm))
		(void)snprintf(buf, BD_UTC_STR, "9999-12-31T23:59:59Z");
	return buf;
}
