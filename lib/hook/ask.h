/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks balloond for the memory of a domain that is being built. */
#ifndef BL_HOOK_ASK_H
#define BL_HOOK_ASK_H

#include <stdint.h>

enum bl_hook_answer {
	BL_HOOK_STAKED,	 /* claimed for the domain */
	BL_HOOK_REFUSED, /* there is not enough memory, or the build is not to go on without a claim */
	BL_HOOK_ALONE,	 /* nobody there to ask, or nobody who answers: not claimed */
	BL_HOOK_LOST,	 /* the same, but it may be claimed: the daemon went away half way */
};

/* pages: all the domain is to have, 0: not known. Waits for as long as the
 * daemon answers pings. What went wrong is told on stderr, in one line. STAKED:
 * *ret_fd is to be closed when the domain has its pages; that gives back what
 * is left. */
enum bl_hook_answer bl_hook_ask(uint32_t domid, uint64_t pages, int *ret_fd);

#endif
