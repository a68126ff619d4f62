/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims that wait for room: what they lack, whether they get on, and what is
 * kept of the room when a wait was in vain. Pure, as the plan. */
#ifndef BL_CORE_WAIT_H
#define BL_CORE_WAIT_H

#include "lib/core/plan.h"

/* A claim makes progress when it lacks less than it ever did before: less by
 * BL_PROGRESS_PAGES, or by this part of what it lacked where that is more. Room
 * that comes, goes and comes again is no progress, and a guest that gives a few
 * pages now and then cannot keep a claim waiting for ever. */
#define BL_WAIT_PARTS 256

/* What claim c, which must be in the ledger, lacks of the room for itself and for
 * all claims ahead of it. An older claim that is served, or ends, takes its need
 * along. */
bl_pages bl_wait_lack(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);

/* For all claims that wait: notes what they lack now and when they last made
 * progress; whatever brings the queue on is progress of all that are behind. The wait_until of those with patience moves on with their progress.
 * One that is looked at for the first time, because it is new or the daemon is,
 * has all its patience from now. plan is that of in->snap. */
void bl_wait_update(const struct bl_plan *plan, const struct bl_plan_in *in);

/* What is to be kept warm (bl_plan_in.warm) when c, still in the ledger, ends
 * without having been held: what there was of its room, and what is warm already. */
bl_pages bl_wait_warm(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);
/* It would grow on what is kept warm, and does not need it. */
bool bl_wait_keeps_from(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_view *v);

#endif
