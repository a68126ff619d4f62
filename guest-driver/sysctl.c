// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysctl xen.balloon.{current,min,max,target}, in KiB as memory/target counts, and
 * counters in debugfs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/sysctl.h>

#include "ballooned.h"
#include "bounds.h"
#include "builtin.h"
#include "engine.h"
#include "oom.h"
#include "report.h"
#include "sysctl.h"
#include "takeover.h"

#ifdef BG_CTL_TABLE_CONST
#define BG_TABLE_ARGUMENT const struct ctl_table
#else
#define BG_TABLE_ARGUMENT struct ctl_table
#endif

enum field { CURRENT, MIN, MAX, TARGET };

static unsigned long read_field(enum field f)
{
	struct bg_bounds b = bg_bounds();

	switch (f) {
	case CURRENT:
		return bg_total_kib(bg_guest_pages());
	case MIN:
		return bg_total_kib(b.min);
	case MAX:
		return bg_total_kib(b.max);
	case TARGET:
		return bg_total_kib(b.target);
	}
	return 0;
}

static int read_or_write(BG_TABLE_ARGUMENT *table, int write, void *buffer, size_t *len, loff_t *pos)
{
	enum field f = (long)table->extra1;
	unsigned long kib = read_field(f), before = kib;
	struct ctl_table t = { .procname = table->procname, .data = &kib, .maxlen = sizeof(kib) };
	int r = proc_doulongvec_minmax(&t, write, buffer, len, pos);

	/* Writing the same target again asks to try again. */
	if (r || !write || (kib == before && f != TARGET))
		return r;
	r = f == MIN ? bg_set_min(kib) : bg_set_target(kib);
	if (r)
		return r;
	if (f == TARGET)
		bg_builtin_retry_hotplug();
	bg_engine_kick();
	bg_report_kick();
	return 0;
}

#define FIELD(name, mode_, field)                                                                           \
	{ .procname = name, .mode = mode_, .proc_handler = read_or_write, .extra1 = (void *)(field) }

static struct ctl_table table[] = { FIELD("current", 0444, CURRENT),
				    FIELD("min", 0644, MIN),
				    FIELD("max", 0444, MAX),
				    FIELD("target", 0644, TARGET),
#ifndef BG_SYSCTL_SIZED
				    {}
#endif
};

static struct ctl_table_header *header;
static struct dentry *folder;

static int stats_show(struct seq_file *m, void *unused)
{
	struct bg_ballooned_counts ballooned = bg_ballooned_counts();
	struct bg_oom_counts oom = bg_oom_counts();
	struct bg_bounds b = bg_bounds();
	unsigned long have = bg_guest_pages();
	enum bg_reason why, goal_why;
	enum bg_state state;

	bg_engine_state(&state, &why);
	seq_printf(m, "current_kib %lu\n", bg_total_kib(have));
	seq_printf(m, "target_kib %lu\n", bg_total_kib(b.target));
	seq_printf(m, "goal_kib %lu\n", bg_total_kib(bg_goal(have, &goal_why)));
	seq_printf(m, "min_kib %lu\n", bg_total_kib(b.min));
	seq_printf(m, "max_kib %lu\n", bg_total_kib(b.max));
	seq_printf(m, "offset_kib %lu\n", bg_kib(b.offset));
	seq_printf(m, "state %u\n", state);
	seq_printf(m, "reason %u\n", why);
	seq_printf(m, "steps %lu\n", bg_engine_steps());
	seq_printf(m, "extents_out %lu\n", ballooned.extents_out);
	seq_printf(m, "extents_in %lu\n", ballooned.extents_in);
	seq_printf(m, "pages_out %lu\n", ballooned.pages_out);
	seq_printf(m, "pages_in %lu\n", ballooned.pages_in);
	seq_printf(m, "held_extents %lu\n", ballooned.extents);
	seq_printf(m, "held_pages %lu\n", ballooned.pages);
	seq_printf(m, "reports %lu\n", bg_report_count());
	seq_printf(m, "oom_waits %lu\n", oom.waits);
	seq_printf(m, "oom_kept %lu\n", oom.kept);
	seq_printf(m, "way %s\n", bg_takeover_way());
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

int bg_sysctl_init(void)
{
	header = register_sysctl("xen/balloon", table);
	if (!header)
		return -ENOMEM;
	/* A kernel without debugfs only lacks the counters. */
	folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("stats", 0444, folder, NULL, &stats_fops);
	return 0;
}

void bg_sysctl_exit(void)
{
	debugfs_remove_recursive(folder);
	unregister_sysctl_table(header);
}
