// SPDX-License-Identifier: GPL-2.0-only
/*
 * Before the kernel kills a process for want of memory it asks here. What the host
 * lets the guest have is taken at once, beyond the target if need be (the engine
 * gives it back later). Where the host has to make room first, the task that is out
 * of memory waits for it: the host looks at its guests every ten seconds at the
 * latest. No xenstore here, and nothing is allocated.
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

#define AT_ONCE (16 * BG_MIB_PAGES) /* the most that is taken for one that asks */
#define WAIT (15 * HZ)		    /* the host's ten, and what others take to give */
/* Of a thread of the kernel, which others may wait for: the usual time it takes. */
#define WAIT_KTHREAD (3 * HZ)
#define WAIT_AGAIN (60 * HZ) /* after one in vain */
#define LOOK (HZ / 20)
#define RECENT (30 * HZ)

static atomic_t waiting;
static bool closed;
static unsigned long last_oom; /* jiffies; 0: none yet */
static unsigned long last_vain;
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

bool bg_oom_waits(void)
{
	return atomic_read(&waiting) != 0;
}

static bool can_grow(void)
{
	return bg_ballooned_pages() || bg_builtin_room();
}

/*
 * How many pages came since it had that many, whoever asked for them. The engine lets
 * go of the lock as soon as it sees that somebody waits; the kernel's own thread is
 * told, and seen to at the next look.
 */
static unsigned long take(unsigned long had)
{
	bool unused;

	if (mutex_trylock(&bg_lock)) {
		if (bg_ballooned_pages())
			bg_ballooned_deflate(AT_ONCE);
		else if (bg_builtin_room())
			bg_builtin_grow(AT_ONCE, &unused);
		mutex_unlock(&bg_lock);
	}
	return bg_have() > had ? bg_have() - had : 0;
}

static unsigned long may_wait(void)
{
	unsigned long vain = READ_ONCE(last_vain);

	if ((current->flags & PF_EXITING) || (vain && time_before_eq(jiffies, vain + WAIT_AGAIN)))
		return 0;
	return current->flags & PF_KTHREAD ? WAIT_KTHREAD : WAIT;
}

static unsigned long wait(unsigned long had)
{
	unsigned long most = may_wait(), end = jiffies + most, got = 0;

	if (!most)
		return 0;

	count.waits++;
	kick_report();
	while (!got && time_before(jiffies, end) && !fatal_signal_pending(current) && !READ_ONCE(closed) &&
	       can_grow()) {
		schedule_timeout_uninterruptible(LOOK);
		got = take(had);
	}
	if (!got && most == WAIT && time_after_eq(jiffies, end))
		WRITE_ONCE(last_vain, jiffies ?: 1);
	return got;
}

static int out_of_memory_notified(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long had = bg_have(), got;

	WRITE_ONCE(last_oom, jiffies ?: 1);
	if (!can_grow())
		goto out;
	atomic_inc(&waiting);
	got = take(had);
	if (!got) { /* the kernel's thread was told, or the engine is at it */
		schedule_timeout_uninterruptible(LOOK);
		got = take(had);
	}
	if (!got)
		got = wait(had);
	atomic_dec(&waiting);
	count.kept += got;
	*(unsigned long *)freed += got;
	kick_engine(); /* what is above the target goes back when the need is over */
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
	unregister_oom_notifier(&notifier); /* waits for those that are in it */
}
