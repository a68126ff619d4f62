// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that this driver gave to the host: extents of 2 MiB where the host maps
 * the guest's memory; single pages elsewhere, for remainders, and where memory is
 * fragmented. Pages that the host has are marked PageOffline, so that dumps and
 * readers of the guest's memory leave them alone.
 *
 * The page allocator zeroes every page that leaves (__GFP_ZERO): once, also where
 * init_on_alloc is on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include <xen/features.h>
#include <xen/interface/xen.h>
#include <xen/interface/memory.h>
#include <xen/mem-reservation.h>
#include <xen/page.h>
#include <xen/xen.h>

#include <asm/xen/hypercall.h>

#include "balloond_guest.h"
#include "ballooned.h"

#ifndef CONFIG_X86_64
#error "balloond_guest is for x86_64"
#endif

/* A balloon must neither call the OOM killer nor drain reserves. */
#define GFP_INFLATE (GFP_HIGHUSER | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC)

#define BATCH_PAGES 512
#define BATCH_EXTENTS 16

DEFINE_MUTEX(bg_lock);
static LIST_HEAD(extents); /* the first page of each */
static LIST_HEAD(pages);
static struct bg_ballooned_counts counts;

static xen_pfn_t frames[BATCH_PAGES];
static struct page *batch[BATCH_PAGES];

struct bg_ballooned_counts bg_ballooned_counts(void)
{
	return counts;
}

unsigned long bg_ballooned_pages(void)
{
	return READ_ONCE(counts.extents) * BG_EXTENT_PAGES + READ_ONCE(counts.pages);
}

/* The host maps the guest's memory in tables of its own, which may hold 2 MiB pages. */
static bool auto_translated(void)
{
	return xen_feature(XENFEAT_auto_translated_physmap);
}

/* Hypercall for the first n of frames[]; returns how many the hypervisor did. */
static unsigned int change_reservation(unsigned int op, unsigned int n, unsigned int order)
{
	struct xen_memory_reservation r = {
		.nr_extents = n,
		.extent_order = order,
		.domid = DOMID_SELF,
	};
	long did;

	set_xen_guest_handle(r.extent_start, frames);
	did = HYPERVISOR_memory_op(op, &r);
	return did > 0 ? min_t(unsigned int, did, n) : 0;
}

static void mark_ballooned(struct page *page, unsigned int order)
{
	adjust_managed_page_count(page, -(1L << order));
	for (unsigned int i = 0; i < 1U << order; i++)
		__SetPageOffline(page + i);
}

static void return_to_kernel(struct page *page, unsigned int order)
{
	for (unsigned int i = 0; i < 1U << order; i++)
		__ClearPageOffline(page + i);
	adjust_managed_page_count(page, 1L << order);
	__free_pages(page, order);
}

static unsigned int allocate(unsigned int n, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		batch[i] = alloc_pages(GFP_INFLATE, order);
		if (!batch[i])
			break;
	}
	return i;
}

static unsigned long inflate_extents(unsigned long n)
{
	unsigned int got = allocate(min(n, BATCH_EXTENTS), BG_EXTENT_ORDER), did, i;

	for (i = 0; i < got; i++) {
		frames[i] = page_to_xen_pfn(batch[i]);
		mark_ballooned(batch[i], BG_EXTENT_ORDER);
	}
	did = got ? change_reservation(XENMEM_decrease_reservation, got, BG_EXTENT_ORDER) : 0;
	for (i = 0; i < did; i++)
		list_add(&batch[i]->lru, &extents);
	for (; i < got; i++)
		return_to_kernel(batch[i], BG_EXTENT_ORDER);
	WRITE_ONCE(counts.extents, counts.extents + did);
	counts.extents_out += did;
	return did * BG_EXTENT_PAGES;
}

/* PV: no processor may reach a frame that the guest gives up. */
static void drop_mappings(unsigned int n)
{
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_ALL };

	if (auto_translated() || !n)
		return;
	xenmem_reservation_va_mapping_reset(n, batch);
	WARN_ON_ONCE(HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF));
}

