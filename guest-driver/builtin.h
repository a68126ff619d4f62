/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BUILTIN_H
#define BG_BUILTIN_H

#include <linux/mm_types.h>
#include "balloond_guest.h"

/* The kernel's own balloon. */
int bg_builtin_init(void (*came)(void)); /* memory was brought online */
void bg_builtin_exit(void);
unsigned long bg_have(void); /* what the guest has, for all that both balloons took */
unsigned long bg_builtin_room(void);
bool bg_builtin_hold(void);
void bg_builtin_rest(void);
enum bg_reason bg_builtin_grow(unsigned long n, bool *ret_wait);
void bg_builtin_again(void); /* for another target */
void bg_builtin_adopt(struct page **pages, unsigned int n);

#endif
