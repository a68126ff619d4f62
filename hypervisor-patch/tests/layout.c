// SPDX-License-Identifier: GPL-2.0-only
/* The structures are the same for every caller: compiled for 64 and for 32 bits,
 * with nothing but the compiler's own headers. */
#include <stddef.h>

#include "abi-types.h"

#define AT(type, member, offset) _Static_assert(offsetof(struct type, member) == (offset), #type "." #member)

AT(xen_claim_entry, owner, 0);
AT(xen_claim_entry, node, 2);
AT(xen_claim_entry, pad, 4);
AT(xen_claim_entry, pages, 8);
_Static_assert(sizeof(struct xen_claim_entry) == 16, "xen_claim_entry has no holes");

AT(xen_memory_claim_ctl, version, 0);
AT(xen_memory_claim_ctl, op, 4);
AT(xen_memory_claim_ctl, owner, 8);
AT(xen_memory_claim_ctl, source, 10);
AT(xen_memory_claim_ctl, node, 12);
AT(xen_memory_claim_ctl, pad, 14);
AT(xen_memory_claim_ctl, pages, 16);
AT(xen_memory_claim_ctl, entries, 24);
AT(xen_memory_claim_ctl, nr_entries, 32);
AT(xen_memory_claim_ctl, pad2, 36);
AT(xen_memory_claim_ctl, free_pages, 40);
AT(xen_memory_claim_ctl, outstanding_pages, 48);
_Static_assert(sizeof(struct xen_memory_claim_ctl) == 56, "xen_memory_claim_ctl has no holes");

/* memory_op keeps where it was in the upper bits of cmd: MEMOP_EXTENT_SHIFT. */
_Static_assert(XENMEM_claim_ctl >= 0 && XENMEM_claim_ctl < (1 << 6), "a subop has 6 bits");

/* What callers rely on without asking for the version. */
_Static_assert(XEN_CLAIM_VERSION == 1 && XENMEM_claim_ctl == 60, "the number of version 1");
_Static_assert(XEN_CLAIM_OP_query == 0 && XEN_CLAIM_OP_set == 1 && XEN_CLAIM_OP_move == 2, "operations");
_Static_assert(XEN_CLAIM_POOL == DOMID_XEN && XEN_CLAIM_ANY_NODE == 0xffff, "special values");
