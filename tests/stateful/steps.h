/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens in a world, a step after the other. */
#ifndef TESTS_STATEFUL_STEPS_H
#define TESTS_STATEFUL_STEPS_H

#include "tests/property/random.h"
#include "tests/stateful/host.h"

/* gentle: the daemon is only ever stopped as it should be, so that nothing of it is left. */
void steps_begin(const struct host_view *host, bool say, bool gentle);
/* One step, that r chooses. */
void step_do(struct rnd *r);
/* All that was broken is well again, and whatever is asked is released. */
void steps_peace(void);

#endif
