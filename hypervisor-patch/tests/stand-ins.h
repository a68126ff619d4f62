/* SPDX-License-Identifier: GPL-2.0-only */
/* What claims.h and claim-ctl.c want of Xen. Locks are counters that know their
 * order; whatever the hypervisor would crash of ends the test. */
#ifndef HYPERVISOR_PATCH_STAND_INS_H
#define HYPERVISOR_PATCH_STAND_INS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "abi-types.h"
#include "xen.h"

#define ASSERT(x) ((x) ? (void)0 : xen_broken(#x, __func__))
#define BUG_ON(x) ASSERT(!(x))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min_t(type, x, y) ((type)(x) < (type)(y) ? (type)(x) : (type)(y))
/* of one type, as in Xen */
#define min(x, y)                                                                                           \
	({                                                                                                  \
		__typeof__(x) x_ = (x);                                                                     \
		__typeof__(y) y_ = (y);                                                                     \
		(void)(&x_ == &y_);                                                                         \
		x_ < y_ ? x_ : y_;                                                                          \
	})

/* ---- locks: a lock of a rank is taken below none of its own or a higher one --- */
enum rank { RANK_OTHER, RANK_DOMAIN, RANK_HEAP, RANKS };
typedef struct {
	enum rank rank;
	unsigned int held;
} spinlock_t;
#define DEFINE_SPINLOCK(name) spinlock_t name = { .rank = RANK_OTHER }

static unsigned int locks_held[RANKS];

static inline void spin_lock(spinlock_t *l)
{
	for (unsigned int rank = l->rank; rank < RANKS; rank++)
		ASSERT(!locks_held[rank]);
	locks_held[l->rank]++;
	l->held++;
}

static inline void spin_unlock(spinlock_t *l)
{
	ASSERT(l->held == 1);
	locks_held[l->rank]--;
	l->held--;
}

static inline bool spin_is_locked(const spinlock_t *l)
{
	return l->held;
}

/* From 4.18 on the lock of a domain's pages is of a type of its own. */
#ifdef XEN_RSPINLOCK
typedef struct {
	spinlock_t lock;
} rspinlock_t;
#define nrspin_lock(l) spin_lock(&(l)->lock)
#define nrspin_unlock(l) spin_unlock(&(l)->lock)
#else
typedef spinlock_t rspinlock_t;
#endif

/* ---- domains ----------------------------------------------------------------- */
typedef uint8_t nodeid_t;
#define NUMA_NO_NODE 0xff
#define MAX_NUMNODES XEN_NODES

struct domain {
	domid_t domain_id;
	bool in_list;
	enum { DOMDYING_alive, DOMDYING_dying } is_dying;
	rspinlock_t page_alloc_lock;
	unsigned int tot_pages, extra_pages, max_pages, outstanding_pages;
	nodeid_t claim_node, last_alloc_node;
	unsigned int node_affinity; /* a bit for each node */
};

static inline unsigned int domain_tot_pages(const struct domain *d)
{
#ifdef XEN_RSPINLOCK
	ASSERT(d->page_alloc_lock.lock.held);
#else
	ASSERT(d->page_alloc_lock.held);
#endif
	return d->tot_pages - d->extra_pages;
}

static unsigned int rcu_depth, domain_refs;
static const int domlist_read_lock;

static inline void rcu_read_lock(const int *lock)
{
	ASSERT(lock == &domlist_read_lock);
	rcu_depth++;
}

static inline void rcu_read_unlock(const int *lock)
{
	ASSERT(lock == &domlist_read_lock && rcu_depth);
	rcu_depth--;
}

static struct domain *next_domain(const struct domain *d);
#define for_each_domain(d) for ((d) = next_domain(NULL); (d); (d) = next_domain(d))
static struct domain *rcu_lock_domain_by_id(domid_t id);

static inline void rcu_unlock_domain(const struct domain *d)
{
	ASSERT(d && domain_refs);
	domain_refs--;
}

static unsigned int online_nodes;
#define node_online(node) (online_nodes >> (node) & 1)
static unsigned int next_online(unsigned int node)
{
	while (node < MAX_NUMNODES && !node_online(node))
		node++;
	return node;
}
#define for_each_online_node(n) for ((n) = next_online(0); (n) < MAX_NUMNODES; (n) = next_online((n) + 1))

#define MEMF_no_refcount XEN_MEMF_no_refcount

/* ---- who may, and memory of the caller ----------------------------------------- */
enum { XSM_PRIV };

static inline int xsm_claim_pages(int privilege, const struct domain *d)
{
	ASSERT(privilege == XSM_PRIV && d && domain_refs);
	return xen_denied >> d->domain_id & 1 ? -EPERM : 0;
}

static inline int xsm_claim_pool(int privilege)
{
	ASSERT(privilege == XSM_PRIV);
	return xen_denied & XEN_DENIED_POOL ? -EPERM : 0;
}

typedef struct {
	void *p;
} guest_handle_void;
#define guest_handle_from_ptr(ptr, type) ((XEN_GUEST_HANDLE_PARAM(type)){ (type *)(ptr) })

/* Both answer what they did not copy. Nothing is copied under a lock that others
 * wait for in earnest. */
static inline size_t copy_guest(void *to, const void *from, size_t size)
{
	ASSERT(!locks_held[RANK_DOMAIN] && !locks_held[RANK_HEAP] && !rcu_depth);
	if (!to || !from || to == XEN_BAD_ADDRESS)
		return size;
	memcpy(to, from, size);
	return 0;
}
#define copy_from_guest(to, handle, nr) copy_guest((to), (handle).p, sizeof(*(to)) * (nr))
#define copy_to_guest(handle, from, nr) copy_guest((handle).p, (from), sizeof(*(from)) * (nr))

#endif
