/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reports of guests on their memory, from one of three reporters: balloond's driver
 * (data/balloond/stat), the XenServer tools (data/meminfo_total and _free) or the Qubes agent
 * (memory/meminfo). */
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
		bool asked;   /* was read at least once */
		bool present; /* was there, and made sense, at the last read */
		bl_ms next;   /* when to read it again */
		/* When it last changed; 0: it has not changed yet. A value that never changes may
		 * be years old: it counts as telemetry once it has changed. */
		bl_ms at;
		struct bl_telemetry_stat stat; /* STAT */
		bl_kib kib;		       /* of the other sources */
	} values[BD_XEN_TELE_N];
	bool has_overhead;
	bl_pages overhead; /* pages of the domain that its kernel does not count in its total */
};

/* True if it is time to read the value: at each tick if it was there at the last read, otherwise
 * every half minute; jitter spreads those reads. */
bool bd_xen_tele_due(struct bd_xen_tele *t, enum bd_xen_tele_source s, bl_ms now, uint64_t jitter);
/* Takes a value that was read; text NULL: it is not there. False: the value makes no sense and is
 * ignored. */
bool bd_xen_tele_take(struct bd_xen_tele *t, enum bd_xen_tele_source s, const char *text, size_t len,
		      bl_ms now);

/* The best telemetry for a domain of tot pages, which has rested since still_since and can have
 * at most `most` pages. o converts the limits of the driver, which count as memory/target does;
 * without a known offset the limits are left out. *ret_driver: balloond's own driver reports.
 * False: the report has impossible sizes. */
bool bd_xen_tele_get(struct bd_xen_tele *t, bl_pages tot, bl_pages most, bl_ms still_since,
		     const struct bd_xen_offset *o, struct bl_telemetry *ret, bool *ret_driver);

#endif
