// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports to the host in xenstore: data/balloond/stat, one line of KEY=NUMBER, and the
 * keys that XenServer's agent writes. At most once a second while something happens,
 * otherwise every ten seconds.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sched/mm.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include <xen/xenbus.h>

#include "balloond_guest.h"
#include "bounds.h"
#include "builtin.h"
#include "engine.h"
#include "oom.h"
#include "pressure.h"
#include "report.h"

#define BUSY_INTERVAL HZ
#define REST_INTERVAL (10 * HZ)
#define PSI_BUSY 100 /* 1 % */

static void report(struct work_struct *work);
static DECLARE_DELAYED_WORK(reports, report);

static bool running;
static struct workqueue_struct *queue;
static unsigned long n_reports;
static unsigned long sequence;
static unsigned long last; /* jiffies; 0: none yet */

struct facts {
	struct bg_bounds bounds;
	struct bg_pressure psi;
	enum bg_state state;
	enum bg_reason why;
	unsigned long have, available, swap_kib, refaults, oom_kills;
	unsigned long goal;
};

static unsigned long refaults(void)
{
	return global_node_page_state(WORKINGSET_REFAULT_ANON) +
	       global_node_page_state(WORKINGSET_REFAULT_FILE);
}

static unsigned long oom_kills(void)
{
	unsigned long n = 0;
#ifdef CONFIG_VM_EVENT_COUNTERS
	int cpu;

	/* Not all_vm_events(): that waits for CPU hotplug, which may wait for this work. */
	for_each_possible_cpu(cpu)
		n += per_cpu(vm_event_states, cpu).event[OOM_KILL];
#endif
	return n;
}

static struct facts collect_facts(void)
{
	enum bg_reason unused;
	struct facts f = {
		.bounds = bg_bounds(),
		.psi = bg_pressure(),
		.have = bg_guest_pages(),
		.available = bg_available_pages(),
		.swap_kib = bg_swap_used_kib(),
		.refaults = refaults(),
		.oom_kills = oom_kills(),
	};

	bg_engine_state(&f.state, &f.why);
	f.goal = bg_goal(f.have, &unused);
	return f;
}

/* Ignores errors: the next report comes soon, and the host knows how old the last one is. */
static void write_report(const struct facts *f)
{
	unsigned long current_kib = bg_total_kib(f->have);
	unsigned long available_kib = min(bg_kib(f->available), current_kib);

	xenbus_printf(
		XBT_NIL, "data/balloond", "stat",
		"v=1 seq=%lu state=%u reason=%u current_kib=%lu target_kib=%lu min_kib=%lu max_kib=%lu used_kib=%lu avail_kib=%lu total_kib=%lu swap_kib=%lu psi=%u psi_full=%u refaults=%lu oom=%lu",
		++sequence, f->state, f->why, current_kib, bg_total_kib(f->goal),
		bg_total_kib(f->bounds.min), bg_total_kib(f->bounds.max), current_kib - available_kib,
		available_kib, bg_kib(totalram_pages()), f->swap_kib, f->psi.some, f->psi.full, f->refaults,
		f->oom_kills);
	xenbus_printf(XBT_NIL, "data", "meminfo_total", "%lu", bg_kib(totalram_pages()));
	xenbus_printf(XBT_NIL, "data", "meminfo_free", "%lu", available_kib);
	xenbus_printf(XBT_NIL, "data", "updated", "%lld", (long long)ktime_get_real_seconds());
}

/* Memory moves or is short. A guest that only waits for the host is at rest. */
static bool busy(const struct facts *f)
{
	bool moves = f->state == BG_GROWING || f->state == BG_SHRINKING;

	return (moves && f->why == BG_NONE) || f->psi.some >= PSI_BUSY || f->available < f->have / 16 ||
	       bg_oom_waiting();
}

/* Takes memory from the reserves: the report matters most when no memory is left. */
static void report(struct work_struct *work)
{
	unsigned int flags = memalloc_noreclaim_save();
	struct facts f;

	WRITE_ONCE(last, jiffies ?: 1); /* a kick from now on waits for its turn */
	f = collect_facts();
	write_report(&f);
	memalloc_noreclaim_restore(flags);
	n_reports++;
	bg_memory_watch_for_report(f.available);
	queue_delayed_work(queue, &reports, busy(&f) ? BUSY_INTERVAL : REST_INTERVAL);
}

void bg_report_kick(void)
{
	unsigned long at = READ_ONCE(last), due = at + BUSY_INTERVAL;

	if (!READ_ONCE(running))
		return;
	mod_delayed_work(queue, &reports, at && time_before(jiffies, due) ? due - jiffies : 0);
}

unsigned long bg_report_count(void)
{
	return n_reports;
}

void bg_report_init(struct workqueue_struct *wq)
{
	queue = wq;
	WRITE_ONCE(running, true);
}

/* Removes the keys, so that the host sees at once that nobody reports any more. */
void bg_report_exit(void)
{
	WRITE_ONCE(running, false);
	cancel_delayed_work_sync(&reports);
	xenbus_rm(XBT_NIL, "data", "balloond");
	xenbus_rm(XBT_NIL, "data", "meminfo_total");
	xenbus_rm(XBT_NIL, "data", "meminfo_free");
	xenbus_rm(XBT_NIL, "data", "updated");
}
