/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the ticks of a host in play and its claims. */
#ifndef TESTS_SCENARIO_PLAY_INTERNAL_H
#define TESTS_SCENARIO_PLAY_INTERNAL_H

#include "tests/scenario/play.h"

/* Noted with the time; the first one stays. */
void play_broken(struct play *p, const char *rule, const char *how);

/* ---- play-claim.c, as the manager does it ---- */
/* What a client would be told of the claim now. */
void play_tell(struct play *p, const struct bl_claim *c);
/* Held from now on, when the simulator has the room. */
void play_stake(struct play *p, struct bl_claim *c, bl_pages pages);
/* What time and the last look made of all of them; true: one changed. */
bool play_check_claims(struct play *p);

#endif
