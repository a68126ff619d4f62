/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests say of themselves in xenstore. All of it is hostile: short,
 * digits only, in range, or it is not there at all. */
#ifndef BL_CORE_TELEMETRY_H
#define BL_CORE_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/units.h"

/* Longest data/balloond/stat that is looked at. */
#define BL_TELEMETRY_STAT_MAX 256

/* data/balloond/stat, written by balloond's guest driver:
 *
 *     v=1 seq=N used_kib=N avail_kib=N psi=N
 *
 * KEY=NUMBER separated by single blanks, v=1 first, the others in any order,
 * each once; a key that is not known is skipped, so that a later driver may
 * say more. seq counts the reports, so that a report which happens to be the
 * same as the last can be told from a driver that died. */
struct bl_telemetry_stat {
	uint64_t seq;
	/* What the guest cannot do without, of all the memory the hypervisor
	 * gave it: its kernel's own included. */
	bl_kib used;
	bl_kib available; /* what it could give without reclaim */
	uint32_t pressure; /* PSI memory some avg10, hundredths of a percent, 0..10000 */
};

/* No terminating NUL is needed. Nothing is written unless true is returned. */
bool bl_telemetry_parse_stat(const char *text, size_t len, struct bl_telemetry_stat *ret);

/* One decimal number and nothing else, at most BL_TELEMETRY_KIB_MAX. */
#define BL_TELEMETRY_KIB_MAX (UINT64_C(1) << 44) /* 16 PiB */
bool bl_telemetry_parse_kib(const char *text, size_t len, bl_kib *ret);

#endif
