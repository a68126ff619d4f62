/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Xen backend on the stand-ins, and ways to wait for what it sees. */
#ifndef TESTS_UNIT_XEN_FIXTURE_H
#define TESTS_UNIT_XEN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/base/host.h"
#include "tests/unit/fake-clock.h"
#include "tests/unit/fake-proc.h"
#include "tests/unit/fake-xen.h"

struct fixture {
	struct event_base *base;
	struct bd_host *h;
	struct bl_snapshot s;
	struct bl_err e;
	unsigned changes, failures;
	int last_failure;
};
extern unsigned log_lines;

struct fixture *new_fixture(void);
int try_start(struct fixture *f); /* 0, or -errno and f->e */
void start(struct fixture *f);
void stop(struct fixture *f);

/* A guest as libxl leaves it: target and static-max without video memory. */
struct fake_domain *add_guest(uint32_t domid, bool hvm, bool emulated, uint64_t target_kib, uint64_t max_kib,
			      uint64_t videoram_kib, int64_t offset);
/* In a new snapshot; NULL: it is not there. */
const struct bl_dom *look(struct fixture *f, uint32_t domid);
/* Real time, in which the xenstore thread works; none passes on the host's clock. */
void run_loop(struct fixture *f, long usec);
/* What was asked of xenstore has been answered, and the answers are known. */
void settle(struct fixture *f);
/* What somebody else wrote to xenstore before this is known of domid. */
void see_writes(struct fixture *f, uint32_t domid);
int set_target(struct fixture *f, uint32_t domid, uint64_t pages);
/* Waits until the path has that value. */
void expect_store(struct fixture *f, const char *path, const char *value);

/* Runs the loop and takes snapshots until cond is true of d, as time passes on the
 * host's clock; and while it stands still. */
#define until(f, domid, cond) until_at(f, domid, cond, 20)
#define until_now(f, domid, cond) until_at(f, domid, cond, 0)
#define until_at(f, domid, cond, step_ms)                                                                   \
	do {                                                                                                \
		const struct bl_dom *d = NULL;                                                              \
		bool done = false;                                                                          \
		for (int i_ = 0; i_ < 500 && !done; i_++) {                                                 \
			run_loop(f, 20000);                                                                 \
			fake_clock_pass(BL_MS(step_ms));                                                    \
			d = look(f, domid);                                                                 \
			done = (cond);                                                                      \
		}                                                                                           \
		if (!done)                                                                                  \
			fail_msg("never: domain %u: %s (flags %x, tot %llu, target %llu)",                  \
				 (unsigned)(domid), #cond, d ? d->flags : 0,                                \
				 d ? (unsigned long long)d->tot.n : 0,                                      \
				 d ? (unsigned long long)d->target.n : 0);                                  \
	} while (0)

#endif
