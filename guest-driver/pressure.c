// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest needs, seen from the kernel: PSI, what is available, swap.
 *
 * A change is noticed without waking an idle processor: each has a deferrable
 * timer, which runs only when the processor is awake for something else. Whoever
 * takes or frees memory keeps one awake.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/timer.h>
#include <linux/uio.h>

#include "balloond_guest.h"
#include "builtin.h"
#include "oom.h"
#include "pressure.h"

/*
 * Kept for the guest at any rate: a sixteenth of what it has, in these limits; and a
 * quarter of it while it waits for memory, or has just been out of it. What is
 * available beyond that is there because the need ended: pressure is an average,
 * which says so only later.
 */
#define KEEP_SHIFT 4
#define KEEP_PRESSED_SHIFT 2
#define KEEP_LEAST (16 * BG_MIB_PAGES)
#define KEEP_MOST (1024 * BG_MIB_PAGES)

#define PSI_REFUSES 1000 /* some avg10 of 10 %: the guest waits for memory already */
#define PSI_AGE HZ	 /* the kernel itself averages every two seconds */

#define LOOK_EVERY (HZ / 4)

unsigned long bg_available(void)
{
	long pages = si_mem_available();

	return pages > 0 ? pages : 0;
}

/* A file of /proc made by seq_file; kernel_read() wants more than some of them have. */
static int read_proc(const char *path, char *buf, size_t size)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	struct kvec vec = { .iov_base = buf, .iov_len = size - 1 };
	struct iov_iter iter;
	struct kiocb io;
	ssize_t n;

	if (IS_ERR(file))
		return PTR_ERR(file);
	if (file_inode(file)->i_sb->s_magic != PROC_SUPER_MAGIC) {
		filp_close(file, NULL);
		return -EINVAL; /* something was mounted over it */
	}
	init_sync_kiocb(&io, file);
	iov_iter_kvec(&iter, READ, &vec, 1, size - 1);
	n = seq_read_iter(&io, &iter);
	filp_close(file, NULL);
	if (n < 0)
		return n;
	buf[n] = '\0';
	return 0;
}

/* "some avg10=1.23 ..." in hundredths */
static unsigned int hundredths(const char *text, const char *line)
{
	const char *at = strstr(text, line);
	unsigned int whole, cents;

	if (!at || sscanf(at + strlen(line), " avg10=%u.%2u", &whole, &cents) != 2)
		return 0;
	return min(whole * 100 + cents, 10000U);
}

struct bg_pressure bg_pressure(void)
{
	struct bg_pressure p = { 0 };
	char text[256];
	/* The engine holds its lock here, and who is out of memory may wait for that. */
	unsigned int flags = memalloc_noreclaim_save();
	int r = read_proc("/proc/pressure/memory", text, sizeof(text));

	memalloc_noreclaim_restore(flags);
	if (r)
		return p; /* a kernel without PSI, or psi=0 */
	p.some = hundredths(text, "some");
	p.full = hundredths(text, "full");
	return p;
}

static unsigned long meminfo(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	unsigned long kib;

	return at && sscanf(at + strlen(name), " %lu", &kib) == 1 ? kib : 0;
}

unsigned long bg_swap_used_kib(void)
{
	char text[1024]; /* SwapFree is in the first 600 bytes of it */
	unsigned long total, left;

	if (read_proc("/proc/meminfo", text, sizeof(text)))
		return 0;
	total = meminfo(text, "SwapTotal:");
	left = meminfo(text, "SwapFree:");
	return total > left ? total - left : 0;
}

static bool waits_for_memory(void)
{
	static struct bg_pressure last; /* of the engine alone */
	static unsigned long at;

	if (!at || time_after(jiffies, at + PSI_AGE)) {
		last = bg_pressure();
		at = jiffies;
	}
	return last.some >= PSI_REFUSES;
}

unsigned long bg_spare(void)
{
	unsigned long available = bg_available(), have = bg_have();
	unsigned long keep = clamp(have >> KEEP_SHIFT, KEEP_LEAST, KEEP_MOST);

	if (available <= keep)
		return 0;
	if (bg_oom_recent() || waits_for_memory())
		keep = max(keep, have >> KEEP_PRESSED_SHIFT);
	return available > keep ? available - keep : 0;
}

static DEFINE_PER_CPU(struct timer_list, looks);
static unsigned long report_below, report_above; /* available: beyond is worth a report */
static unsigned long engine_above = ULONG_MAX;	 /* available: more is worth a try */
static int hotplug_state = -1;
static void (*kick_engine)(void), (*kick_report)(void);

void bg_watch_memory_reported(unsigned long available)
{
	unsigned long step = max(available / 16, 4 * BG_MIB_PAGES);

	WRITE_ONCE(report_below, available > step ? available - step : 0);
	WRITE_ONCE(report_above, available + 4 * step);
}

void bg_watch_memory_wanted(unsigned long available)
{
	WRITE_ONCE(engine_above, available);
}

static void look(struct timer_list *timer)
{
	unsigned long available = bg_available();

	if (available < READ_ONCE(report_below) || available > READ_ONCE(report_above))
		kick_report();
	if (available > READ_ONCE(engine_above)) {
		WRITE_ONCE(engine_above, ULONG_MAX);
		kick_engine();
	}
	mod_timer(timer, jiffies + LOOK_EVERY);
}

static int cpu_comes(unsigned int cpu)
{
	struct timer_list *timer = per_cpu_ptr(&looks, cpu);

	timer_setup(timer, look, TIMER_DEFERRABLE | TIMER_PINNED);
	timer->expires = jiffies + LOOK_EVERY;
	add_timer_on(timer, cpu);
	return 0;
}

#ifndef BG_TIMER_DELETE
#define timer_delete_sync del_timer_sync /* its name before 6.2 and in early 6.1.y */
#endif

static int cpu_goes(unsigned int cpu)
{
	timer_delete_sync(per_cpu_ptr(&looks, cpu));
	return 0;
}

int bg_watch_memory(void (*engine)(void), void (*report)(void))
{
	kick_engine = engine;
	kick_report = report;
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "xen/balloond_guest:online", cpu_comes,
					  cpu_goes);
	return hotplug_state < 0 ? hotplug_state : 0;
}

void bg_unwatch_memory(void)
{
	cpuhp_remove_state(hotplug_state); /* and all timers with it */
}
