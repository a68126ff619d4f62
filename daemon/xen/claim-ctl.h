/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory_op that the project's patch adds to the hypervisor; the headers of a distribution
 * lack it. The operation shows claims and changes them in one step. The patch fixes numbers and
 * layouts, which are the same for 32-bit callers. */
#ifndef BD_XEN_CLAIM_CTL_H
#define BD_XEN_CLAIM_CTL_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Upstream uses no number near this one, and refuses it with ENOSYS. */
#define BD_XENMEM_CLAIM_CTL 60
#define BD_XEN_CLAIM_VERSION 1
/* An owner that is no domain, and a node that is no node. */
#define BD_XEN_CLAIM_POOL 0x7ff2
#define BD_XEN_CLAIM_ANY_NODE 0xffff
/* The most entries that a query fills. */
#define BD_XEN_CLAIM_ENTRIES_MAX 1024

enum bd_xen_claim_op {
	BD_XEN_CLAIM_QUERY, /* all claims, and the memory, at one moment */
	BD_XEN_CLAIM_SET,   /* sets the claim of `owner` to `pages`, whatever it was */
	BD_XEN_CLAIM_MOVE,  /* moves `pages` from the claim of `source` to that of `owner` */
};

struct bd_xen_claim_entry {
	uint16_t owner, node;
	uint32_t pad;
	uint64_t pages; /* claimed and not allocated */
};

/* Fields that an operation does not use are 0, except node, which is ANY_NODE. */
struct bd_xen_claim_ctl {
	uint32_t version, op;
	uint16_t owner, source;
	uint16_t node, pad;
	uint64_t pages;
	uint64_t entries;   /* QUERY: the address of an array */
	uint32_t n_entries; /* QUERY: its length; then how many claims there are */
	uint32_t pad2;
	uint64_t free_pages, outstanding_pages; /* QUERY */
};

static_assert(sizeof(struct bd_xen_claim_entry) == 16, "as the hypervisor has it");
static_assert(offsetof(struct bd_xen_claim_entry, pages) == 8, "as the hypervisor has it");
static_assert(sizeof(struct bd_xen_claim_ctl) == 56, "as the hypervisor has it");
static_assert(offsetof(struct bd_xen_claim_ctl, node) == 12, "as the hypervisor has it");
static_assert(offsetof(struct bd_xen_claim_ctl, pages) == 16, "as the hypervisor has it");
static_assert(offsetof(struct bd_xen_claim_ctl, n_entries) == 32, "as the hypervisor has it");
static_assert(offsetof(struct bd_xen_claim_ctl, free_pages) == 40, "as the hypervisor has it");

#endif
