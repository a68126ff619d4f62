/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the files of the state folder: JSON, one object a file. Members
 * that are not known are left alone, so that an older daemon can read what a
 * newer one wrote. Whatever the text is, reading it ends in a sound value or
 * an error. */
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
/* -EINVAL: it is not such a text, *reterr says why; -ENOMEM. */
int bd_state_claim_read(const char *text, size_t len, struct bd_state_claim *ret,
			struct bl_err *reterr);

/* set: what to write as the limits (not always m's own). */
void bd_state_memory_write(struct bl_json_out *o, const struct bl_dom_memory *m,
			   const struct bl_override *set);
/* Fills uuid, base, base_from, run, external and set of *ret alone. */
int bd_state_memory_read(const char *text, size_t len, struct bl_dom_memory *ret,
			 struct bl_err *reterr);

#endif
