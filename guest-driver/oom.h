/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_OOM_H
#define BG_OOM_H

#include <linux/types.h>

/* Gets memory from the host before the kernel kills a process. */
struct bg_oom_counts {
	unsigned long waits, kept; /* waits for the host; pages that came instead of a kill */
};

int bg_oom_init(void (*kick_engine)(void), void (*kick_report)(void));
void bg_oom_exit(void);
bool bg_oom_recent(void);  /* the guest ran out of memory within the last seconds */
bool bg_oom_waiting(void); /* a task waits for memory now */
struct bg_oom_counts bg_oom_counts(void);

#endif
