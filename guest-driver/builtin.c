// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own balloon. It has pages only it can give back to the guest: those
 * ballooned out before this driver came, and memory hot-plugged since. Its thread
 * does that when its target is above what it has. It is told a target no higher
 * than that is of use, since it hot-plugs 128 MiB for a page it lacks; when it has
 * given up, another value wakes it.
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

#define HOTPLUG_LOOKS 4

static bool nudge;
static atomic_t hotplug_looks;	    /* since it was told to, in vain */
static unsigned long hotplug_total; /* its total then */

unsigned long bg_have(void)
{
	return READ_ONCE(balloon_stats.current_pages) - bg_ballooned_pages();
}

static void tell(unsigned long target)
{
	if (READ_ONCE(balloon_stats.target_pages) != target)
		balloon_set_new_target(target);
}

/*
 * It must not shrink beside this driver: past the floor, or under pressure. True: it was
 * about to, and may be within a batch.
 */
bool bg_builtin_hold(void)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);

	if (READ_ONCE(balloon_stats.target_pages) >= now)
		return false;
	balloon_set_new_target(now);
	return true;
}

/* Nor is it to grow. */
void bg_builtin_rest(void)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);

	if (READ_ONCE(balloon_stats.target_pages) > now)
		tell(now);
}

void bg_builtin_again(void)
{
	atomic_set(&hotplug_looks, 0);
}

/*
 * Its pool is empty and so is ours: only new memory can help. What it has plugged
 * counts in its total at once, and in its pool when somebody brings it online.
 */
static bool hotplug(unsigned long goal)
{
	unsigned long total = READ_ONCE(balloon_stats.total_pages);

	if (hotplug_total != total)
		atomic_set(&hotplug_looks, 0);
	hotplug_total = total;
	if (IS_ENABLED(CONFIG_XEN_BALLOON_MEMORY_HOTPLUG) && goal >= total + HOTPLUG_PAGES &&
	    atomic_inc_return(&hotplug_looks) <= HOTPLUG_LOOKS) {
		tell(goal);
		return true;
	}
	bg_builtin_rest();
	return false;
}

/* What is in its pool. */
unsigned long bg_builtin_room(void)
{
	return READ_ONCE(balloon_stats.balloon_low) + READ_ONCE(balloon_stats.balloon_high);
}

/*
 * Tell it to give n pages to the guest. BG_NO_FRAMES: it has none; *ret_wait says
 * whether it is worth asking again.
 */
enum bg_reason bg_builtin_grow(unsigned long n, bool *ret_wait)
{
	unsigned long now = READ_ONCE(balloon_stats.current_pages);
	unsigned long step = min(n, bg_builtin_room());

	*ret_wait = true;
	if (!step) {
		*ret_wait = hotplug(now + n);
		return BG_NO_FRAMES;
	}
	/* Two values in turn, so that each is a change. */
	nudge = !nudge;
	if (nudge)
		step--;
	tell(now + step);
	return BG_NONE;
}

static void (*memory_came)(void);

/* Memory was brought online: its pages are in the kernel's pool. */
static int memory_notified(struct notifier_block *nb, unsigned long what, void *unused)
{
	if (what == MEM_ONLINE)
		memory_came();
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = { .notifier_call = memory_notified };

int bg_builtin_init(void (*came)(void))
{
	memory_came = came;
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
 * All others stand still, and the kernel's own changes of these are one instruction
 * each on x86.
 */
static int adopt(void *data)
{
	struct adoption *a = data;

	balloon_stats.current_pages -= a->n;
	balloon_stats.target_pages -= a->n;
	balloon_stats.target_unpopulated += a->n; /* taken off by the call that follows */
	return 0;
}

/* Pages that are out, and were taken off what the guest counts: they are its now. */
void bg_builtin_adopt(struct page **pages, unsigned int n)
{
	struct adoption a = { pages, n };

	stop_machine(adopt, &a, NULL);
	xen_free_ballooned_pages(n, pages);
}
