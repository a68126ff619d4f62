/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each operation of XENMEM_claim_ctl, and each error; each leaves nothing behind. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenclaims.h"

enum { MANY = 2000000, NO_SUCH = 30000 };

static struct xen_memory_claim_ctl query(void)
{
	return (struct xen_memory_claim_ctl){ .version = XEN_CLAIM_VERSION,
					      .op = XEN_CLAIM_OP_query,
					      .node = ANY_NODE };
}

/* What an owner has claimed, by a query of all; of the pool with no node. */
static uint64_t claimed(uint32_t owner, unsigned node)
{
	DECLARE_HYPERCALL_BUFFER(struct xen_claim_entry, entries);
	struct xen_memory_claim_ctl c = query();
	uint64_t pages = 0;

	entries = xc_hypercall_buffer_alloc(xch, entries, XEN_CLAIM_MAX_ENTRIES * sizeof(*entries));
	if (!entries)
		exit(3);
	c.nr_entries = XEN_CLAIM_MAX_ENTRIES;
	c.entries = HYPERCALL_BUFFER_AS_ARG(entries);
	if (ctl(&c))
		exit(3);
	for (unsigned i = 0; i < c.nr_entries; i++)
		if (entries[i].owner == owner && entries[i].node == node)
			pages = entries[i].pages;
	xc_hypercall_buffer_free(xch, entries);
	return pages;
}

static void queries(void)
{
	uint32_t a = domain(1000), b = domain(1000);
	struct xen_memory_claim_ctl c = query();
	struct memory m;

	expect(!set(a, ANY_NODE, 100) && !set(b, ANY_NODE, 200) && !set(POOL, ANY_NODE, 300),
	       "three claims");
	m = look();
	expect(!ctl(&c) && c.nr_entries == 3, "query counts them");
	expect(c.outstanding_pages == 600 && m.claimed == 600, "query says what they are together");
	expect(c.free_pages == m.free, "query says what is free");
	expect(claimed(a, ANY_NODE) == 100 && claimed(b, ANY_NODE) == 200 && claimed(POOL, ANY_NODE) == 300,
	       "query lists them");
	c = query();
	c.nr_entries = 2;
	expect(ctl(&c) == -ERANGE && c.nr_entries == 3, "query: ERANGE when there are more, and how many");
	c = query();
	c.nr_entries = 3;
	expect(ctl(&c) == -EFAULT, "query: EFAULT where it cannot write");
	set(POOL, ANY_NODE, 0);
	destroy(a);
	destroy(b);
	c = query();
	expect(!ctl(&c) && !c.nr_entries && !c.outstanding_pages, "claims end with their domains");
}

static void sets(void)
{
	uint32_t d = domain(1000);
	struct memory m = look();

	expect(!set(d, ANY_NODE, 500) && outstanding(d) == 500, "set");
	expect(!set(d, ANY_NODE, 500) && outstanding(d) == 500, "set again changes nothing");
	expect(!set(d, ANY_NODE, 700) && outstanding(d) == 700, "set in place, more");
	expect(!set(d, ANY_NODE, 400) && outstanding(d) == 400, "set in place, less");
	expect(populate(d, 0, 0, 100, NOBODY, NULL) == 100 && outstanding(d) == 300, "it is redeemed");
	expect(!set(d, ANY_NODE, 400) && outstanding(d) == 300, "set counts what is allocated");
	expect(!set(d, ANY_NODE, 50) && outstanding(d) == 0, "set below what is allocated ends it");
	expect(set(d, ANY_NODE, 1001) == -ERANGE && !outstanding(d), "set: ERANGE above max_pages");
	expect(set(NO_SUCH, ANY_NODE, 1) == -ESRCH, "set: ESRCH without the domain");
	expect(set(DOMID_SELF, ANY_NODE, 1) == -ESRCH, "set: ESRCH for DOMID_SELF");
	expect(set(POOL, ANY_NODE, MANY * UINT64_C(1000)) == -ENOMEM, "set: ENOMEM above what is free");
	expect(set(POOL, ANY_NODE, UINT64_MAX) == -ENOMEM, "set: ENOMEM above all bounds");
	expect(set(POOL, 63, 1) == -ERANGE, "set: ERANGE for a node that is not there");
	expect(set(POOL, 0x100, 1) == -ERANGE, "set: ERANGE for a node that cannot be");
	m = settled();
	expect(!set(POOL, ANY_NODE, m.free - m.claimed), "set takes all there is");
	expect(set(d, ANY_NODE, 400) == -ENOMEM, "set: ENOMEM when all is claimed");
	expect(claim(d, 400) == -ENOMEM, "XENMEM_claim_pages: ENOMEM as well");
	expect(!populate(d, 1000, 0, 1, NOBODY, NULL), "who has no claim gets nothing");
	expect(!set(POOL, ANY_NODE, 0), "set to nothing");
	destroy(d);
}

