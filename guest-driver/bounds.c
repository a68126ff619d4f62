// SPDX-License-Identifier: GPL-2.0-only
/* The target that the host wrote to memory/target, and the limits of the guest. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include <xen/balloon.h>
#include <xen/xenbus.h>

#include "balloond_guest.h"
#include "bounds.h"

#define SAFEGUARD_PAGES (16 * BG_MIB_PAGES) /* more than the kernel keeps for itself */

static DEFINE_SPINLOCK(lock);
static struct bg_bounds bounds;
static unsigned long min_wanted; /* min, unless max or the safeguard forbid it */

struct bg_bounds bg_bounds(void)
{
	struct bg_bounds b;

	spin_lock(&lock);
	b = bounds;
	spin_unlock(&lock);
	return b;
}

unsigned long bg_total_kib(unsigned long pages)
{
	return bg_kib(pages + READ_ONCE(bounds.offset));
}

void bg_set_offset(unsigned long pages)
{
	spin_lock(&lock);
	bounds.offset = pages;
	spin_unlock(&lock);
}

/*
 * The lower limit of the balloon driver of Linux 2.6.18-xen (minimum_target()
 * there), a piecewise linear function of max: 8 MiB and half of max up to
 * 128 MiB, then a quarter of what max is above 128 MiB, an eighth above 512 MiB,
 * a thirty-second above 2 GiB.
 */
static unsigned long default_min(unsigned long max)
{
	static const struct {
		unsigned long below_mib, base_mib;
		unsigned int shift;
	} piece[] = {
		{ 128, 8, 1 },
		{ 512, 40, 2 },
		{ 2048, 104, 3 },
		{ ULONG_MAX / BG_MIB_PAGES, 296, 5 },
	};
	unsigned int i = 0;

	while (max >= piece[i].below_mib * BG_MIB_PAGES && i < ARRAY_SIZE(piece) - 1)
		i++;
	return min(max, piece[i].base_mib * BG_MIB_PAGES + (max >> piece[i].shift));
}

/* Pages that the kernel keeps for itself are in no MemTotal: nothing runs with less. */
static unsigned long least_min(unsigned long have)
{
	unsigned long managed = totalram_pages();

	return (have > managed ? have - managed : 0) + SAFEGUARD_PAGES;
}

int bg_bounds_init(unsigned long min_kib, unsigned long have)
{
	struct bg_bounds b = bg_bounds();
	unsigned long least = least_min(have);
	unsigned long min = min_kib ? bg_pages(min_kib) - b.offset : default_min(b.max);

	if (min_kib && (bg_pages(min_kib) < b.offset + least || min > b.max)) {
		pr_err("min=%lu is out of bounds: from %lu to %lu KiB\n", min_kib, bg_total_kib(least),
		       bg_total_kib(b.max));
		return -EPERM;
	}
	spin_lock(&lock);
	bounds.safeguard = least;
	bounds.max = max(bounds.max, least);
	min_wanted = min;
	bounds.min = clamp(min, bounds.safeguard, bounds.max);
	spin_unlock(&lock);
	return 0;
}

/* A toolstack that writes no memory/static-max leaves the pages that the kernel saw. */
static unsigned long read_max(unsigned long offset)
{
	unsigned long long kib;
	unsigned long pages;

	if (xenbus_scanf(XBT_NIL, "memory", "static-max", "%llu", &kib) != 1)
		return balloon_stats.total_pages;
	pages = bg_pages(kib);
	return pages > offset ? pages - offset : 0;
}

int bg_read_store(void)
{
	unsigned long max, target, offset = READ_ONCE(bounds.offset);
	unsigned long long kib;

	if (xenbus_scanf(XBT_NIL, "memory", "target", "%llu", &kib) != 1)
		return -ENOENT;
	target = bg_pages(kib);
	max = read_max(offset);
	spin_lock(&lock);
	bounds.target = target > offset ? target - offset : 0;
	bounds.max = max(max, bounds.safeguard); /* a toolstack may write nonsense */
	bounds.min = clamp(min_wanted, bounds.safeguard, bounds.max);
	spin_unlock(&lock);
	return 0;
}

int bg_set_min(unsigned long kib)
{
	unsigned long pages = bg_pages(kib);
	int r = -EPERM;

	spin_lock(&lock);
	if (pages >= bounds.safeguard + bounds.offset && pages - bounds.offset <= bounds.max) {
		min_wanted = pages - bounds.offset;
		bounds.min = min_wanted;
		r = 0;
	}
	spin_unlock(&lock);
	return r;
}

int bg_set_target(unsigned long kib)
{
	unsigned long pages = bg_pages(kib);
	int r = -EPERM;

	spin_lock(&lock);
	if (pages >= bounds.min + bounds.offset && pages - bounds.offset <= bounds.max) {
		bounds.target = pages - bounds.offset;
		r = 0;
	}
	spin_unlock(&lock);
	return r;
}

/* A min above what the guest has forbids the guest to shrink; it does not make it grow. */
unsigned long bg_goal(unsigned long have, enum bg_reason *ret_why)
{
	struct bg_bounds b = bg_bounds();
	unsigned long floor = min(b.min, have);

	*ret_why = BG_NONE;
	if (b.target < floor) {
		*ret_why = BG_BELOW_MIN;
		return floor;
	}
	if (b.target > b.max) {
		*ret_why = BG_ABOVE_MAX;
		return max(b.max, floor);
	}
	return b.target;
}
