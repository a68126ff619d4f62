// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/workqueue.h>

#include <xen/xen.h>

#include "ballooned.h"
#include "bounds.h"
#include "builtin.h"
#include "engine.h"
#include "oom.h"
#include "pressure.h"
#include "report.h"
#include "sysctl.h"
#include "takeover.h"

static unsigned long min;
module_param(min, ulong, 0444);
MODULE_PARM_DESC(min, "floor in KiB, as memory/target counts (0: by the size of the guest)");

static bool patch_only;
module_param(patch_only, bool, 0444);
MODULE_PARM_DESC(patch_only, "divert the kernel's watch_target with ftrace, do not take its watch over");

static struct workqueue_struct *queue; /* freezable, with a rescuer */

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

static void target_changed(void)
{
	bg_builtin_retry_hotplug();
	bg_engine_kick();
	bg_report_kick();
}

/* The watches kick the engine and the report, and the engine kicks the report: end them in
 * that order.
 */
static void stop(void)
{
	bg_takeover_end_watches();
	bg_engine_exit();
	bg_report_exit();
	mutex_lock(&bg_lock);
	bg_ballooned_hand_over(bg_builtin_adopt);
	mutex_unlock(&bg_lock);
}

static int __init bg_init(void)
{
	struct bg_bounds b;
	int r = refused();

	if (r)
		return r;
	/* Two at a time, so that memory moves while a report waits for xenstore. */
	queue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND | WQ_FREEZABLE | WQ_MEM_RECLAIM, 2);
	if (!queue)
		return -ENOMEM;
	r = bg_takeover_start(patch_only, target_changed);
	if (r)
		goto no_target;
	r = bg_bounds_init(min, bg_guest_pages());
	if (r)
		goto no_bounds;
	bg_engine_init(queue, bg_report_kick);
	bg_report_init(queue);
	r = bg_builtin_init(bg_engine_kick);
	if (r)
		goto no_builtin;
	r = bg_memory_watch_start(bg_engine_kick, bg_report_kick);
	if (r)
		goto no_watch;
	r = bg_oom_init(bg_engine_kick, bg_report_kick);
	if (r)
		goto no_oom;
	r = bg_sysctl_init();
	if (r)
		goto no_sysctl;
	b = bg_bounds();
	pr_info("owns memory/target (way %s), min %lu KiB, max %lu KiB\n", bg_takeover_way(),
		bg_total_kib(b.min), bg_total_kib(b.max));
	bg_engine_kick();
	bg_report_kick();
	return 0;

no_sysctl:
	bg_oom_exit();
no_oom:
	bg_memory_watch_stop();
no_watch:
	bg_builtin_exit();
no_builtin:
	stop();
no_bounds:
	bg_takeover_stop();
no_target:
	destroy_workqueue(queue);
	return r;
}

/* Ends the callers of the engine before the engine. Gives memory/target back last: the
 * kernel's driver reads it at once.
 */
static void __exit bg_exit(void)
{
	bg_sysctl_exit();
	bg_oom_exit();
	bg_memory_watch_stop();
	bg_builtin_exit();
	stop();
	bg_takeover_stop();
	destroy_workqueue(queue);
	pr_info("gave memory/target back\n");
}

module_init(bg_init);
module_exit(bg_exit);

MODULE_DESCRIPTION("Xen balloon driver that never gives up, has a floor and reports its need");
MODULE_AUTHOR("The balloond maintainers");
MODULE_LICENSE("GPL");
MODULE_VERSION(BG_VERSION);
