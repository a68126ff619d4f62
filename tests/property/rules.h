/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of the core that one plan can break, each worked out from the
 * world alone, not from what the plan says of itself. */
#ifndef TESTS_PROPERTY_RULES_H
#define TESTS_PROPERTY_RULES_H

#include "tests/property/world.h"

struct rule {
	const char *name;
	/* NULL: kept; else how it was broken, valid until the next call. */
	const char *(*broken)(struct world *w, const struct bl_plan *plan);
};

extern const struct rule rules[];
extern const size_t n_rules;

#endif
