/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a scenario asserts of a host in play; one of:
 *
 *   claim NAME is STATE          a claim's state, or refused, or never (refused for good)
 *   claim NAME size|took|eta OP VALUE    took: from asked to held
 *   domain NAME is STATE         a state of status, or gone, or here
 *   domain NAME size|target|maxmem OP SIZE
 *   host free|outstanding|available|reclaimable OP SIZE
 *   host targets|limits OP COUNT how many were written since the start
 *   quiet                        the plan is empty and nothing moves
 * OP: < <= == >= >, and ~ for within 1%. */
#ifndef TESTS_SCENARIO_CONDITION_H
#define TESTS_SCENARIO_CONDITION_H

#include "tests/scenario/play.h"

enum truth { NO, YES, NONSENSE };

/* err says what was found, or with BL_ERR_INVALID_PARAMS what makes no sense. */
enum truth condition_holds(struct play *p, char **w, size_t n, struct bl_err *err);

#endif
