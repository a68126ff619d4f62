// SPDX-License-Identifier: GPL-2.0-only
/* The code of the series, and around it an allocator that calls it where
 * page_alloc.c does. Pages are bits; an extent is an aligned run of them, which
 * is what a buddy allocator has to give. */
#include "stand-ins.h"

static spinlock_t heap_lock = { .rank = RANK_HEAP };
static unsigned long node_avail_pages[MAX_NUMNODES];
static long total_avail_pages;

static unsigned long avail_domheap_pages(void)
{
	return (unsigned long)total_avail_pages;
}

/* Xen's own warnings are fewer, and it declares these in headers that are not here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "claims.h"
#include "claim-ctl.c"
#pragma GCC diagnostic pop

#define WORDS (XEN_NODE_PAGES / 64)
static struct {
	uint64_t free[WORDS], offlining[WORDS];
} heaps[MAX_NUMNODES];
static struct domain domains[XEN_DOMAINS];
static nodeid_t this_node;
static uint64_t virq_looked_at = UINT64_MAX;
unsigned int xen_denied;

static void check_low_mem_virq(void)
{
	ASSERT(spin_is_locked(&heap_lock));
	virq_looked_at = claims_unclaimed();
}

static struct domain *next_domain(const struct domain *d)
{
	struct domain *next = d ? &domains[d - domains + 1] : domains;

	ASSERT(rcu_depth);
	while (next < domains + XEN_DOMAINS && !next->in_list)
		next++;
	return next < domains + XEN_DOMAINS ? next : NULL;
}

static struct domain *rcu_lock_domain_by_id(domid_t id)
{
	if (id >= XEN_DOMAINS || !domains[id].in_list)
		return NULL;
	domain_refs++;
	return &domains[id];
}

static void lock_pages(struct domain *d)
{
#ifdef XEN_RSPINLOCK
	nrspin_lock(&d->page_alloc_lock);
#else
	spin_lock(&d->page_alloc_lock);
#endif
}

static void unlock_pages(struct domain *d)
{
#ifdef XEN_RSPINLOCK
	nrspin_unlock(&d->page_alloc_lock);
#else
	spin_unlock(&d->page_alloc_lock);
#endif
}

/* ---- runs of bits -------------------------------------------------------------- */
static uint64_t run_of(int order)
{
	return order == 6 ? UINT64_MAX : (UINT64_C(1) << (1u << order)) - 1;
}

/* The first bits of aligned free runs. */
static uint64_t runs(uint64_t free, int order)
{
	static const uint64_t aligned[] = { UINT64_MAX,
					    0x5555555555555555,
					    0x1111111111111111,
					    0x0101010101010101,
					    0x0001000100010001,
					    0x0000000100000001,
					    1 };

	for (int i = 0; i < order; i++)
		free &= free >> (1u << i);
	return free & aligned[order];
}

bool xen_has_extent(int node, int order)
{
	for (int w = 0; w < WORDS; w++)
		if (runs(heaps[node].free[w], order))
			return true;
	return false;
}

bool xen_page_is_free(int node, unsigned int page)
{
	return heaps[node].free[page / 64] >> page % 64 & 1;
}

static bool take_run(int node, int order, struct xen_extent *ret)
{
	for (unsigned int w = 0; w < WORDS; w++) {
		uint64_t found = runs(heaps[node].free[w], order);

		if (found) {
			unsigned int bit = (unsigned int)__builtin_ctzll(found);

			heaps[node].free[w] &= ~(run_of(order) << bit);
			*ret = (struct xen_extent){ node, order, w * 64 + bit };
			return true;
		}
	}
	return false;
}

/* ---- page_alloc.c -------------------------------------------------------------- */
static nodeid_t first_node(unsigned int mask)
{
	return mask ? (nodeid_t)__builtin_ctz(mask) : MAX_NUMNODES;
}

static nodeid_t next_node(nodeid_t node, unsigned int mask)
{
	return first_node(mask & ~((2u << node) - 1));
}

static nodeid_t cycle_node(nodeid_t node, unsigned int mask)
{
	nodeid_t next = next_node(node, mask);

	return next < MAX_NUMNODES ? next : first_node(mask);
}

