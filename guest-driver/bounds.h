/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BOUNDS_H
#define BG_BOUNDS_H

#include "balloond_guest.h"

/* What was asked for, and between what it must be. */
struct bg_bounds {
	unsigned long target, min, max;
	unsigned long safeguard; /* the least min */
	unsigned long offset;	 /* to what memory/target counts */
};

struct bg_bounds bg_bounds(void);
unsigned long bg_total_kib(unsigned long pages); /* in the units of memory/target */
/* min_kib 0: by the size of the guest, which has so many pages now. */
int bg_bounds_init(unsigned long min_kib, unsigned long have);
/* In the units of memory/target; -EPERM out of bounds, and nothing changes. */
int bg_set_min(unsigned long kib);
int bg_set_target(unsigned long kib);
int bg_read_store(void); /* memory/target and memory/static-max anew */
void bg_set_offset(unsigned long pages);
unsigned long bg_goal(unsigned long have, enum bg_reason *ret_why);

#endif
