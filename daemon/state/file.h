/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the files of the state folder: JSON, one object a file. Members
 * that are not known are ignored, so that an older daemon can read what a
 * newer one wrote, and are lost when the older one writes the file again: a member
 * that must not be lost wants a new `format`. Whatever the text is, reading it ends
 * in a sound value or an error. */
#ifndef BD_STATE_FILE_H
#define BD_STATE_FILE_H

#include "lib/core/ledger.h"
#include "lib/core/settings.h"
#include "lib/proto/json.h"

/* More than any file of ours has. */
#define BD_STATE_FILE_MAX 16384

/* A claim, the boot of the host it belongs to, and its place in the queue. */
struct bd_state_claim {
	bl_uuid boot;
	uint64_t order;
	struct bl_claim claim; /* holder, staked and eta are those of a claim just restored */
};

void bd_state_claim_write(struct bl_json_out *o, const struct bl_claim *c, const bl_uuid *boot,
			  uint64_t order);
/* -EINVAL: it is not such a text, *reterr says why; -ENOMEM. *ret_newer, which is set
 * unless the text is no JSON object: it is of a newer format, and then -EINVAL says only
 * that this one finds nothing in it. */
int bd_state_claim_read(const char *text, size_t len, struct bd_state_claim *ret, bool *ret_newer,
			struct bl_err *reterr);

/* set: what to write as the limits (not always m's own). */
void bd_state_dom_write(struct bl_json_out *o, const struct bl_dom_record *m, const struct bl_override *set);
/* Fills uuid, base, base_from, run, external and set of *ret alone. *ret_newer as above. */
int bd_state_dom_read(const char *text, size_t len, struct bl_dom_record *ret, bool *ret_newer,
		      struct bl_err *reterr);

#endif
