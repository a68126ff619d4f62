// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's driver has a watch on memory/target, and the kernel exports nothing
 * that removes the watch. There are two ways to keep the kernel's driver from
 * acting, tried in this order:
 *
 * watch: all watches of the kernel are in one circular list. Our own watch on
 *   memory/target leads into the list; the kernel's watch is the entry for the
 *   same node whose callback is named watch_target. We take the kernel's watch
 *   off with unregister_xenbus_watch() and register the watch again at the end.
 * ftrace: calls of the function watch_target are diverted to a function of ours,
 *   as a livepatch does (a module that is a livepatch taints the kernel and can
 *   be nothing else).
 *
 * The module is not loaded unless the watch or the function that was found is
 * proven to be the right one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/stop_machine.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <xen/balloon.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "balloond_guest.h"
#include "bounds.h"
#include "takeover.h"

#define TARGET_NODE "memory/target"
#define MAX_NODE "memory/static-max"
#define BUILTIN "watch_target"		  /* in drivers/xen/xen-balloon.c */
#define WATCHES_MAX 100000		  /* a longer chain of pointers is not the list */
#define OFFSET_LIMIT (256 * BG_MIB_PAGES) /* larger than any video memory */

static void target_fired(struct xenbus_watch *watch, const char *path, const char *token);
static void max_fired(struct xenbus_watch *watch, const char *path, const char *token);

static struct xenbus_watch target_watch = { .node = TARGET_NODE, .callback = target_fired };
static struct xenbus_watch max_watch = { .node = MAX_NODE, .callback = max_fired };

static struct xenbus_watch *builtin_watch; /* the kernel's, while taken off */
static bool diverted, watched, max_watched;
static bool use_watch;	    /* the way to try now */
static int take_result = 1; /* of the way tried; 1: not yet tried */
static DECLARE_COMPLETION(tried);
static void (*target_changed)(void);

