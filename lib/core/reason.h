/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sentences for an administrator at three in the morning: numbers, names, and what would help. */
#ifndef BL_CORE_REASON_H
#define BL_CORE_REASON_H

#include "lib/core/plan.h"

#define BL_REASON_MAX 1024

/* Why the domain has its target, on one line. Returns buf. */
const char *bl_reason_domain(const struct bl_plan *plan, const struct bl_plan_in *in,
			     const struct bl_view *v, char buf[BL_REASON_MAX]);
/* What the domain could give to a claim, and what would change that, on one line. */
const char *bl_reason_givable(const struct bl_plan_in *in, const struct bl_view *v, char buf[BL_REASON_MAX]);
/* Why a claim is refused or waits, who holds what, and which lower limit, set with which command,
 * would help most. */
const char *bl_reason_refusal(const struct bl_plan *plan, const struct bl_plan_in *in,
			      const struct bl_admission *a, char buf[BL_REASON_MAX]);
/* The guests that would give memory, largest share first, and what dying domains give back:
 * "1 GiB from web, 512 MiB from db, 2 GiB from domains that are dying". */
const char *bl_reason_givers(const struct bl_plan *plan, char buf[BL_REASON_MAX]);
/* What a live claim waits for, or where it is held. */
const char *bl_reason_claim(const struct bl_plan *plan, const struct bl_plan_in *in,
			    const struct bl_claim *c, char buf[BL_REASON_MAX]);

#endif
