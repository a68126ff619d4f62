/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values that words of a scenario's line stand for. */
#ifndef TESTS_SCENARIO_VALUE_H
#define TESTS_SCENARIO_VALUE_H

#include "lib/core/err.h"
#include "lib/core/units.h"

/* -EINVAL, err being "what: word". */
int value_bad(struct bl_err *err, const char *what, const char *word);
int value_pages(const char *text, bl_pages *ret, struct bl_err *err); /* also 0 */
int value_ms(const char *text, bl_ms *ret, struct bl_err *err);

#endif
