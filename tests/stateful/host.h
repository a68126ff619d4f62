/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks ask of the host, whichever it is. */
#ifndef TESTS_STATEFUL_HOST_H
#define TESTS_STATEFUL_HOST_H

#include "lib/core/ledger.h"
#include "tests/property/random.h"
#include "tests/stateful/life.h"

struct host_view {
	const struct played_host *host;
	uint64_t (*staked)(const bl_uuid *handle); /* what the holder with that handle keeps */
	uint64_t (*pool)(void);
	bool (*builds)(void);		   /* a domain is being built, or was since this was last asked */
	bool (*runs)(const bl_uuid *uuid); /* a guest of that UUID is built and lives */
	void (*check_books)(void);
	/* Every holder is that of a claim. */
	void (*each_holder)(const struct bl_ledger *l);
	void (*begin)(struct rnd *r); /* a new host, that a seed makes */
	void (*peace)(void);	      /* everybody is well from now on */
};

extern const struct host_view guests_view, sim_view;

#endif
