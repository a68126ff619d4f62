/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state folder that is there for one test, and what is loaded from it. */
#ifndef TESTS_UNIT_STATE_FIXTURE_H
#define TESTS_UNIT_STATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/state/state.h"

extern const bl_uuid boot;
extern unsigned warnings; /* logged since they were last set to 0 */
extern char folder[64];

/* Of the group; clean() is each test's teardown. */
int set_up_all(void **state);
int tear_down_all(void **state);
int clean(void **state);

bl_uuid uuid(uint8_t n);
/* A held one, every member of it set. */
struct bl_claim claim(uint8_t n);

struct loaded {
	struct bd_state *s;
	struct bl_ledger ledger;
	struct bl_settings settings;
	bool paused;
};

/* As the daemon starts, in that boot of the host. */
void load(struct loaded *l, const bl_uuid *b);
void unload(struct loaded *l);

#endif
