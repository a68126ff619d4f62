/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What guests report in xenstore. All of it is hostile: a value that is not short, made of digits
 * and in range counts as missing. */
#ifndef BL_CORE_TELEMETRY_H
#define BL_CORE_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/core/units.h"

/* Longest data/balloond/stat that is read. */
#define BL_TELEMETRY_STAT_MAX 512

/* data/balloond/stat, written by balloond's guest driver:
 *
 *     v=1 seq=N state=N reason=N current_kib=N target_kib=N min_kib=N max_kib=N
 *     used_kib=N avail_kib=N total_kib=N swap_kib=N psi=N psi_full=N refaults=N oom=N
 *
 * in one line: KEY=NUMBER separated by single blanks, v=1 first, the others in
 * any order, each once; seq, used_kib, avail_kib and psi must be there. A key
 * that is not known is skipped, so that a later driver may say more. seq counts
 * the reports, so that a report which happens to be the same as the last can be
 * told from a driver that died. Sizes are in terms of memory/target. */
enum bl_stat_has {
	BL_STAT_MIN = 1 << 0,
	BL_STAT_MAX = 1 << 1,
	BL_STAT_SWAP = 1 << 2,
	BL_STAT_PRESSURE_FULL = 1 << 3,
	BL_STAT_OOM = 1 << 4,
	BL_STAT_STATE = 1 << 5,
	BL_STAT_REASON = 1 << 6,
	BL_STAT_CURRENT = 1 << 7,
	BL_STAT_TARGET = 1 << 8,
	BL_STAT_TOTAL = 1 << 9,
	BL_STAT_REFAULTS = 1 << 10,
};

/* What the driver does, and why it is not at its target. Other numbers, of a later driver, are
 * accepted and mean nothing. */
enum { BL_STAT_RESTS, BL_STAT_GROWS, BL_STAT_SHRINKS, BL_STAT_REFUSES };
enum {
	BL_STAT_NO_REASON,
	BL_STAT_BELOW_MIN, /* the target is below its own min */
	BL_STAT_IN_NEED,   /* memory pressure inside the guest */
	BL_STAT_NO_FRAMES, /* no page frames for so much memory */
	BL_STAT_HOST_FULL, /* the host has no more memory to give */
	BL_STAT_NO_PAGES,  /* its kernel finds no free page */
	BL_STAT_ABOVE_MAX, /* the target is above its own max */
};

struct bl_telemetry_stat {
	uint64_t seq;
	/* What the guest cannot do without, of all memory that the hypervisor gave it, its
	 * kernel's own included. */
	bl_kib used;
	bl_kib available;  /* what it could give without reclaim */
	uint32_t pressure; /* PSI memory some avg10, hundredths of a percent, 0..10000 */
	/* Values that a driver may leave out: 0 unless the bit is set. */
	unsigned has; /* enum bl_stat_has */
	uint64_t state, reason;
	bl_kib current, target, min, max, total, swap;
	uint32_t pressure_full; /* PSI memory full avg10 */
	uint64_t refaults, oom; /* since it booted */
};

/* text needs no NUL. Writes *ret only if it returns true. */
bool bl_telemetry_parse_stat(const char *text, size_t len, struct bl_telemetry_stat *ret);

/* Parses a decimal number and nothing else, at most BL_TELEMETRY_KIB_MAX. */
#define BL_TELEMETRY_KIB_MAX (UINT64_C(1) << 44) /* 16 PiB */
bool bl_telemetry_parse_kib(const char *text, size_t len, bl_kib *ret);

#endif
