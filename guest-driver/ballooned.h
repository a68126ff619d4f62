/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BALLOONED_H
#define BG_BALLOONED_H

#include <linux/mm_types.h>
#include <linux/mutex.h>

/* The pages that this driver gave to the host. */
struct bg_ballooned_counts {
	unsigned long extents, pages;	       /* with the host now; pages: outside extents */
	unsigned long extents_out, extents_in; /* moved since the start, 2 MiB each */
	unsigned long pages_out, pages_in;     /* 4 KiB each */
};

struct bg_ballooned_counts bg_ballooned_counts(void);
unsigned long bg_ballooned_pages(void);

/* The callers of all functions below hold bg_lock, and so does a step of the engine. */
extern struct mutex bg_lock;
/* Give at most n pages to the host, or take them back; return how many pages moved. */
unsigned long bg_ballooned_inflate(unsigned long n);
unsigned long bg_ballooned_deflate(unsigned long n);
/* Passes all pages to adopt, a batch at a time. */
void bg_ballooned_hand_over(void (*adopt)(struct page **pages, unsigned int n));

#endif
