/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon without its socket on a stand-in of Xen, started and stopped as often
 * as a test likes; what it leaves, on disk and in the hypervisor, stays. */
#ifndef TESTS_UNIT_POOL_FIXTURE_H
#define TESTS_UNIT_POOL_FIXTURE_H

#include "daemon/manager/manager.h"
#include "tests/unit/fake-xen.h"
#include "tests/unit/state-fixture.h"

#define ANY FAKE_NO_NODE
#define NODE 2

struct daemon {
	struct event_base *base;
	struct bd_state *state;
	struct bd_events *events;
	struct bd_host_events host_events;
	struct bd_manager *m;
};

struct answer {
	unsigned n;
	bool held;
	struct bl_claim claim;
	struct bl_err err;
};

/* A patched hypervisor, with room on NODE. */
int begin(void **state);
/* A teardown where nothing was left for the next tick to put right. */
int calm(void **state);

struct daemon start(void);
/* As a kill: nothing is tidied up at a stop. */
void stop(struct daemon *d);
/* At least for so long, and until all is written that was to be. */
void run(struct daemon *d, long usec);

void done(void *ud, const struct bl_claim *c, const struct bl_err *err);
struct answer ask(struct daemon *d, uint8_t n, uint64_t pages, int node);
void claimed(struct daemon *d, uint8_t n, uint64_t pages, int node);
struct answer hand(struct daemon *d, uint8_t n, uint32_t domid, uint64_t pages);
/* Wait for the answer: 0 or -errno, *err says why. */
int release(struct daemon *d, uint8_t n, struct bl_err *err);
int renew(struct daemon *d, uint8_t n, uint64_t ms, struct bl_err *err);
/* A bd_change_done into a struct changed. */
struct changed {
	unsigned n;
	int r;
	struct bd_changed what;
	struct bl_err err;
};
void changed(void *ud, const struct bd_changed *what, const struct bl_err *err);
int until_changed(struct daemon *d, struct changed *c);
/* A domain that a toolstack is about to fill. */
struct fake_domain *built(uint32_t domid, uint64_t max);

struct bl_claim *find(struct daemon *d, uint8_t n); /* NULL: it is not there */
/* Its state, and its pages in the pool. */
void is(struct daemon *d, uint8_t n, enum bl_claim_state state, uint64_t pages);

/* What a kill would leave of the record of claim 1, as of the last call. */
extern bool on_disk;
extern char said[32]; /* its state, if it was there */
void look_at_record(void);

#endif
