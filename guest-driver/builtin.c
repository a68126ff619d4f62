// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own balloon. Only the kernel's driver can give the pages in that
 * balloon back to the guest: those ballooned out before this driver was loaded, and
 * memory hot-plugged since. The thread of the kernel's driver gives pages back while
 * its target is above current_pages. We never set a target above what its balloon
 * can fill, because the kernel's driver hot-plugs 128 MiB for a single page that it
 * lacks. Once the thread has given up, only a changed target wakes it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/memory.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/stop_machine.h>

#include <xen/balloon.h>

#include "balloond_guest.h"
#include "ballooned.h"
#include "builtin.h"

/* Less than this is no reason to hot-plug memory. */
#define HOTPLUG_PAGES BG_EXTENT_PAGES

#define HOTPLUG_TRIES 4

static bool odd_target;
static atomic_t hotplug_tries;	    /* that added no memory */
static unsigned long hotplug_total; /* balloon_stats.total_pages at the last try */

unsigned long bg_guest_pages(void)
{
	return READ_ONCE(balloon_stats.current_pages) - bg_ballooned_pages();
}

static void set_target(unsigned long target)
{
	if (READ_ONCE(balloon_stats.target_pages) != target)
		balloon_set_new_target(target);
}

/* The kernel's driver would shrink the guest below min, or under pressure. */
bool bg_builtin_stop_shrinking(void)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);

	if (READ_ONCE(balloon_stats.target_pages) >= now)
		return false;
	balloon_set_new_target(now);
	return true;
}

void bg_builtin_stop_growing(void)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);

	if (READ_ONCE(balloon_stats.target_pages) > now)
		set_target(now);
}

void bg_builtin_retry_hotplug(void)
{
	atomic_set(&hotplug_tries, 0);
}

/*
 * Both balloons are empty, so only new memory helps. Hot-plugged memory counts in
 * total_pages at once, and in the kernel's balloon when it is brought online.
 */
static bool hotplug(unsigned long goal)
{
	unsigned long total = READ_ONCE(balloon_stats.total_pages);

	if (hotplug_total != total)
		atomic_set(&hotplug_tries, 0);
	hotplug_total = total;
	if (IS_ENABLED(CONFIG_XEN_BALLOON_MEMORY_HOTPLUG) && goal >= total + HOTPLUG_PAGES &&
	    atomic_inc_return(&hotplug_tries) <= HOTPLUG_TRIES) {
		set_target(goal);
		return true;
	}
	bg_builtin_stop_growing();
	return false;
}

unsigned long bg_builtin_pages(void)
{
	return READ_ONCE(balloon_stats.balloon_low) + READ_ONCE(balloon_stats.balloon_high);
}

enum bg_reason bg_builtin_grow(unsigned long n, bool *ret_wait)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);
	unsigned long step = min(n, bg_builtin_pages());

	*ret_wait = true;
	if (!step) {
		*ret_wait = hotplug(now + n);
		return BG_NO_FRAMES;
	}
	/* Alternate between two targets, so that each wakes the kernel's thread. */
	odd_target = !odd_target;
	if (odd_target)
		step--;
	set_target(now + step);
	return BG_NONE;
}

static void (*on_memory)(void);

/* The pages of memory that was brought online are in the kernel's balloon. */
static int memory_notified(struct notifier_block *nb, unsigned long what, void *unused)
{
	if (what == MEM_ONLINE)
		on_memory();
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = { .notifier_call = memory_notified };

int bg_builtin_init(void (*memory_came)(void))
{
	on_memory = memory_came;
	return register_memory_notifier(&memory_notifier);
}

void bg_builtin_exit(void)
{
	unregister_memory_notifier(&memory_notifier);
}

struct adoption {
	struct page **pages;
	unsigned int n;
};

/*
 * Runs while all other processors stand still. The kernel's driver changes each of
 * these numbers with one instruction on x86, so none is half changed here.
 */
static int adopt(void *data)
{
	struct adoption *a = data;

	balloon_stats.current_pages -= a->n;
	balloon_stats.target_pages -= a->n;
	balloon_stats.target_unpopulated += a->n; /* xen_free_ballooned_pages() subtracts n */
	return 0;
}

void bg_builtin_adopt(struct page **pages, unsigned int n)
{
	struct adoption a = { pages, n };

	stop_machine(adopt, &a, NULL);
	xen_free_ballooned_pages(n, pages);
}