static unsigned long inflate_pages(unsigned long n)
{
	unsigned int got = allocate(min(n, BATCH_PAGES), 0), did, i;

	for (i = 0; i < got; i++) {
		frames[i] = xen_page_to_gfn(batch[i]);
		mark_ballooned(batch[i], 0);
	}
	drop_mappings(got);
	did = got ? change_reservation(XENMEM_decrease_reservation, got, 0) : 0;
	for (i = 0; i < did; i++)
		list_add(&batch[i]->lru, &pages);
	if (did < got)
		xenmem_reservation_va_mapping_update(got - did, batch + did, frames + did);
	for (; i < got; i++)
		return_to_kernel(batch[i], 0);
	WRITE_ONCE(counts.pages, counts.pages + did);
	counts.pages_out += did;
	return did;
}

unsigned long bg_ballooned_inflate(unsigned long n)
{
	unsigned long did = 0;

	if (auto_translated() && n >= BG_EXTENT_PAGES)
		did = inflate_extents(n / BG_EXTENT_PAGES);
	return did ?: inflate_pages(n);
}

static unsigned long deflate_extents(unsigned long n)
{
	unsigned int want = min3(n, counts.extents, BATCH_EXTENTS), did, i = 0;
	struct page *page, *next;

	list_for_each_entry(page, &extents, lru) {
		if (i == want)
			break;
		frames[i++] = page_to_xen_pfn(page);
	}
	did = i ? change_reservation(XENMEM_populate_physmap, i, BG_EXTENT_ORDER) : 0;
	i = 0;
	list_for_each_entry_safe(page, next, &extents, lru) {
		if (i++ == did)
			break;
		list_del(&page->lru);
		return_to_kernel(page, BG_EXTENT_ORDER);
	}
	WRITE_ONCE(counts.extents, counts.extents - did);
	counts.extents_in += did;
	return did * BG_EXTENT_PAGES;
}

static unsigned long deflate_pages(unsigned long n)
{
	unsigned int want = min3(n, counts.pages, BATCH_PAGES), did, i = 0;
	struct page *page;

	list_for_each_entry(page, &pages, lru) {
		if (i == want)
			break;
		batch[i] = page;
		frames[i++] = page_to_xen_pfn(page);
	}
	did = i ? change_reservation(XENMEM_populate_physmap, i, 0) : 0;
	xenmem_reservation_va_mapping_update(did, batch, frames);
	for (i = 0; i < did; i++) {
		list_del(&batch[i]->lru);
		return_to_kernel(batch[i], 0);
	}
	WRITE_ONCE(counts.pages, counts.pages - did);
	counts.pages_in += did;
	return did;
}

static void split_extent(void)
{
	struct page *page = list_first_entry_or_null(&extents, struct page, lru);

	if (!page)
		return;
	list_del(&page->lru);
	split_page(page, BG_EXTENT_ORDER);
	for (unsigned int i = 0; i < BG_EXTENT_PAGES; i++)
		list_add(&page[i].lru, &pages);
	WRITE_ONCE(counts.pages, counts.pages + BG_EXTENT_PAGES);
	WRITE_ONCE(counts.extents, counts.extents - 1);
}

/*
 * Takes single pages for what is no multiple of an extent, then extents. Where the
 * host has no 2 MiB free in one piece, splits an extent and takes single pages.
 */
unsigned long bg_ballooned_deflate(unsigned long n)
{
	unsigned long rest = n % BG_EXTENT_PAGES, did = 0;

	if (rest && counts.pages)
		did = deflate_pages(rest);
	else if (!rest || n > rest)
		did = deflate_extents(n / BG_EXTENT_PAGES);
	if (did)
		return did;
	if (!counts.pages)
		split_extent();
	return deflate_pages(n);
}

/* The kernel's driver marks each page offline again. */
void bg_ballooned_hand_over(void (*adopt)(struct page **pages, unsigned int n))
{
	struct page *page, *next;
	unsigned int n;

	while (counts.extents || counts.pages) {
		if (!counts.pages)
			split_extent();
		n = 0;
		list_for_each_entry_safe(page, next, &pages, lru) {
			if (n == BATCH_PAGES)
				break;
			list_del(&page->lru);
			batch[n++] = page;
		}
		WRITE_ONCE(counts.pages, counts.pages - n);
		for (unsigned int i = 0; i < n; i++)
			__ClearPageOffline(batch[i]);
		adopt(batch, n);
	}
}