static bool has_name(void *function, const char *name)
{
	char symbol[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(symbol, (unsigned long)function);
	return strcmp(symbol, name) == 0;
}

/*
 * The head of the list is in no watch, so the memory around the head may hold
 * anything. Read every pointer without trusting it.
 */
static bool is_builtin(struct list_head *entry)
{
	struct xenbus_watch *w = container_of(entry, struct xenbus_watch, list);
	char name[sizeof(TARGET_NODE)];
	void *callback;
	const char *node;

	if (copy_from_kernel_nofault(&node, &w->node, sizeof(node)) ||
	    copy_from_kernel_nofault(&callback, &w->callback, sizeof(callback)) ||
	    copy_from_kernel_nofault(name, node, sizeof(name)))
		return false;
	return memcmp(name, TARGET_NODE, sizeof(name)) == 0 && has_name(callback, BUILTIN);
}

/* Runs while all other processors stand still, so no one changes the list. */
static int find_builtin(void *unused)
{
	struct list_head *at = &target_watch.list, *next, *back;
	unsigned int found = 0;

	builtin_watch = NULL;
	for (unsigned int i = 0; i < WATCHES_MAX; i++) {
		if (copy_from_kernel_nofault(&next, &at->next, sizeof(next)) ||
		    copy_from_kernel_nofault(&back, &next->prev, sizeof(back)) || back != at)
			return -EUCLEAN;
		if (next == &target_watch.list)
			return found == 1 ? 0 : -ENOENT;
		if (is_builtin(next)) {
			builtin_watch = container_of(next, struct xenbus_watch, list);
			found++;
		}
		at = next;
	}
	return -EUCLEAN;
}

static int read_target(unsigned long long *ret_kib)
{
	int n = xenbus_scanf(XBT_NIL, "memory", "target", "%llu", ret_kib);

	return n == 1 ? 0 : -ENOENT;
}

/*
 * The kernel's driver keeps the offset between memory/target and its own count in
 * a variable that we cannot read. The offset is the difference of the two once the
 * kernel's driver has handled the last change. That is so when no event waits:
 * events are handled one after another, on the thread that runs this function.
 */
static int learn_offset(void)
{
	unsigned long long kib;
	unsigned long pages;
	int r = read_target(&kib);

	if (r)
		return r;
	if (READ_ONCE(target_watch.nr_pending))
		return -EAGAIN;
	pages = bg_pages(kib) - balloon_stats.target_pages;
	if (pages > (xen_pv_domain() ? 0 : OFFSET_LIMIT))
		return -ERANGE;
	bg_set_offset(pages);
	return 0;
}

/* Runs on the thread that calls all watches, so no other callback runs. */
static int take_watch(void)
{
	int r = stop_machine(find_builtin, NULL, NULL);

	if (r)
		return r;
	/* Undo what people may have written to the kernel driver's sysfs files. */
	builtin_watch->callback(builtin_watch, TARGET_NODE, "");
	r = learn_offset();
	if (r)
		return r;
	unregister_xenbus_watch(builtin_watch);
	balloon_set_new_target(balloon_stats.current_pages); /* it moves no further */
	return 0;
}

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_REGS
#ifndef ftrace_regs_set_instruction_pointer /* its name until 6.2 */
#define ftrace_regs_set_instruction_pointer ftrace_instruction_pointer_set
#endif

/* Our own watch on memory/target fires as well. */
static void ignore_target_watch(struct xenbus_watch *watch, const char *path, const char *token)
{
}

static void notrace divert(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
			   struct ftrace_regs *regs)
{
	char caller[KSYM_SYMBOL_LEN];

	/* Other parts of the kernel may have functions of that name. */
	sprint_symbol_no_offset(caller, parent);
	if (strcmp(caller, "xenwatch_thread") == 0)
		ftrace_regs_set_instruction_pointer(regs, (unsigned long)ignore_target_watch);
}

static struct ftrace_ops divert_ops = { .func = divert,
					.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION |
						 FTRACE_OPS_FL_PERMANENT
#ifndef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
						 | FTRACE_OPS_FL_SAVE_REGS
#endif
};

static int take_function(void)
{
	char name[] = BUILTIN;
	int r = learn_offset();

	if (r)
		return r;
	r = ftrace_set_filter(&divert_ops, name, sizeof(name) - 1, 1);
	if (!r)
		r = register_ftrace_function(&divert_ops);
	if (r) {
		ftrace_free_filter(&divert_ops);
		return r;
	}
	diverted = true;
	return 0;
}

static void give_function_back(void)
{
	unregister_ftrace_function(&divert_ops);
	ftrace_free_filter(&divert_ops);
}
#else
static int take_function(void)
{
	return -EOPNOTSUPP;
}

static void give_function_back(void)
{
}
#endif

static void target_fired(struct xenbus_watch *watch, const char *path, const char *token)
{
	if (take_result > 0) {
		take_result = use_watch ? take_watch() : take_function();
		complete(&tried);
		return;
	}
	if (take_result < 0 || bg_read_store())
		return;
	/* Also for the same target: a write, and a restore, asks to try again. */
	target_changed();
}

static void max_fired(struct xenbus_watch *watch, const char *path, const char *token)
{
	if (bg_read_store())
		return;
	target_changed();
}

/* A watch fires once when it is registered: target_fired() tries the way then. */
static int try_way(bool watch)
{
	int r;

	for (int tries = 0; tries < 10; tries++) {
		use_watch = watch;
		take_result = 1;
		reinit_completion(&tried);
		r = register_xenbus_watch(&target_watch);
		if (r)
			return r;
		wait_for_completion(&tried);
		watched = !take_result;
		if (watched)
			return 0;
		unregister_xenbus_watch(&target_watch);
		if (take_result != -EAGAIN)
			break;
	}
	return take_result;
}

int bg_takeover_start(bool patch_only, void (*changed)(void))
{
	unsigned long long kib;
	int r;

	target_changed = changed;
	if (read_target(&kib)) {
		pr_err("the toolstack has written no memory/target: nothing to follow\n");
		return -ENODEV;
	}
	r = patch_only ? -EOPNOTSUPP : try_way(true);
	if (r) {
		if (!patch_only)
			pr_info("the kernel's watch on memory/target was not found (%d): ftrace is tried\n",
				r);
		r = try_way(false);
	}
	if (r) {
		pr_err("memory/target cannot be taken over from the kernel's driver (%d): not loaded\n", r);
		return r;
	}
	r = bg_read_store();
	if (!r)
		r = register_xenbus_watch(&max_watch);
	max_watched = !r;
	if (r)
		bg_takeover_stop();
	return r;
}

void bg_takeover_end_watches(void)
{
	if (max_watched)
		unregister_xenbus_watch(&max_watch);
	if (watched)
		unregister_xenbus_watch(&target_watch);
	max_watched = false;
	watched = false;
}

void bg_takeover_stop(void)
{
	bg_takeover_end_watches();
	if (diverted) {
		give_function_back();
		/* The kernel's watch fires at the next write only: pass on the target. */
		bg_read_store();
		balloon_set_new_target(bg_bounds().target);
	} else if (register_xenbus_watch(builtin_watch)) {
		pr_err("the kernel's watch on memory/target could not be registered again\n");
	}
}

const char *bg_takeover_way(void)
{
	return diverted ? "ftrace" : "watch";
}
