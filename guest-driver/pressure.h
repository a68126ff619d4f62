/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_PRESSURE_H
#define BG_PRESSURE_H

/* What the guest needs, as its kernel knows. */
struct bg_pressure {
	unsigned int some, full; /* avg10 of memory's PSI, in hundredths of a percent */
};

struct bg_pressure bg_pressure(void); /* sleeps */
unsigned long bg_available_pages(void);
unsigned long bg_spare_pages(void);   /* that the guest can do without now; sleeps */
unsigned long bg_swap_used_kib(void); /* sleeps */

/* Watches how much memory is available. */
int bg_memory_watch_start(void (*kick_engine)(void), void (*kick_report)(void));
void bg_memory_watch_stop(void);
/* Kicks the report when much less or more is available than was reported. */
void bg_memory_watch_for_report(unsigned long reported);
/* Kicks the engine, once, when more is available; ULONG_MAX: never. */
void bg_memory_watch_for_engine(unsigned long available);

#endif
