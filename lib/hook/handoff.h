/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has balloond claim the memory of a domain that is being built. */
#ifndef BL_HOOK_HANDOFF_H
#define BL_HOOK_HANDOFF_H

#include <stdint.h>

enum bl_hook_answer {
	BL_HOOK_STAKED,	       /* the domain has its claim */
	BL_HOOK_REFUSED,       /* there is not enough memory, or a build without a claim is to fail */
	BL_HOOK_UNCLAIMED,     /* no daemon, or none that answers: no claim */
	BL_HOOK_MAYBE_CLAIMED, /* the daemon went away in between: there may be a claim */
};

/* pages: all that the domain is to have; 0: unknown. Waits as long as the daemon answers pings.
 * Errors go to stderr, one line each. STAKED: close *ret_fd when the domain has its pages; then
 * the rest of the claim is released. */
enum bl_hook_answer bl_hook_handoff(uint32_t domid, uint64_t pages, int *ret_fd);

#endif
