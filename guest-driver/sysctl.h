/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_SYSCTL_H
#define BG_SYSCTL_H

int bg_sysctl_init(void);
void bg_sysctl_exit(void);

#endif
