// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/workqueue.h>

#include <xen/xen.h>

#include "balloond_guest.h"

static unsigned long min;
module_param(min, ulong, 0444);
MODULE_PARM_DESC(min, "floor in KiB, as memory/target counts (0: by the size of the guest)");

static bool patch_only;
module_param(patch_only, bool, 0444);
MODULE_PARM_DESC(patch_only, "divert the kernel's watch_target with ftrace, do not take its watch over");

struct bg_counters bg_count;
struct workqueue_struct *bg_wq;

static int refused(void)
{
	if (!xen_domain()) {
		pr_info("not a Xen guest: nothing to do here\n");
		return -ENODEV;
	}
	if (xen_initial_domain()) {
		pr_info("the control domain is no guest: not loaded\n");
		return -ENODEV;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		pr_err("not for PREEMPT_RT kernels: their locks can be held while all others stand still\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* The engine asks for reports, and the watches for both: what is asked last goes last. */
static void stop(void)
{
	bg_own_quiet();
	bg_engine_exit();
	bg_report_exit();
	mutex_lock(&bg_lock);
	bg_pool_hand_over();
	mutex_unlock(&bg_lock);
}

static int __init bg_init(void)
{
	struct bg_bounds b;
	int r = refused();

	if (r)
		return r;
	/* Two at a time: while a report waits for xenstore, memory moves. */
	bg_wq = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM, 2);
	if (!bg_wq)
		return -ENOMEM;
	r = bg_own(patch_only);
	if (r)
		goto no_target;
	r = bg_bounds_init(min);
	if (r)
		goto no_bounds;
	bg_engine_init();
	bg_report_init();
	r = bg_builtin_init();
	if (r)
		goto no_builtin;
	r = bg_watch_memory();
	if (r)
		goto no_watch;
	r = bg_oom_init();
	if (r)
		goto no_oom;
	r = bg_knobs_init();
	if (r)
		goto no_knobs;
	b = bg_bounds();
	pr_info("owns memory/target (way %s), min %lu KiB, max %lu KiB\n", bg_own_way(), bg_total_kib(b.min),
		bg_total_kib(b.max));
	bg_engine_kick();
	bg_report_kick();
	return 0;

no_knobs:
	bg_oom_exit();
no_oom:
	bg_unwatch_memory();
no_watch:
	bg_builtin_exit();
no_builtin:
	stop();
no_bounds:
	bg_disown();
no_target:
	destroy_workqueue(bg_wq);
	return r;
}

/* After all that could still ask the engine for anything; last the target is given
 * back: the kernel's driver reads it at once.
 */
static void __exit bg_exit(void)
{
	bg_knobs_exit();
	bg_oom_exit();
	bg_unwatch_memory();
	bg_builtin_exit();
	stop();
	bg_disown();
	destroy_workqueue(bg_wq);
	pr_info("gave memory/target back\n");
}

module_init(bg_init);
module_exit(bg_exit);

MODULE_DESCRIPTION("Xen balloon driver that never gives up, has a floor and reports its need");
MODULE_AUTHOR("The balloond maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(BG_VERSION);
