/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_PRESSURE_H
#define BG_PRESSURE_H

/* What the guest needs, seen from the kernel. */
struct bg_pressure {
	unsigned int some, full; /* PSI memory avg10, hundredths of a percent */
};

struct bg_pressure bg_pressure(void); /* sleeps */
unsigned long bg_available(void);
/* How many pages the guest can do without just now. */
unsigned long bg_spare(void);
unsigned long bg_swap_used_kib(void); /* sleeps */

/* Kicks the engine and the report when what is available changes. */
int bg_watch_memory(void (*engine)(void), void (*report)(void));
void bg_unwatch_memory(void);
void bg_watch_memory_reported(unsigned long available);
void bg_watch_memory_wanted(unsigned long available); /* ULONG_MAX: no more */

#endif
