/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small host to plan for. */
#ifndef TESTS_UNIT_PLAN_FIXTURE_H
#define TESTS_UNIT_PLAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/core/plan.h"

#define MIB UINT64_C(256)

/* A host of 4000 MiB, no reserve, two proven guests of 1000 MiB with a min of
 * 200 MiB, the rest free. */
struct fixture {
	struct bl_settings s;
	struct bl_snapshot snap;
	struct bl_progress progress;
	struct bl_ledger ledger;
	struct bl_plan plan;
	bool paused;
	bl_pages warm;
	bl_ms warm_until;
};

/* A proven one of that size, its base and its most. */
struct bl_dom *add_guest(struct fixture *f, uint32_t domid, uint64_t mib);
/* One that waits; the first is number 1 (the last byte of its handle). */
struct bl_claim *add_claim(struct fixture *f, uint64_t mib, uint64_t min_mib);
/* The i-th says now that it uses so much, and has the rest available. */
struct bl_dom *reports(struct fixture *f, size_t i, uint64_t used_mib);
void passes(struct fixture *f, uint64_t ms);
struct bl_plan_in in_of(struct fixture *f);
/* The plan for what f holds now; the progress made is noted first. */
void make(struct fixture *f);
/* The same, and its actions as text: "target 1 600, maxmem 1 1000", sizes in MiB;
 * "+N" where pages are over. */
void expect(struct fixture *f, const char *what);

int setup(void **state);
int teardown(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
