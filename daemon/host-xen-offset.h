/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's tot_pages differ from its memory/target by an offset of its own:
 * video memory, firmware, special pages. It is constant while the guest runs,
 * and learned by looking; only at a guest that stands still, for one that is
 * on its way, or stuck on it, would teach a wrong one. Pure.
 *
 * What can be wrong all the same: a guest that stands still a little off its
 * target when it is first looked at. So a value is corrected when two moves to
 * different targets ended at the same other offset, which no guest that falls
 * short does twice. */
#ifndef BD_HOST_XEN_OFFSET_H
#define BD_HOST_XEN_OFFSET_H

#include "lib/core/units.h"

/* Pages beside videoram that a guest may have above its target. */
#define BD_XEN_OFFSET_SPARE BL_MIB_PAGES(2)

/* How long pages and target must stand still: where nothing has moved since
 * the guest was built, and where something may have. */
#define BD_XEN_OFFSET_STILL BL_MS(300)
#define BD_XEN_OFFSET_STILL_MOVED BL_MS(2000)
/* One that could not be learned for so long is looked at with the ticks alone. */
#define BD_XEN_OFFSET_HURRY BL_MS(15000)

struct bd_xen_offset {
	bool known;
	bl_pages value;
	/* all below: of the learning */
	bool seen;
	bool moved; /* its target was not the one it was built with, or changed since */
	bl_ms first, since;
	bl_pages tot, target;
	bool other_seen;
	bl_pages other, other_target; /* a value that differs, and at which target */
};

/* One whose offset is zero by nature (PV). */
void bd_xen_offset_fix(struct bd_xen_offset *o);
/* A look at one that runs; target: memory/target in whole pages; full: the
 * target it has when nobody has shrunk it. */
void bd_xen_offset_look(struct bd_xen_offset *o, bl_pages tot, bl_pages target,
			bl_pages videoram, bl_pages full, bl_ms now);
/* It may soon be known: look again within BD_XEN_OFFSET_STILL. */
bool bd_xen_offset_hurry(const struct bd_xen_offset *o, bl_ms now);

#endif
