/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_TAKEOVER_H
#define BG_TAKEOVER_H

#include <linux/types.h>

/* memory/target, taken from the kernel's driver and given back. */
/* changed: memory/target or memory/static-max was written, and bounds.c has read it. */
int bg_takeover_start(bool patch_only, void (*changed)(void));
void bg_takeover_quiet(void); /* no callback of ours runs any more, or will */
void bg_takeover_stop(void);
const char *bg_takeover_way(void);

#endif