/* The way of get_free_buddy() through the nodes, jump by jump. */
static bool get_free_buddy(struct domain *d, int order, unsigned int memflags, nodeid_t req_node,
			   struct xen_extent *ret)
{
	unsigned int nodemask = online_nodes, nodemask_retry = 0;
	nodeid_t node = req_node, first;

	if (d) {
		ASSERT(nodemask & d->node_affinity);
		nodemask &= d->node_affinity;
	}
	if (node == NUMA_NO_NODE) {
		node = claims_node(d, memflags);
		if (node == NUMA_NO_NODE && d)
			node = cycle_node(d->last_alloc_node, nodemask);
		if (node >= MAX_NUMNODES)
			node = this_node;
	}
	for (first = node;;) {
		if (claims_allow(d, node, 1UL << order, memflags) && take_run(node, order, ret))
			return true;
		if ((memflags & XEN_MEMF_exact_node) && req_node != NUMA_NO_NODE)
			return false;
		if (!(nodemask >> node & 1)) {
			ASSERT(!nodemask_retry);
			first = node = first_node(nodemask);
			if (node < MAX_NUMNODES)
				continue;
		} else if ((node = next_node(node, nodemask)) >= MAX_NUMNODES) {
			node = first_node(nodemask);
		}
		if (node == first) {
			if ((memflags & XEN_MEMF_exact_node) || nodemask_retry++)
				return false;
			nodemask = online_nodes & ~nodemask;
			first = node = first_node(nodemask);
			if (node >= MAX_NUMNODES)
				return false;
		}
	}
}

/* alloc_heap_pages() */
bool xen_take(int id, int order, unsigned int memflags, int node, struct xen_extent *ret)
{
	struct domain *d = id == XEN_NOBODY ? NULL : &domains[id];
	bool found;

	if (memflags & XEN_MEMF_no_owner)
		memflags |= MEMF_no_refcount;
	spin_lock(&heap_lock);
	found = get_free_buddy(d, order, memflags, node == XEN_NO_NODE ? NUMA_NO_NODE : (nodeid_t)node, ret);
	if (found) {
		node_avail_pages[ret->node] -= 1UL << order;
		total_avail_pages -= 1L << order;
		ASSERT(total_avail_pages >= 0);
		claims_redeem(d, (nodeid_t)ret->node, 1UL << order, memflags);
		check_low_mem_virq();
		if (d)
			d->last_alloc_node = (nodeid_t)ret->node;
	}
	spin_unlock(&heap_lock);
	return found;
}

/* free_heap_pages(), with reserve_offlined_page() */
static void free_heap(const struct xen_extent *e)
{
	uint64_t *free = &heaps[e->node].free[e->start / 64],
		 *going = &heaps[e->node].offlining[e->start / 64];
	uint64_t run = run_of(e->order) << e->start % 64, gone;

	spin_lock(&heap_lock);
	ASSERT(!(*free & run));
	node_avail_pages[e->node] += 1UL << e->order;
	total_avail_pages += 1L << e->order;
	*free |= run;
	for (gone = *going & run; gone; gone &= gone - 1) {
		node_avail_pages[e->node]--;
		total_avail_pages--;
		ASSERT(total_avail_pages >= 0);
	}
	*free &= ~(*going & run);
	*going &= ~run;
	spin_unlock(&heap_lock);
}

/* assign_pages(): 1 << order pages, PGC_extra with MEMF_no_refcount */
bool xen_assign(int id, const struct xen_extent *e, unsigned int memflags)
{
	struct domain *d = &domains[id];
	unsigned int nr = 1u << e->order;
	bool ok;

	lock_pages(d);
	if (memflags & MEMF_no_refcount)
		ok = !d->is_dying;
	else
		ok = !d->is_dying && domain_tot_pages(d) <= d->max_pages &&
		     nr <= d->max_pages - domain_tot_pages(d);
	if (ok) {
		d->tot_pages += nr;
		d->extra_pages += memflags & MEMF_no_refcount ? nr : 0;
	}
	unlock_pages(d);
	if (!ok)
		free_heap(e);
	return ok;
}

