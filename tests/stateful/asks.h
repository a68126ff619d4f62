/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people, scripts and the hook ask the daemon for. */
#ifndef TESTS_STATEFUL_ASKS_H
#define TESTS_STATEFUL_ASKS_H

#include "tests/property/random.h"
#include "tests/stateful/guests.h"

void asks_begin(bool say);
void asks_claim(struct rnd *r);
void asks_release(struct rnd *r);
void asks_renew(struct rnd *r);
void asks_set(struct rnd *r);  /* limits, sizes, pause, forget */
void asks_look(struct rnd *r); /* what changes nothing */
void asks_sim(struct rnd *r);  /* what the simulated host's toolstack and guests do */
void asks_hang_up(struct rnd *r);
/* Whoever builds that guest has the hook, and waits for its answer. */
void asks_handoff(struct guest *g, struct rnd *r);
/* Of one that is being built: another look, or its builder is killed. */
void asks_built(struct rnd *r);
void asks_release_all(void);
/* The name of a domain that a claim may be for; NULL: any. */
const char *asks_some_name(struct rnd *r);

#endif
