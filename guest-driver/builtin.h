/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_BUILTIN_H
#define BG_BUILTIN_H

#include <linux/mm_types.h>
#include "balloond_guest.h"

/* The kernel's own balloon. */
int bg_builtin_init(void (*memory_came)(void)); /* called after memory was brought online */
void bg_builtin_exit(void);
unsigned long bg_guest_pages(void);   /* what the guest has: all that is in neither balloon */
unsigned long bg_builtin_pages(void); /* in the kernel's balloon */
/* True: the kernel's driver was about to shrink the guest, and may be within a batch. */
bool bg_builtin_stop_shrinking(void);
void bg_builtin_stop_growing(void);
/*
 * Makes the kernel's driver give n pages to the guest. BG_NO_FRAMES: the kernel's
 * balloon has none; *ret_wait says whether to ask again.
 */
enum bg_reason bg_builtin_grow(unsigned long n, bool *ret_wait);
void bg_builtin_retry_hotplug(void); /* the target changed */
/* Moves pages that the host has into the kernel's balloon. */
void bg_builtin_adopt(struct page **pages, unsigned int n);

#endif
