/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands for daemon/base/clock.c: a time that passes when a test says so, and at no other. */
#ifndef TESTS_UNIT_FAKE_CLOCK_H
#define TESTS_UNIT_FAKE_CLOCK_H

#include "daemon/base/clock.h"

/* Timers that are due on the way fire in their order, each at its time. */
void fake_clock_pass(bl_ms ms);

#endif
