// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the guest needs, as its kernel knows: PSI, available memory, swap.
 *
 * The watch wakes no idle processor: each processor has a deferrable timer, which
 * runs only while the processor is awake for something else. Memory is taken and
 * freed by processors that are awake.
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
 * The guest always keeps a sixteenth of its pages available, within these limits, and
 * a quarter while it waits for memory or was out of memory a moment ago. If more than
 * a quarter is available, the need has ended, although PSI, an average, still shows it.
 */
#define KEEP_SHIFT 4
#define KEEP_PRESSED_SHIFT 2
#define KEEP_LEAST (16 * BG_MIB_PAGES)
#define KEEP_MOST (1024 * BG_MIB_PAGES)

#define PSI_PRESSED 1000 /* "some" avg10 of 10 %: the guest waits for memory already */
#define PSI_AGE HZ	 /* the kernel updates its averages every two seconds */

#define CHECK_EVERY (HZ / 4)

unsigned long bg_available_pages(void)
{
	long pages = si_mem_available();

	return pages > 0 ? pages : 0;
}

/* Reads a seq_file of /proc; kernel_read() needs operations that some of them lack. */
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
		return -EINVAL; /* something is mounted over the file */
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

/* Of "some avg10=1.23 ..." returns 123. */
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
	/* The engine may hold bg_lock, for which a task that is out of memory may wait. */
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
	char text[1024]; /* SwapFree is in the first 600 bytes of the file */
	unsigned long total, left;

	if (read_proc("/proc/meminfo", text, sizeof(text)))
		return 0;
	total = meminfo(text, "SwapTotal:");
	left = meminfo(text, "SwapFree:");
	return total > left ? total - left : 0;
}

static bool waits_for_memory(void)
{
	static struct bg_pressure last; /* only the engine comes here */
	static unsigned long at;

	if (!at || time_after(jiffies, at + PSI_AGE)) {
		last = bg_pressure();
		at = jiffies;
	}
	return last.some >= PSI_PRESSED;
}

unsigned long bg_spare_pages(void)
{
	unsigned long available = bg_available_pages(), have = bg_guest_pages();
	unsigned long keep = clamp(have >> KEEP_SHIFT, KEEP_LEAST, KEEP_MOST);

	if (available <= keep)
		return 0;
	if (bg_oom_recent() || waits_for_memory())
		keep = max(keep, have >> KEEP_PRESSED_SHIFT);
	return available > keep ? available - keep : 0;
}

static DEFINE_PER_CPU(struct timer_list, timers);
static unsigned long report_below, report_above; /* kick the report beyond these */
static unsigned long engine_above = ULONG_MAX;	 /* kick the engine above this */
static int hotplug_state = -1;
static void (*kick_engine)(void), (*kick_report)(void);

void bg_memory_watch_for_report(unsigned long reported)
{
	unsigned long step = max(reported / 16, 4 * BG_MIB_PAGES);

	WRITE_ONCE(report_below, reported > step ? reported - step : 0);
	WRITE_ONCE(report_above, reported + 4 * step);
}

void bg_memory_watch_for_engine(unsigned long available)
{
	WRITE_ONCE(engine_above, available);
}

static void check_available(struct timer_list *timer)
{
	unsigned long available = bg_available_pages();

	if (available < READ_ONCE(report_below) || available > READ_ONCE(report_above))
		kick_report();
	if (available > READ_ONCE(engine_above)) {
		WRITE_ONCE(engine_above, ULONG_MAX);
		kick_engine();
	}
	mod_timer(timer, jiffies + CHECK_EVERY);
}

static int start_cpu_timer(unsigned int cpu)
{
	struct timer_list *timer = per_cpu_ptr(&timers, cpu);

	timer_setup(timer, check_available, TIMER_DEFERRABLE | TIMER_PINNED);
	timer->expires = jiffies + CHECK_EVERY;
	add_timer_on(timer, cpu);
	return 0;
}

#ifndef BG_TIMER_DELETE
#define timer_delete_sync del_timer_sync /* its name before 6.2 and in early 6.1.y */
#endif

static int stop_cpu_timer(unsigned int cpu)
{
	timer_delete_sync(per_cpu_ptr(&timers, cpu));
	return 0;
}

int bg_memory_watch_start(void (*engine)(void), void (*report)(void))
{
	kick_engine = engine;
	kick_report = report;
	hotplug_state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "xen/balloond_guest:online", start_cpu_timer,
					  stop_cpu_timer);
	return hotplug_state < 0 ? hotplug_state : 0;
}

void bg_memory_watch_stop(void)
{
	cpuhp_remove_state(hotplug_state); /* calls stop_cpu_timer() for each processor */
}
