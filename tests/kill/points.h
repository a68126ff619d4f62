/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places a daemon may be killed at, counted. */
#ifndef TESTS_KILL_POINTS_H
#define TESTS_KILL_POINTS_H

#include <stdbool.h>

/* Reads KILL_AT (0 or none: never) and KILL_LOG from the environment. */
void points_init(void);
/* Just before and just after something that outlives the process is changed;
 * each is one point. The process is gone when it is the one asked for. */
void point_before(const char *what, const char *name);
void point_after(const char *what, const char *name);

/* A life of the world as it is in FILE, as JSON on stdout. */
int dump_world(const char *file);

#endif
