/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must outlive the process: a small file each, written to a temporary and
 * renamed, so any moment's kill leaves the old or the new. Claims end with the boot
 * of the host: their records need only outlive the process, and nothing waits for a
 * disk to have them. What is known of domains is on the disk before it counts as written.
 *
 * Once started, threads write the files: whoever saves something goes on, and is told
 * when the file is there. What could not be written is tried again by bd_state_retry. */
#ifndef BD_STATE_H
#define BD_STATE_H

#include <event2/event.h>

#include "lib/core/ledger.h"
#include "lib/core/settings.h"

struct bd_state;

/* Where a file is. */
enum bd_state_kind {
	BD_STATE_CLAIM,	 /* claims/ID */
	BD_STATE_DOMAIN, /* domains/UUID */
	BD_STATE_PAUSED, /* paused */
};
#define BD_STATE_KINDS (BD_STATE_PAUSED + 1)

/* Makes the folders (0700) where they are missing. claims: the folder of the claims'
 * records, or NULL: dir/claims. A folder that cannot be made or written is no error:
 * bd_state_problems tells of it, and it is tried again. -EBUSY: another daemon has it
 * (flock). Other errors: what is there cannot be read now. */
int bd_state_open(const char *dir, const char *claims, struct bd_state **ret, struct bl_err *reterr);
/* Writes what is not written yet, unless the disk keeps it waiting for too long. */
void bd_state_close(struct bd_state *s);

/* Reads all. Claims of another boot of the host are removed and not added. Remnants of
 * an interrupted write are removed. What balloond cannot have written is set aside (renamed
 * *.bad) with a line in the log. What cannot be read for another reason is tried again
 * a few times; then it is an error, and the file stays as it is. A record of a newer
 * balloond is never changed: a claim of it is added as `foreign`. */
int bd_state_load(struct bd_state *s, const bl_uuid *boot, struct bl_ledger *ledger,
		  struct bl_settings *settings, bool *ret_paused, struct bl_err *reterr);

/* r: 0, or why that file could not be written or removed. */
typedef void (*bd_state_sink)(void *ud, enum bd_state_kind kind, const bl_uuid *id, int r);
/* From here on threads write, and sink is called from the event loop. Without, every
 * call below waits until the file is written. */
int bd_state_start(struct bd_state *s, struct event_base *base, bd_state_sink sink, void *ud);

/* These return 0, or -ENOMEM: nothing will be written. *ret_seq is a number for
 * bd_state_written; a save sets `record` of what it saves. */
int bd_state_save_claim(struct bd_state *s, struct bl_claim *c);
int bd_state_drop_claim(struct bd_state *s, const bl_uuid *id, uint64_t *ret_seq);
int bd_state_save_memory(struct bd_state *s, struct bl_dom_memory *m);
int bd_state_drop_memory(struct bd_state *s, const bl_uuid *uuid, uint64_t *ret_seq);
int bd_state_set_paused(struct bd_state *s, bool paused, uint64_t *ret_seq);

/* 0: what that call asked for is done, or something newer; -EINPROGRESS: not yet;
 * another -errno: it failed and is to be tried again. */
int bd_state_written(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id, uint64_t seq);
/* The record of a domain or a claim is a newer balloond's, and what is saved is not written. */
bool bd_state_is_kept(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id);
/* A claim's record is a newer balloond's, and does not tell what the claim holds. */
bool bd_state_has_unknown_claims(const struct bd_state *s);

/* Tries again what failed, at most once a second. */
void bd_state_retry(struct bd_state *s);
bool bd_state_failing(const struct bd_state *s);
/* One line each: what cannot be written, and records of a newer balloond. */
void bd_state_problems(const struct bd_state *s, void (*add)(void *ud, const char *line), void *ud);

#endif
