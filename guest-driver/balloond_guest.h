/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloond's driver for Linux guests. The driver takes memory/target over from
 * the kernel's own balloon driver and follows memory/target. It never gives up,
 * keeps the memory that it got, has a lower limit, moves 2 MiB at a time where
 * the host maps the guest's memory (PVH, HVM), and reports what the guest needs.
 *
 * There are two balloons while this driver is loaded. The kernel's own balloon
 * (balloon_stats) has the pages that were ballooned out before, and the pages of
 * memory hot-plugged since. This driver's balloon (ballooned.c) has all pages that
 * this driver gave to the host; balloon_stats counts them as the guest's, as
 * balloon_stats does with the pages of any other driver:
 *
 *     what the guest has = balloon_stats.current_pages - pages in ballooned.c
 *
 * So nothing here writes current_pages, except for the moment at the end when
 * the kernel's balloon takes over this driver's pages.
 *
 * Sizes are in pages, as balloon_stats counts, unless a name ends in _kib.
 * memory/target is larger by the constant bg_bounds.offset: memory that the
 * toolstack counts and the kernel cannot use (0 on PV).
 */
#ifndef BALLOOND_GUEST_H
#define BALLOOND_GUEST_H

#include <linux/mm.h>

#define BG_EXTENT_ORDER 9 /* 2 MiB */
#define BG_EXTENT_PAGES 512UL
#define BG_MIB_PAGES 256UL

static inline unsigned long bg_kib(unsigned long pages)
{
	return pages << (PAGE_SHIFT - 10);
}

static inline unsigned long bg_pages(unsigned long kib)
{
	return kib >> (PAGE_SHIFT - 10);
}

/* The host reads these values in data/balloond/stat: they must not change. */
enum bg_state {
	BG_REST,
	BG_GROWING,
	BG_SHRINKING,
	BG_REFUSES, /* stays above the target */
};

enum bg_reason {
	BG_NONE,
	BG_BELOW_MIN, /* the target is below min */
	BG_PRESSURE,  /* the guest needs the memory that it has */
	BG_NO_FRAMES, /* memory would have to be hot-plugged and brought online first */
	BG_HOST,      /* the host has no more memory to give */
	BG_NO_PAGE,   /* the kernel finds no free page */
	BG_ABOVE_MAX, /* the target is above max */
};

#endif
