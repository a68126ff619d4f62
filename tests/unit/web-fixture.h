/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest "web" that comes and goes, and what the daemon remembers of it. */
#ifndef TESTS_UNIT_WEB_FIXTURE_H
#define TESTS_UNIT_WEB_FIXTURE_H

#include "tests/unit/pool-fixture.h"

#define OF_WEB uuid(77)

extern unsigned reclaiming; /* claims that began, in the log */

/* A setup: a hypervisor without a pool. */
int on_stock(void **state);
/* A running PV guest "web" of that UUID, as libxl leaves it. */
struct fake_domain *web(uint32_t domid, uint64_t pages);
/* The domain is gone. */
void goes(uint32_t domid);
/* The daemon, with web as domain 5, which is remembered on disk. */
struct daemon started(uint64_t pages);
/* A few ticks. */
void look(struct daemon *d);

const struct bl_dom_record *known(struct daemon *d);
void base_is(struct daemon *d, uint64_t pages, enum bl_base_from from);
/* Sets a limit of that domain, which ends in `want`. */
void set_weight(struct daemon *d, const char *what, int want);

#endif
