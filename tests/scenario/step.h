/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of a scenario's steps, done.
 *
 *   config KEY VALUE             reserve, stuck-after, retry-after, boot-grace, threshold,
 *                                headroom, surplus, policy, dom0, dom0-min, overhead, wait, ttl,
 *                                keep-warm
 *   limit DOMAIN KEY VALUE       min, max, weight, mode
 *   sim DOMAIN KEY VALUE         as `balloonctl sim set`
 *   claim NAME SIZE [wait D|no-wait|now] [min SIZE] [overhead SIZE] [ttl D]
 *   release NAME
 *   create DOMAIN SIZE [CLAIM]   as `balloonctl sim create`
 *   destroy DOMAIN
 *   run D
 *   pause | resume | restart     restart: the daemon is killed and starts again
 *   expect CONDITION             now
 *   until D CONDITION            within D of virtual time
 *   always D CONDITION           at every tick for D
 *
 * CONDITION is described in condition.h. */
#ifndef TESTS_SCENARIO_STEP_H
#define TESTS_SCENARIO_STEP_H

#include "tests/scenario/play.h"

enum step_result {
	STEP_DONE, /* nothing was asserted */
	STEP_PASSED,
	STEP_FAILED, /* err says what was found */
	STEP_BAD,    /* the line makes no sense; err */
};

/* words: what stands on the line, at least one. */
enum step_result step_do(struct play *p, char **words, size_t n, struct bl_err *err);

#endif
