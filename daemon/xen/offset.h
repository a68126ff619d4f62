/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's tot_pages differ from its memory/target by an offset of its own: video memory,
 * firmware, special pages; less the VGA hole, which the target counts and nobody populates. The
 * offset is constant while the guest runs, and is learned from snapshots in which the guest
 * rests: a guest that moves, or is stuck on its way, would teach a wrong one. Pure.
 *
 * A guest that rests a little off its target at the first snapshot still teaches a wrong offset.
 * So the offset is corrected when two moves to different targets end at the same other offset: a
 * guest that falls short does not do that twice. */
#ifndef BD_XEN_OFFSET_H
#define BD_XEN_OFFSET_H

#include "lib/core/units.h"

/* Pages, besides videoram, that a guest may have above its target. */
#define BD_XEN_OFFSET_SPARE BL_MIB_PAGES(2)
/* Pages that a guest may have below its target: 0xa0000 to 0xbffff. */
#define BD_XEN_OFFSET_HOLE BL_PAGES(32)

/* How long pages and target must rest if nothing has moved since the guest was built, and if
 * something may have moved. */
#define BD_XEN_OFFSET_STILL BL_MS(300)
#define BD_XEN_OFFSET_STILL_MOVED BL_MS(1000)
/* Snapshots are hastened for an offset no longer than this; after that the ticks must do. */
#define BD_XEN_OFFSET_SOON BL_MS(15000)

struct bd_xen_offset {
	bool known;
	int64_t value; /* pages */
	/* state of the learning: */
	bool seen;
	bool moved; /* somebody may have changed its target since it was built */
	bl_ms first, since;
	bl_pages tot, target;
	bool other_seen;
	int64_t other;	       /* another offset that was seen, */
	bl_pages other_target; /* and the target at which it was seen */
};

/* For a guest whose offset is always zero (PV). */
void bd_xen_offset_fix(struct bd_xen_offset *o);
/* Learns from a snapshot of a running guest. target: memory/target in whole pages. untouched, at
 * the first snapshot: nobody has changed the target. */
void bd_xen_offset_observe(struct bd_xen_offset *o, bl_pages tot, bl_pages target, bl_pages videoram,
			   bool untouched, bl_ms now);
/* From memory/target to the domain's pages, and back; never below 0. */
bl_pages bd_xen_offset_add(const struct bd_xen_offset *o, bl_pages target);
bl_pages bd_xen_offset_sub(const struct bd_xen_offset *o, bl_pages tot);
/* The offset may be known after another BD_XEN_OFFSET_STILL: take a snapshot then. */
bool bd_xen_offset_soon(const struct bd_xen_offset *o, bl_ms now);

#endif
