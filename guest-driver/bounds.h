/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BOUNDS_H
#define BG_BOUNDS_H

#include "balloond_guest.h"

/* The target that the host wrote, and the limits that hold the guest. */
struct bg_bounds {
	unsigned long target, min, max;
	unsigned long safeguard; /* min is never below this */
	unsigned long offset;	 /* memory/target less the pages that the kernel counts */
};

struct bg_bounds bg_bounds(void);
unsigned long bg_total_kib(unsigned long pages); /* as memory/target counts */
/* min_kib: 0 derives min from max. have: the guest's pages now. */
int bg_bounds_init(unsigned long min_kib, unsigned long have);
/* kib: as memory/target counts. -EPERM: out of bounds, and nothing changed. */
int bg_set_min(unsigned long kib);
int bg_set_target(unsigned long kib);
int bg_read_store(void); /* reads memory/target and memory/static-max again */
void bg_set_offset(unsigned long pages);
/* How many pages the guest should have, and why that is not the target. */
unsigned long bg_goal(unsigned long have, enum bg_reason *ret_why);

#endif
