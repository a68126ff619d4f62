/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports that guests write of themselves, lies among them. */
#include "tests/stateful/guests.h"

#include <inttypes.h>

void guests_report(struct guest *g, struct rnd *r)
{
	static const char *const lies[] = { "", "v=1",
					    "v=1 seq=1 used_kib=99999999999999999999 avail_kib=1 psi=1",
					    "v=1 seq=9 used_kib=1 avail_kib=17592186044416 psi=10000",
					    "\377\376" };
	struct fake_domain *d = fake_xen_find(g->domid);

	if (g->state != GUEST_RUNS)
		return;
	if (r && rnd_one_in(r, 6)) {
		fake_store_setf(g->domid, "data/balloond/stat", "%s", lies[rnd_below(r, 5)]);
		return;
	}
	if (r && rnd_one_in(r, 3))
		g->used = rnd_in(r, 1, d->tot ? d->tot : 1);
	fake_store_setf(g->domid, "data/balloond/stat",
			"v=1 seq=%" PRIu64 " used_kib=%" PRIu64 " avail_kib=%" PRIu64 " psi=%" PRIu64,
			++g->seq, g->used * 4, (d->tot > g->used ? d->tot - g->used : 0) * 4,
			r ? rnd_below(r, 3000) : 0);
}
