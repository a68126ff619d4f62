/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's tot_pages differ from its memory/target by an offset of its own:
 * video memory, firmware, special pages; less the hole of the VGA, which is
 * counted in the target and not populated. It is constant while the guest runs,
 * and learned by looking; only at a guest that stands still, for one that is
 * on its way, or stuck on it, would teach a wrong one. Pure.
 *
 * What can be wrong all the same: a guest that stands still a little off its
 * target when it is first looked at. So a value is corrected when two moves to
 * different targets ended at the same other offset, which no guest that falls
 * short does twice. */
#ifndef BD_XEN_OFFSET_H
#define BD_XEN_OFFSET_H

#include "lib/core/units.h"

/* Pages beside videoram that a guest may have above its target. */
#define BD_XEN_OFFSET_SPARE BL_MIB_PAGES(2)
/* Pages that it may be short of it: 0xa0000 to 0xbffff. */
#define BD_XEN_OFFSET_HOLE BL_PAGES(32)

/* How long pages and target must stand still: where nothing has moved since
 * the guest was built, and where something may have. */
#define BD_XEN_OFFSET_STILL BL_MS(300)
#define BD_XEN_OFFSET_STILL_MOVED BL_MS(1000)
/* One that could not be learned for so long is looked at with the ticks alone. */
#define BD_XEN_OFFSET_HURRY BL_MS(15000)

struct bd_xen_offset {
	bool known;
	int64_t value; /* pages */
	/* all below: of the learning */
	bool seen;
	bool moved; /* somebody may have changed its target since it was built */
	bl_ms first, since;
	bl_pages tot, target;
	bool other_seen;
	int64_t other;	       /* a value that differs, */
	bl_pages other_target; /* and at which target */
};

/* One whose offset is zero by nature (PV). */
void bd_xen_offset_fix(struct bd_xen_offset *o);
/* A look at one that runs; target: memory/target in whole pages. untouched: at
 * the first look, nobody has ever changed its target. */
void bd_xen_offset_look(struct bd_xen_offset *o, bl_pages tot, bl_pages target, bl_pages videoram,
			bool untouched, bl_ms now);
/* From memory/target to the domain's pages, and back; never below 0. */
bl_pages bd_xen_offset_add(const struct bd_xen_offset *o, bl_pages target);
bl_pages bd_xen_offset_sub(const struct bd_xen_offset *o, bl_pages tot);
/* It may soon be known: look again within BD_XEN_OFFSET_STILL. */
bool bd_xen_offset_hurry(const struct bd_xen_offset *o, bl_ms now);

#endif
