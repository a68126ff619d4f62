/* SPDX-License-Identifier: GPL-2.0-only */
/* What must hold after each operation, one line of TAP each. */
#ifndef HYPERVISOR_PATCH_CHECK_H
#define HYPERVISOR_PATCH_CHECK_H

#include <stdint.h>

#include "rules.h"

enum promise {
	ANSWERS,
	STATE,
	SUMS,
	KEPT,
	PAGE,
	SHRINKS,
	MOVES,
	FREES,
	QUERIES,
	VIRQ,
	UNBROKEN,
	SEEN,
	PROMISES
};

enum op { OP_PAGES, OP_QUERY, OP_SET, OP_MOVE, OP_BAD, OP_TAKE, OP_ASSIGN, OPS };

struct check {
	uint64_t seed, world, ops;
	uint64_t installed; /* pages of this world */
	bool say;	    /* every operation */
	struct rules before;
	struct xen_view seen_before, seen;
};
extern struct check check;

/* Ends the test unless it holds. */
void check_that(enum promise promise, bool holds, const char *what);

void check_before(const struct rules *now);
/* lost: a page was offlined. */
void check_after(const struct rules *now, bool lost);

/* Counts an answer: 0 or -errno. */
void check_seen(enum op op, long answer);
/* That every answer there is was seen. */
void check_all_seen(void);
void check_passed(void);

#endif
