/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_TAKEOVER_H
#define BG_TAKEOVER_H

#include <linux/types.h>

/*
 * Takes memory/target over from the kernel's driver, and gives it back. changed: called
 * after memory/target or memory/static-max was written and read.
 */
int bg_takeover_start(bool patch_only, void (*changed)(void));
void bg_takeover_end_watches(void); /* changed is not called any more */
void bg_takeover_stop(void);
const char *bg_takeover_way(void);

#endif
