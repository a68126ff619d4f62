/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/scenario/random-host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void add(struct host_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct host_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, sizeof(t->buf) - t->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(t->buf) - t->len)
		abort();
	t->len += (size_t)n;
}

static uint64_t mib(struct rnd *r, uint64_t lo, uint64_t hi)
{
	return rnd_in(r, lo, hi);
}

static void add_guest(struct host_text *t, struct rnd *r, unsigned i, uint64_t size)
{
	static const char *const manners[] = { "normal", "normal",    "normal",	  "normal",  "stuck",
					       "slow",	 "forgetful", "nodriver", "gives-up" };
	static const char *const telemetry[] = { "yes", "yes", "yes", "no", "lies" };
	static const char *const types[] = { "pv", "pvh", "hvm" };
	uint64_t max = size + (rnd_one_in(r, 2) ? mib(r, 0, 2048) : 0);

	add(t,
	    "[guest g%u]\nmemory=%" PRIu64 "M\nstatic-max=%" PRIu64 "M\nused=%" PRIu64 "M\nrate=%" PRIu64
	    "M\ntype=%s\ntelemetry=%s\n",
	    i, size, max, mib(r, 1, size + 100), mib(r, 5, 1000), types[rnd_below(r, 3)],
	    telemetry[rnd_below(r, 5)]);
	if (!rnd_one_in(r, 3))
		add(t, "min=%" PRIu64 "M\n", mib(r, 1, size));
	if (rnd_one_in(r, 8))
		add(t, "behaviour=%s:%" PRIu64 "M\n", rnd_one_in(r, 2) ? "floor" : "own-min",
		    mib(r, 1, size));
	else if (rnd_one_in(r, 8))
		add(t, "behaviour=vanish:%" PRIu64 "s\n", rnd_in(r, 1, 100));
	else
		add(t, "behaviour=%s\n", manners[rnd_below(r, 9)]);
	if (rnd_one_in(r, 4))
		add(t, "offset=%s%" PRIu64 "K\n", rnd_one_in(r, 2) ? "-" : "", rnd_in(r, 1, 512) * 4);
	if (rnd_one_in(r, 8))
		add(t, "appear=%" PRIu64 "s\n", rnd_in(r, 1, 100));
}

void random_host(struct host_text *t, struct rnd *r)
{
	unsigned n = (unsigned)rnd_in(r, 1, 8);
	uint64_t sum = 2048;

	t->len = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t size = mib(r, 64, 4096);

		add_guest(t, r, i, size);
		sum += size + 60; /* and its structures */
	}
	if (rnd_one_in(r, 3))
		add(t,
		    "[thief t]\nat=%" PRIu64 "s\nsize=%" PRIu64 "M\nrate=%" PRIu64 "M\nfor=%" PRIu64 "s\n",
		    rnd_in(r, 1, 100), mib(r, 1, 4096), mib(r, 10, 3000), rnd_in(r, 1, 60));
	add(t, "[host]\nmemory=%" PRIu64 "M\ndom0=2G\nseed=%" PRIu64 "\nnodes=%" PRIu64 "\n",
	    sum + mib(r, 0, rnd_one_in(r, 3) ? 20 : 4096), rnd_below(r, 1000), rnd_in(r, 1, 4));
	if (rnd_one_in(r, 3))
		add(t, "dom0-used=%" PRIu64 "M\n", mib(r, 1, 2048));
}
