/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BG_ENGINE_H
#define BG_ENGINE_H

#include <linux/workqueue.h>
#include "balloond_guest.h"

/* Moves the guest towards its target. changed: called when bg_engine_state() differs. */
void bg_engine_init(struct workqueue_struct *wq, void (*changed)(void));
void bg_engine_exit(void);
void bg_engine_kick(void); /* something changed: makes a step at once */
void bg_engine_state(enum bg_state *ret_state, enum bg_reason *ret_why);
unsigned long bg_engine_steps(void);

#endif
