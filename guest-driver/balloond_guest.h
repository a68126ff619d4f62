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

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

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

struct bg_counters {
	unsigned long steps;
	unsigned long extents_out, extents_in; /* 2 MiB each */
	unsigned long pages_out, pages_in;     /* 4 KiB each */
	unsigned long reports;
	unsigned long oom_waits, oom_kept; /* waits for the host; pages they brought */
};

extern struct bg_counters bg_count;
extern struct workqueue_struct *bg_wq; /* freezable, with a rescuer */

/* own.c: memory/target, taken from the kernel's driver and given back */
int bg_own(bool patch_only);
void bg_own_quiet(void); /* no callback of ours runs any more, or will */
void bg_disown(void);
const char *bg_own_way(void);

/* bounds.c: what was asked for, and between what it must be */
struct bg_bounds {
	unsigned long target, min, max;
	unsigned long safeguard; /* the least min */
	unsigned long offset;	 /* to what memory/target counts */
};

struct bg_bounds bg_bounds(void);
unsigned long bg_total_kib(unsigned long pages); /* in the units of memory/target */
int bg_bounds_init(unsigned long min_kib);
/* In the units of memory/target; -EPERM out of bounds, and nothing changes. */
int bg_set_min(unsigned long kib);
int bg_set_target(unsigned long kib);
int bg_read_store(void); /* memory/target and memory/static-max anew */
void bg_set_offset(unsigned long pages);
unsigned long bg_goal(unsigned long have, enum bg_reason *ret_why);

/* pool.c: pages this driver gave to the host. All but bg_pool_held() want bg_lock. */
extern struct mutex bg_lock;
unsigned long bg_pool_held(void);
unsigned long bg_pool_extents(void);
unsigned long bg_pool_pages(void); /* of them those that are in no extent */
/* At most n pages; how many it was. */
unsigned long bg_pool_take(unsigned long n);
unsigned long bg_pool_give(unsigned long n);
void bg_pool_hand_over(void);

/* builtin.c: the kernel's own balloon */
int bg_builtin_init(void);
void bg_builtin_exit(void);
unsigned long bg_have(void);
unsigned long bg_builtin_room(void);
bool bg_builtin_hold(void);
void bg_builtin_rest(void);
enum bg_reason bg_builtin_grow(unsigned long n, bool *ret_wait);
void bg_builtin_again(void); /* for another target */
void bg_builtin_adopt(struct page **pages, unsigned int n);

/* engine.c */
void bg_engine_init(void);
void bg_engine_exit(void);
void bg_engine_kick(void); /* something changed: try at once */
void bg_engine_state(enum bg_state *ret_state, enum bg_reason *ret_why);

/* pressure.c */
struct bg_pressure {
	unsigned int some, full; /* PSI memory avg10, hundredths of a percent */
};

struct bg_pressure bg_pressure(void); /* sleeps */
unsigned long bg_available(void);
/* How many pages the guest can do without just now. */
unsigned long bg_spare(void);
unsigned long bg_swap_used_kib(void); /* sleeps */
int bg_watch_memory(void);	      /* kicks the report and the engine when it changes */
void bg_unwatch_memory(void);
void bg_watch_memory_reported(unsigned long available);
void bg_watch_memory_wanted(unsigned long available); /* ULONG_MAX: no more */

/* oom.c */
int bg_oom_init(void);
void bg_oom_exit(void);
bool bg_oom_recent(void);
bool bg_oom_waits(void);

/* report.c */
void bg_report_init(void);
void bg_report_exit(void);
void bg_report_kick(void); /* soon: at most once a second */

/* knobs.c */
int bg_knobs_init(void);
void bg_knobs_exit(void);

#endif
