/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BALLOONED_H
#define BG_BALLOONED_H

#include <linux/mm_types.h>
#include <linux/mutex.h>

/* The pages that this driver gave to the host. */
struct bg_ballooned_counts {
	unsigned long extents, pages;	       /* with the host now; pages: those in no extent */
	unsigned long extents_out, extents_in; /* moved so far, 2 MiB each */
	unsigned long pages_out, pages_in;     /* 4 KiB each */
};

struct bg_ballooned_counts bg_ballooned_counts(void);
unsigned long bg_ballooned_pages(void);

/* Held in all that follows, and in each of the engine's steps. */
extern struct mutex bg_lock;
/* At most n pages to the host, or back to the guest; how many it was. */
unsigned long bg_ballooned_inflate(unsigned long n);
unsigned long bg_ballooned_deflate(unsigned long n);
/* Nothing is left here: adopt takes the pages, some at a time. */
void bg_ballooned_hand_over(void (*adopt)(struct page **pages, unsigned int n));

#endif
