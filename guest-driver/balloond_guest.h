/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloond's driver for Linux guests. It takes memory/target over from the
 * balloon driver in the kernel and follows it: it never gives up, keeps what it
 * got, has a floor, moves 2 MiB at a time where the host maps the guest's
 * memory (PVH, HVM), and reports what the guest needs.
 *
 * Two balloons exist while it is loaded. The kernel's own (balloon_stats) has
 * the pages that were ballooned out before, and those of memory hot-plugged
 * since; this driver's pool has all it gave away itself. The kernel's counts the
 * pages of the pool as the guest's, as it does any other driver's:
 *
 *     what the guest has = balloon_stats.current_pages - pages in the pool
 *
 * so nothing here writes current_pages, but for the moment the pool is handed
 * over at the end.
 *
 * Sizes are in pages as balloon_stats counts them unless a name ends in _kib.
 * To memory/target the constant bg_bounds.offset is between them: what the
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

/* What data/balloond/stat says in numbers; the values are its interface. */
enum bg_state {
	BG_REST,
	BG_GROWING,
	BG_SHRINKING,
	BG_REFUSES, /* stays above the target */
};

enum bg_reason {
	BG_NONE,
	BG_BELOW_MIN, /* the target is below min */
	BG_PRESSURE,  /* the guest needs what it has */
	BG_NO_FRAMES, /* more would have to be hot-plugged, and brought online */
	BG_HOST,      /* the host gives no more */
	BG_NO_PAGE,   /* the kernel finds no page to give */
	BG_ABOVE_MAX, /* the target is above max */
};

#endif
