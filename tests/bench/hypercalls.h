/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BENCH_HYPERCALLS_H
#define TESTS_BENCH_HYPERCALLS_H

/* What a claim with room costs on a host of n domains, whose world is in
 * folder/world: counts what the manager asks of its backend, and says what that
 * is on Xen. 1: a bound is broken. */
int bench_hypercalls(const char *folder, unsigned n);

#endif
