/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences for an administrator at three in the morning: numbers, names, and
 * what would change it. */
#ifndef BL_CORE_REASON_H
#define BL_CORE_REASON_H

#include "lib/core/plan.h"

#define BL_REASON_MAX 1024

/* One line: why this domain has the target it has. Returns buf. */
const char *bl_reason_domain(const struct bl_plan *plan, const struct bl_settings *s,
			     const struct bl_view *v, bl_ms now, char buf[BL_REASON_MAX]);
/* Why a claim of that size is refused or waits, and who holds what: the largest holders by name,
 * and which lower limit, set with which command, would give how much. */
const char *bl_reason_refusal(const struct bl_plan *plan, const struct bl_plan_in *in,
			      const struct bl_admission *a, char buf[BL_REASON_MAX]);

#endif