static void moves(void)
{
	uint32_t d = domain(1000), e = domain(1000);
	uint64_t before;

	expect(!set(POOL, ANY_NODE, 600), "600 in the pool");
	before = look().claimed;
	expect(!move(POOL, d, ANY_NODE, 400) && outstanding(d) == 400 && claimed(POOL, ANY_NODE) == 200,
	       "moved to a domain");
	expect(!move(d, e, ANY_NODE, 100) && outstanding(d) == 300 && outstanding(e) == 100, "to another");
	expect(!move(e, POOL, ANY_NODE, 100) && claimed(POOL, ANY_NODE) == 300 && !outstanding(e), "back");
	expect(!move(POOL, d, ANY_NODE, 0) && outstanding(d) == 300, "nothing moved is no error");
	expect(look().claimed == before, "the sum stays");
	expect(move(POOL, d, ANY_NODE, 301) == -ENOENT, "move: ENOENT without as much");
	expect(!set(POOL, ANY_NODE, 900) && move(POOL, d, ANY_NODE, 701) == -ERANGE,
	       "move: ERANGE above max_pages");
	expect(move(POOL, NO_SUCH, ANY_NODE, 1) == -ESRCH, "move: ESRCH to nobody");
	expect(move(NO_SUCH, d, ANY_NODE, 1) == -ESRCH, "move: ESRCH from nobody");
	expect(move(d, d, ANY_NODE, 1) == -EINVAL, "move: EINVAL to itself");
	expect(outstanding(d) == 300 && claimed(POOL, ANY_NODE) == 900, "errors change nothing");
	set(POOL, ANY_NODE, 0);
	destroy(d);
	destroy(e);
}

static void nodes(void)
{
	uint32_t d = domain(MANY), e = domain(MANY);
	uint64_t free = node_free(1);

	expect(!set(POOL, 1, 1000) && !set(POOL, 0, 500) && !set(POOL, ANY_NODE, 10), "the pool by nodes");
	expect(claimed(POOL, 1) == 1000 && claimed(POOL, 0) == 500 && claimed(POOL, ANY_NODE) == 10,
	       "query says where");
	expect(move(POOL, d, 0, 501) == -ENOENT, "move: ENOENT without as much on that node");
	expect(!move(POOL, d, 1, 400) && claimed(d, 1) == 400, "moved with its node");
	expect(move(POOL, d, 0, 1) == -EINVAL && claimed(d, 1) == 400,
	       "move: EINVAL to one that has another node");
	expect(set(e, 1, free) == -ENOMEM, "set: ENOMEM above what is free on the node");
	expect(!populate(d, 0, 0, 100, 0, NULL) || claimed(d, 1) == 400, "pages of node 0 leave it");
	expect(populate(d, 1000, 0, 100, 1, NULL) == 100 && claimed(d, 1) == 300,
	       "pages of node 1 redeem it");
	expect(populate(d, 2000, 0, 300, NOBODY, NULL) == 300 && !claimed(d, 1),
	       "pages of no node are of that");
	expect(!set(POOL, 1, 0) && !set(POOL, 0, 0) && !set(POOL, ANY_NODE, 0), "given back");
	expect(look().claimed == 0, "nothing is left");
	destroy(d);
	destroy(e);
}

static void malformed(void)
{
	struct xen_memory_claim_ctl c = query();

	c.version = 2;
	expect(ctl(&c) == -EOPNOTSUPP && c.version == XEN_CLAIM_VERSION,
	       "EOPNOTSUPP: the version, and which there is");
	c = query();
	c.op = 3;
	expect(ctl(&c) == -EOPNOTSUPP, "EOPNOTSUPP: no such operation");
	c = query();
	c.pad = 1;
	expect(ctl(&c) == -EINVAL, "EINVAL: pad");
	c = query();
	c.pad2 = 1;
	expect(ctl(&c) == -EINVAL, "EINVAL: pad2");
	c = query();
	c.owner = 1;
	expect(ctl(&c) == -EINVAL, "EINVAL: a query has no owner");
	c = query();
	c.op = XEN_CLAIM_OP_set;
	c.source = 1;
	expect(ctl(&c) == -EINVAL, "EINVAL: set has no source");
	c.source = 0;
	c.nr_entries = 1;
	expect(ctl(&c) == -EINVAL, "EINVAL: set has no entries");
	expect(xc_memory_op(xch, XENMEM_claim_ctl | 1 << 6, &c, sizeof(c)) && errno == EINVAL,
	       "EINVAL: it is never continued");
}

void errors(void)
{
	struct xen_memory_claim_ctl c = query();

	if (!patched) {
		expect(ctl(&c) == -ENOSYS, "stock Xen has no such call: ENOSYS");
		return;
	}
	queries();
	sets();
	moves();
	nodes();
	malformed();
}
