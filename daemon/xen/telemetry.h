/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests say of their memory, from whichever of three reporters they
 * have: balloond's driver (data/balloond/stat), the XenServer tools
 * (data/meminfo_total and _free) or the Qubes agent (memory/meminfo). */
#ifndef BD_XEN_TELEMETRY_H
#define BD_XEN_TELEMETRY_H

#include "daemon/xen/offset.h"
#include "lib/core/snapshot.h"
#include "lib/core/telemetry.h"

enum bd_xen_tele_source {
	BD_XEN_TELE_STAT,
	BD_XEN_TELE_TOTAL,
	BD_XEN_TELE_FREE,
	BD_XEN_TELE_USED,
	BD_XEN_TELE_N,
};

struct bd_xen_tele {
	struct bd_xen_tele_value {
		bool asked;   /* has been looked for */
		bool present; /* was there, and made sense, when last read */
		bl_ms next;   /* when to look for it again */
		/* When it last changed; 0: never since we look. A value that stands
		 * still may be years old: it counts as telemetry once it has moved. */
		bl_ms at;
		struct bl_telemetry_stat stat; /* STAT */
		bl_kib kib;		       /* the others */
	} values[BD_XEN_TELE_N];
	bool has_overhead;
	bl_pages overhead; /* memory of the domain that its kernel does not count as its total */
};

/* Is it time to read it? Then it is asked again when it was there at every
 * tick, else every half minute; jitter spreads those. */
bool bd_xen_tele_due(struct bd_xen_tele *t, enum bd_xen_tele_source s, bl_ms now, uint64_t jitter);
/* text NULL: it is not there. False: it made no sense and is ignored. */
bool bd_xen_tele_take(struct bd_xen_tele *t, enum bd_xen_tele_source s, const char *text, size_t len,
		      bl_ms now);

/* The best there is for a domain of tot pages that has stood still since
 * still_since, and can never have more than most; o: what the limits its driver
 * speaks of, which are in terms of memory/target, differ by (they are left out
 * while that is not known). *ret_driver: it came from balloond's own driver.
 * False: it says more than can be. */
bool bd_xen_tele_get(struct bd_xen_tele *t, bl_pages tot, bl_pages most, bl_ms still_since,
		     const struct bd_xen_offset *o, struct bl_telemetry *ret, bool *ret_driver);

#endif
