// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel calls the OOM notifier before it kills a process. The notifier takes
 * what the host lets the guest have at once, beyond the target if need be (the
 * engine gives the excess back later). If the host has to make room first, the task
 * that is out of memory waits: the host looks at its guests at least every ten
 * seconds. Nothing here may use xenstore or allocate memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "balloond_guest.h"
#include "ballooned.h"
#include "builtin.h"
#include "oom.h"

#define AT_ONCE (16 * BG_MIB_PAGES) /* the most pages taken for one call */
#define WAIT (15 * HZ)		    /* the host's ten seconds, and time for other guests to shrink */
/* Others may wait for a kernel thread, so it waits only as long as the host usually takes. */
#define WAIT_KTHREAD (3 * HZ)
#define WAIT_AGAIN (60 * HZ) /* after a wait that brought nothing */
#define POLL (HZ / 20)
#define RECENT (30 * HZ)

static atomic_t waiting;
static bool closed;
static unsigned long last_oom;	/* jiffies; 0: none yet */
static unsigned long last_vain; /* a wait that brought nothing; jiffies; 0: none yet */
static struct bg_oom_counts count;
static void (*kick_engine)(void), (*kick_report)(void);

struct bg_oom_counts bg_oom_counts(void)
{
	return count;
}

bool bg_oom_recent(void)
{
	unsigned long at = READ_ONCE(last_oom);

	return at && time_before(jiffies, at + RECENT);
}

bool bg_oom_waiting(void)
{
	return atomic_read(&waiting) != 0;
}

static bool can_grow(void)
{
	return bg_ballooned_pages() || bg_builtin_pages();
}

/*
 * Returns how many pages the guest has more than it had, whoever asked for the pages.
 * The engine releases bg_lock as soon as it sees a waiting task. What the kernel's
 * thread brings shows at the next poll.
 */
static unsigned long take_pages(unsigned long had)
{
	bool unused;

	if (mutex_trylock(&bg_lock)) {
		if (bg_ballooned_pages())
			bg_ballooned_deflate(AT_ONCE);
		else if (bg_builtin_pages())
			bg_builtin_grow(AT_ONCE, &unused);
		mutex_unlock(&bg_lock);
	}
	return bg_guest_pages() > had ? bg_guest_pages() - had : 0;
}

static unsigned long wait_limit(void)
{
	unsigned long vain = READ_ONCE(last_vain);

	if ((current->flags & PF_EXITING) || (vain && time_before_eq(jiffies, vain + WAIT_AGAIN)))
		return 0;
	return current->flags & PF_KTHREAD ? WAIT_KTHREAD : WAIT;
}

static unsigned long wait_for_host(unsigned long had)
{
	unsigned long most = wait_limit(), end = jiffies + most, got = 0;

	if (!most)
		return 0;

	count.waits++;
	kick_report();
	while (!got && time_before(jiffies, end) && !fatal_signal_pending(current) && !READ_ONCE(closed) &&
	       can_grow()) {
		schedule_timeout_uninterruptible(POLL);
		got = take_pages(had);
	}
	if (!got && most == WAIT && time_after_eq(jiffies, end))
		WRITE_ONCE(last_vain, jiffies ?: 1);
	return got;
}

static int out_of_memory_notified(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long had = bg_guest_pages(), got;

	WRITE_ONCE(last_oom, jiffies ?: 1);
	if (!can_grow())
		goto out;
	atomic_inc(&waiting);
	got = take_pages(had);
	if (!got) { /* the kernel's thread or the engine may be moving pages */
		schedule_timeout_uninterruptible(POLL);
		got = take_pages(had);
	}
	if (!got)
		got = wait_for_host(had);
	atomic_dec(&waiting);
	count.kept += got;
	*(unsigned long *)freed += got;
	kick_engine(); /* it gives back what is above the target, later */
out:
	kick_report();
	return NOTIFY_OK;
}

static struct notifier_block notifier = { .notifier_call = out_of_memory_notified };

int bg_oom_init(void (*engine)(void), void (*report)(void))
{
	kick_engine = engine;
	kick_report = report;
	return register_oom_notifier(&notifier);
}

void bg_oom_exit(void)
{
	WRITE_ONCE(closed, true);
	unregister_oom_notifier(&notifier); /* waits for running calls */
}
