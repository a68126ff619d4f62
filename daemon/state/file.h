/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The content of the files in the state folder: JSON, an object per file. A reader ignores
 * members that it does not know, so that an older daemon can read what a newer one wrote; the
 * older one drops those members when it writes the file. A member that must not be lost needs a
 * new `format`. Any text makes a sound value or an error. */
#ifndef BD_STATE_FILE_H
#define BD_STATE_FILE_H

#include "lib/core/ledger.h"
#include "lib/core/settings.h"
#include "lib/proto/json.h"

/* More than any of our files has. */
#define BD_STATE_FILE_MAX 16384

/* A claim, the boot of the host that it belongs to, and its place in the queue. */
struct bd_state_claim {
	bl_uuid boot;
	uint64_t order;
	struct bl_claim claim; /* holder, staked and eta are unset */
};

void bd_state_claim_write(struct bl_json_out *o, const struct bl_claim *c, const bl_uuid *boot,
			  uint64_t order);
/* -EINVAL: the text is no such record, with the reason in *reterr; -ENOMEM. *ret_newer: the
 * record has a newer format, and then -EINVAL means only that this version finds nothing in it;
 * unset if the text is no JSON object. */
int bd_state_claim_read(const char *text, size_t len, struct bd_state_claim *ret, bool *ret_newer,
			struct bl_err *reterr);

/* set: the limits to write, which are not always m's. */
void bd_state_dom_write(struct bl_json_out *o, const struct bl_dom_record *m, const struct bl_override *set);
/* Fills uuid, base, base_from, run, external and set of *ret. *ret_newer as above. */
int bd_state_dom_read(const char *text, size_t len, struct bl_dom_record *ret, bool *ret_newer,
		      struct bl_err *reterr);

#endif
