/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The claim_ctl of a hypervisor with the project's patch, as its public header
 * words it: layout and answers are its, not the daemon's header's. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/fake-xen.h"

#define POOL 0x7ff2
#define ANY_NODE 0xffff
#define DYING 1U

struct entry {
	uint16_t owner, node;
	uint32_t pad;
	uint64_t pages;
};

struct ctl {
	uint32_t version, op;
	uint16_t owner, source, node, pad;
	uint64_t pages, entries;
	uint32_t nr_entries, pad2;
	uint64_t free_pages, outstanding_pages;
};

static int refuse(int error)
{
	errno = error;
	return -1;
}

static uint64_t sat(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t claimed_on(unsigned node)
{
	uint64_t sum = fake_xen.pool[node];

	for (size_t i = 0; i < fake_xen.n_doms; i++)
		if (fake_xen.doms[i].used && fake_xen.doms[i].claim_node == node)
			sum += fake_xen.doms[i].outstanding;
	return sum;
}

static void list(struct ctl *c, uint32_t max, uint32_t owner, unsigned node, uint64_t pages)
{
	struct entry *to = (struct entry *)(uintptr_t)c->entries;

	if (!pages)
		return;
	if (c->nr_entries < max)
		to[c->nr_entries] = (struct entry){ (uint16_t)owner,
						    node == FAKE_NO_NODE ? ANY_NODE : (uint16_t)node, 0,
						    pages };
	c->nr_entries++;
}

static int query(struct ctl *c)
{
	uint32_t max = c->nr_entries;

	if (c->owner || c->source || c->pages || c->node != ANY_NODE)
		return refuse(EINVAL);
	if (fake_xen.fail_query)
		return refuse(fake_xen.fail_query);
	c->nr_entries = 0;
	for (unsigned i = 0; i <= FAKE_NODES; i++)
		list(c, max, POOL, i, fake_xen.pool[i]);
	for (size_t i = 0; i < fake_xen.n_doms; i++) {
		const struct fake_domain *d = &fake_xen.doms[i];

		if (d->used)
			list(c, max, d->domid, d->claim_node, d->outstanding);
	}
	c->free_pages = fake_xen.free;
	c->outstanding_pages = fake_xen_outstanding();
	return max && c->nr_entries > max ? refuse(ERANGE) : 0;
}

/* Of the pool alone: nobody sets a domain's claim so. */
static int set(struct ctl *c, unsigned node)
{
	uint64_t *held = &fake_xen.pool[node];

	fake_xen.sets++;
	if (c->source || c->owner != POOL)
		return refuse(EINVAL);
	if (c->pages > *held) {
		uint64_t more = c->pages - *held;

		if (fake_xen.fail_claim)
			return refuse(fake_xen.fail_claim);
		if (more > sat(fake_xen.free, fake_xen_outstanding()) ||
		    (node != FAKE_NO_NODE && more > sat(fake_xen.node_free[node], claimed_on(node))))
			return refuse(ENOMEM);
	} else if (c->pages < *held && fake_xen.on_less) {
		fake_xen.on_less();
	}
	*held = c->pages;
	return 0;
}

static int move(struct ctl *c, unsigned node)
{
	struct fake_domain *d = fake_xen_find(c->owner);

	fake_xen.moves++;
	if (c->source != POOL || c->owner == POOL)
		return refuse(EINVAL);
	if (!d || d->flags & DYING)
		return refuse(ESRCH);
	if (fake_xen.fail_claim)
		return refuse(fake_xen.fail_claim);
	if (c->pages > fake_xen.pool[node])
		return refuse(ENOENT);
	if (d->outstanding && d->claim_node != node)
		return refuse(EINVAL);
	if (d->tot + d->outstanding + c->pages > d->max)
		return refuse(ERANGE);
	fake_xen.pool[node] -= c->pages;
	d->outstanding += c->pages;
	d->claim_node = node;
	return 0;
}

long fake_claim_ctl(void *arg, size_t len)
{
	struct ctl *c = arg;
	unsigned node;

	assert(len == sizeof(*c) && sizeof(*c) == 56 && sizeof(struct entry) == 16);
	if (c->version != fake_xen.claim_version) {
		c->version = fake_xen.claim_version;
		return refuse(EOPNOTSUPP);
	}
	if (c->pad || c->pad2)
		return refuse(EINVAL);
	if (c->op == 0)
		return query(c);
	if (c->op > 2)
		return refuse(EOPNOTSUPP);
	if (c->entries || c->nr_entries)
		return refuse(EINVAL);
	if (c->node != ANY_NODE && (c->node >= FAKE_NODES || c->node == 1))
		return refuse(ERANGE);
	node = c->node == ANY_NODE ? FAKE_NO_NODE : c->node;
	return c->op == 1 ? set(c, node) : move(c, node);
}