/* free_domheap_pages() */
void xen_free(int id, const struct xen_extent *e, bool extra)
{
	if (id != XEN_NOBODY) {
		lock_pages(&domains[id]);
		domains[id].tot_pages -= 1u << e->order;
		domains[id].extra_pages -= extra ? 1u << e->order : 0;
		unlock_pages(&domains[id]);
	}
	free_heap(e);
}

void xen_offline(int node, unsigned int page)
{
	uint64_t bit = UINT64_C(1) << page % 64;

	spin_lock(&heap_lock);
	if (heaps[node].free[page / 64] & bit) {
		heaps[node].free[page / 64] &= ~bit;
		node_avail_pages[node]--;
		total_avail_pages--;
		ASSERT(total_avail_pages >= 0);
	} else {
		heaps[node].offlining[page / 64] |= bit;
	}
	spin_unlock(&heap_lock);
}

/* ---- the host ------------------------------------------------------------------ */
void xen_boot(const unsigned int pages[XEN_NODES], unsigned int online, int cpu_node)
{
	memset(heaps, 0, sizeof(heaps));
	online_nodes = online;
	this_node = (nodeid_t)cpu_node;
	total_avail_pages = 0;
	for (int node = 0; node < XEN_NODES; node++) {
		node_avail_pages[node] = pages[node];
		total_avail_pages += pages[node];
		for (unsigned int p = 0; p < pages[node]; p++)
			heaps[node].free[p / 64] |= UINT64_C(1) << p % 64;
	}
}

void xen_create(int id, unsigned int affinity, unsigned int max)
{
	/* All zero, the node of its claim as well: as domain_create() leaves it. */
	domains[id] = (struct domain){ .domain_id = (domid_t)id, .in_list = true };
	domains[id].max_pages = max;
	domains[id].node_affinity = affinity;
#ifdef XEN_RSPINLOCK
	domains[id].page_alloc_lock.lock.rank = RANK_DOMAIN;
#else
	domains[id].page_alloc_lock.rank = RANK_DOMAIN;
#endif
}

void xen_set_max(int id, unsigned int max)
{
	lock_pages(&domains[id]);
	domains[id].max_pages = max;
	unlock_pages(&domains[id]);
}

void xen_kill_begins(int id)
{
	domains[id].is_dying = DOMDYING_dying;
}

void xen_kill_gives_up(int id)
{
	ASSERT(domain_set_outstanding_pages(&domains[id], 0) == 0);
}

void xen_destroy(int id)
{
	ASSERT(domains[id].is_dying && !domains[id].tot_pages && !domains[id].outstanding_pages);
	domains[id].in_list = false;
}

int xen_claim_pages(int id, unsigned long pages)
{
	return domain_set_outstanding_pages(&domains[id], pages);
}

long xen_claim_ctl(struct xen_memory_claim_ctl *ctl)
{
	return claim_ctl((guest_handle_void){ ctl });
}

void xen_physinfo(uint64_t *free, uint64_t *outstanding)
{
	get_outstanding_claims(free, outstanding);
}

void xen_look(struct xen_view *ret)
{
	ret->outstanding = outstanding_claims;
	ret->free = (uint64_t)total_avail_pages;
	for (int node = 0; node < XEN_NODES; node++) {
		ret->node_claims[node] = node_claims[node];
		ret->node_free[node] = node_avail_pages[node];
	}
	for (int i = 0; i <= XEN_NODES; i++)
		ret->pool[i] = pool_claims[i];
	for (int id = 0; id < XEN_DOMAINS; id++) {
		const struct domain *d = &domains[id];

		ret->dom[id].claim = d->in_list ? d->outstanding_pages : 0;
		ret->dom[id].tot = d->in_list ? d->tot_pages - d->extra_pages : 0;
		ret->dom[id].node = d->claim_node == NUMA_NO_NODE ? XEN_NO_NODE : d->claim_node;
	}
}

uint64_t xen_virq_looked_at(void)
{
	uint64_t was = virq_looked_at;

	virq_looked_at = UINT64_MAX;
	return was;
}

void xen_at_rest(void)
{
	for (int rank = 0; rank < RANKS; rank++)
		ASSERT(!locks_held[rank]);
	ASSERT(!rcu_depth);
	ASSERT(!domain_refs);
}
