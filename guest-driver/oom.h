/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_OOM_H
#define BG_OOM_H

#include <linux/types.h>

/* Waits for memory from the host before the kernel kills a process. */
struct bg_oom_counts {
	unsigned long waits, kept; /* waits for the host; pages they brought */
};

/* What kicks the engine, and what kicks the report. */
int bg_oom_init(void (*engine)(void), void (*report)(void));
void bg_oom_exit(void);
bool bg_oom_recent(void);
bool bg_oom_waits(void);
struct bg_oom_counts bg_oom_counts(void);

#endif
