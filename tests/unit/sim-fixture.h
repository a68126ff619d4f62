/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A simulated host in memory, and what is done to its guests by name. */
#ifndef TESTS_UNIT_SIM_FIXTURE_H
#define TESTS_UNIT_SIM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/sim/sim.h"

#define MIB BL_PAGES_PER_MIB

struct host {
	void *mem;
	struct bl_sim *s;
	struct bl_snapshot snap;
};

/* Of a world's file; end() checks that its books are still right. */
struct host host(const char *text);
void end(struct host *h);

/* NULL: no such domain now. */
const struct bl_dom *dom(struct host *h, const char *name);
uint64_t mib(struct host *h, const char *name);
void apply(struct host *h, const char *name, enum bl_action_kind kind, uint64_t pages);
/* As balloond grows and shrinks a guest; in MiB. */
void target(struct host *h, const char *name, uint64_t m);
/* As `balloonctl sim set`. */
void set(struct host *h, const char *name, const char *key, const char *value);
void run(struct host *h, uint64_t ms);

/* ---- parts of a world's file ---- */
#define HOST "[host]\nmemory = 8G\ndom0 = 1G\n"
#define GUEST "[guest g]\nmemory = 2G\nstatic-max = 4G\nrate = 100M\n"

#endif
