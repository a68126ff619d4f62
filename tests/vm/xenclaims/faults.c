/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The faults of the hypervisor's claims, one by one; each leaves nothing behind. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "xenclaims.h" /* before other headers of Xen, which need xenctrl.h */

#include <xenforeignmemory.h>
#include <xenguest.h>

enum { MANY = 2000000 }; /* pages a domain may have here: more than there are */

static void verdict(unsigned fault, bool seen, const char *what, uint64_t was, uint64_t is)
{
	printf("fault %u %s: %s (%" PRIu64 ", %" PRIu64 ")\n", fault, seen ? "seen" : "gone", what, was, is);
}

static void regrows(void)
{
	uint32_t d = domain(MANY);
	xen_pfn_t mfns[16];
	uint64_t before, after;

	expect(!claim(d, 1000) && populate(d, 0, 0, 16, NOBODY, mfns) == 16, "1000 claimed, 16 populated");
	before = outstanding(d);
	release(d, 0, 8, mfns);
	after = outstanding(d);
	verdict(1, after != before, "a claim after its domain has freed 8 pages", before, after);
	destroy(d);
}

/* A page that is mapped keeps a domain from going: it stays dying. */
static void outlives(void)
{
	xenforeignmemory_handle *fmem = xenforeignmemory_open(NULL, 0);
	uint64_t before = look().claimed, after;
	uint32_t d = domain(MANY);
	xen_pfn_t mfn, frame;
	int err = 0;
	void *page;

	expect(populate(d, 0, 0, 1, NOBODY, &mfn) == 1, "a page for a domain that is to die");
	frame = mfn;
	page = xenforeignmemory_map(fmem, d, PROT_READ, 1, &frame, &err);
	expect(page && !err, "its page is mapped");
	destroy(d);
	(void)claim(d, 5000);
	xenforeignmemory_unmap(fmem, page, 1);
	xenforeignmemory_close(fmem);
	for (unsigned i = 0; i < 2000 && outstanding(d); i++)
		look();
	after = look().claimed;
	verdict(2, after != before, "pages claimed before, and after a domain that died is gone", before,
		after);
}

/* One of these free pages, whichever Xen has not taken for itself meanwhile. */
static xen_pfn_t take_off_line(const xen_pfn_t *mfns, unsigned n)
{
	uint32_t status;

	for (unsigned i = 0; i < n; i++)
		if (!xc_mark_page_offline(xch, mfns[i], mfns[i], &status))
			return mfns[i];
	expect(false, "a page goes off-line");
	return mfns[0];
}

/* One page less than is claimed. */
static void wraps(void)
{
	enum { PAGES = 16 };
	uint32_t all = domain(MANY), other = domain(UINT64_C(1) << 28), status = 0;
	uint64_t huge = 100000000, got;
	xen_pfn_t mfns[PAGES], mfn;
	struct memory m;
	int r;

	expect(populate(other, 0, 0, PAGES, NOBODY, mfns) == PAGES, "pages one of which is to go");
	release(other, 0, PAGES, mfns);
	m = settled();
	expect(!claim(all, m.free - m.claimed), "all is claimed");
	mfn = take_off_line(mfns, PAGES);
	m = look();
	expect(m.free < m.claimed, "more is claimed than there is");
	r = claim(other, huge);
	got = outstanding(other);
	verdict(3, !r, "pages that another domain asked for, and has claimed", huge, got);
	expect(r == 0 || r == -ENOMEM, "with ENOMEM if not");
	(void)claim(other, 0);
	(void)claim(all, 0);
	(void)xc_mark_page_online(xch, mfn, mfn, &status);
	destroy(other);
	destroy(all);
}

static struct {
	atomic_bool stop;
	uint64_t looks, wrong;
} watch;

static void *watcher(void *unused)
{
	xc_interface *own = xc_interface_open(NULL, NULL, 0);
	xc_physinfo_t info = { 0 };

	(void)unused;
	while (own && !watch.stop) {
		if (xc_physinfo(own, &info))
			continue;
		watch.looks++;
		watch.wrong += info.free_pages < info.outstanding_pages;
	}
	if (own)
		xc_interface_close(own);
	return NULL;
}

/* All that is free is claimed by one that takes it: never more than there is. */
static void counts_twice(void)
{
	enum { BATCH = 64, ROUNDS = 400 };
	static xen_pfn_t mfns[BATCH];
	uint32_t d = domain(MANY);
	pthread_t thread;
	struct memory m;

	if (pthread_create(&thread, NULL, watcher, NULL))
		return;
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n;

		m = look();
		if (claim(d, m.free - m.claimed))
			continue;
		n = populate(d, 0, 9, BATCH, NOBODY, mfns);
		(void)claim(d, 0);
		if (n)
			release(d, 9, n, mfns);
	}
	watch.stop = true;
	pthread_join(thread, NULL);
	expect(watch.looks > 1000, "looks enough");
	verdict(4, watch.wrong, "looks, and those that saw more claimed than there is", watch.looks,
		watch.wrong);
	destroy(d);
}

static void all_or_nothing(void)
{
	uint32_t d = domain(MANY), other = domain(MANY);
	struct memory m;
	unsigned got;

	expect(!claim(d, 100), "100 are claimed");
	m = settled();
	expect(!claim(other, m.free - m.claimed - 450), "all others but 450 are claimed");
	got = populate(d, 0, 9, 1, NOBODY, NULL);
	verdict(5, !got, "512 pages wanted with 100 claimed and 450 free: extents got", 1, got);
	if (got)
		expect(!outstanding(d), "what it claimed went first");
	(void)claim(other, 0);
	(void)claim(d, 0);
	destroy(other);
	destroy(d);
}

/* Somebody without a claim wants all of node 1; who claimed there comes later. */
static void blind_to_nodes(void)
{
	enum { MOST = 4096 };
	static xen_pfn_t mfns[MOST];
	uint32_t d = domain(MANY), other = domain(MANY);
	uint64_t free = node_free(1), wanted = free * 3 / 4;
	unsigned took, got, want = (unsigned)(wanted >> 9) - 16;

	expect(free > 65536, "there is a node 1");
	expect(!(patched ? set(d, 1, wanted) : claim(d, wanted)), "three quarters of node 1 are claimed");
	took = populate(other, 0, 9, MOST, 1, mfns);
	got = populate(d, 0, 9, want, 1, NULL);
	verdict(6, got < want, "extents of 2 MiB wanted on node 1 within the claim, and got", want, got);
	if (took)
		release(other, 9, took, mfns);
	expect(took > 0, "what nobody claimed there can be had");
	destroy(other);
	destroy(d);
}

void faults(void)
{
	regrows();
	outlives();
	wraps();
	counts_twice();
	all_or_nothing();
	blind_to_nodes();
}
