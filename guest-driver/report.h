/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_REPORT_H
#define BG_REPORT_H

#include <linux/workqueue.h>

/* Tells the host what the guest has and needs. */
void bg_report_init(struct workqueue_struct *wq);
void bg_report_exit(void);
void bg_report_kick(void); /* reports soon, at most once a second */
unsigned long bg_report_count(void);

#endif
