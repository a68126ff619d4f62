/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must outlive the process: a small file each, written to a temporary,
 * synced, renamed, and the folder synced; so any moment's kill leaves the old
 * or the new. A file that cannot be read is set aside (renamed *.bad), said in
 * the log, and never stops the start. */
#ifndef BD_STATE_H
#define BD_STATE_H

#include "lib/core/ledger.h"
#include "lib/core/settings.h"

struct bd_state;

/* Makes the folder (0700) when it is missing; -EBUSY when another daemon has it (flock). */
int bd_state_open(const char *dir, struct bd_state **ret, struct bl_err *reterr);
void bd_state_close(struct bd_state *s);

/* Reads all. Claims of another boot of the host are removed from disk and not
 * added. Remnants of an interrupted write are removed. */
int bd_state_load(struct bd_state *s, const bl_uuid *boot, struct bl_ledger *ledger,
		  struct bl_settings *settings, bool *ret_paused, struct bl_err *reterr);

int bd_state_save_claim(struct bd_state *s, const struct bl_claim *c);
/* -errno: the file is still there, and so is the claim's place in the queue. */
int bd_state_drop_claim(struct bd_state *s, const bl_uuid *id);
/* The claim has ended, and its file is to be removed by bd_state_retry. */
void bd_state_drop_claim_later(struct bd_state *s, const bl_uuid *id);
/* Removes the files that were to be removed later; -errno: some are still there. */
int bd_state_retry(struct bd_state *s);
int bd_state_save_memory(struct bd_state *s, const struct bl_dom_memory *m);
int bd_state_drop_memory(struct bd_state *s, const bl_uuid *uuid);
int bd_state_set_paused(struct bd_state *s, bool paused);

#endif
