/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Claims that wait for room: what they lack, whether they make progress, and how much of the room
 * is kept after a wait that ended. Pure. */
#ifndef BL_CORE_WAIT_H
#define BL_CORE_WAIT_H

#include "lib/core/plan.h"

/* A claim makes progress when it lacks less than ever before: by BL_PROGRESS_PAGES, or by this
 * part of what it lacked if that is more. Room that comes, goes and comes again is no progress,
 * and a guest that gives a few pages now and then cannot keep a claim waiting for ever. */
#define BL_WAIT_PARTS 256

/* What claim c of the ledger lacks of the room for itself and all claims ahead of it. An older
 * claim that is served, or ends, no longer counts. */
bl_pages bl_wait_lack(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);

/* Updates all waiting claims: what they lack, and when they last made progress. The progress of a
 * claim counts for all claims behind it. The wait_until of a claim with patience moves on with
 * its progress. A claim that is seen for the first time, because the claim or the daemon is new,
 * has all its patience from now. plan: of in->snap. */
void bl_wait_update(const struct bl_plan *plan, const struct bl_plan_in *in);

/* What to keep warm (bl_plan_in.warm) when the waiting claim c, still in the ledger, ends: the
 * part of its room that was there, and what is warm already. */
bl_pages bl_wait_warm(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_claim *c);
/* True if the guest would grow into memory that is kept warm, without need. */
bool bl_wait_keeps_from(const struct bl_plan *plan, const struct bl_plan_in *in, const struct bl_view *v);

#endif
