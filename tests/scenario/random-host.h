/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a random simulated host, with guests of every manner and a thief. */
#ifndef TESTS_SCENARIO_RANDOM_HOST_H
#define TESTS_SCENARIO_RANDOM_HOST_H

#include <stddef.h>

#include "tests/property/random.h"

struct host_text {
	char buf[16384];
	size_t len;
};

void random_host(struct host_text *t, struct rnd *r);

#endif
