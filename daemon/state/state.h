/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must outlive the process: small files, each written as a temporary file and renamed, so
 * that a kill leaves the old content or the new. Claims end with the boot of the host: their
 * records must only outlive the process, so nobody waits for a disk to have them. What is known
 * of domains counts as written once the disk has it.
 *
 * Once started, threads write the files: the caller goes on, and is told when the file is there.
 * bd_state_retry() tries again what failed. */
#ifndef BD_STATE_H
#define BD_STATE_H

#include <event2/event.h>

#include "lib/core/ledger.h"
#include "lib/core/settings.h"

struct bd_state;

/* Which file, below the state folder. */
enum bd_state_kind {
	BD_STATE_CLAIM,	 /* claims/ID */
	BD_STATE_DOMAIN, /* domains/UUID */
	BD_STATE_PAUSED, /* paused */
};
#define BD_STATE_KINDS (BD_STATE_PAUSED + 1)

/* Makes missing folders, with mode 0700. claims: the folder for the records of claims; NULL:
 * dir/claims. A folder that cannot be made or written is no error: bd_state_problems() reports
 * it, and it is tried again. -EBUSY: another daemon has the folder (flock). Other errors: the
 * folder cannot be read now. */
int bd_state_open(const char *dir, const char *claims, struct bd_state **ret, struct bl_err *reterr);
/* Writes what is not written yet, unless the disk takes too long. */
void bd_state_close(struct bd_state *s);

/* Loads everything. Removes claims of another boot of the host, and what is left of interrupted
 * writes. Sets aside files that balloond cannot have written (renames them *.bad), with a line in
 * the log. Tries a few times what cannot be read for another reason; then that is an error, and
 * the file stays as it is. Never changes a record of a newer balloond: adds its claim as
 * `foreign`. */
int bd_state_load(struct bd_state *s, const bl_uuid *boot, struct bl_ledger *ledger,
		  struct bl_settings *settings, bool *ret_paused, struct bl_err *reterr);

/* r: 0, or why the file could not be written or removed. */
typedef void (*bd_state_sink)(void *ud, enum bd_state_kind kind, const bl_uuid *id, int r);
/* From here on threads write, and the event loop calls sink. Before, every call waits until the
 * file is written. */
int bd_state_start(struct bd_state *s, struct event_base *base, bd_state_sink sink, void *ud);

/* These return 0; or -ENOMEM, and nothing will be written. *ret_seq, or the claim's `record` or
 * the domain's `saved_seq`, is the number for bd_state_written(). */
int bd_state_save_claim(struct bd_state *s, struct bl_claim *c);
int bd_state_drop_claim(struct bd_state *s, const bl_uuid *id, uint64_t *ret_seq);
int bd_state_save_dom(struct bd_state *s, struct bl_dom_record *m);
int bd_state_drop_dom(struct bd_state *s, const bl_uuid *uuid, uint64_t *ret_seq);
int bd_state_set_paused(struct bd_state *s, bool paused, uint64_t *ret_seq);

/* 0: the change with that number, or a newer one, is done; -EINPROGRESS: not yet; another -errno:
 * it failed and will be tried again. */
int bd_state_written(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id, uint64_t seq);
/* The record of the domain or the claim is a newer balloond's, so nothing is written for it. */
bool bd_state_is_kept(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id);
/* The record of a claim is a newer balloond's, and does not tell what the claim holds. */
bool bd_state_has_unknown_claims(const struct bd_state *s);

/* Tries failed writes again, at most once a second. */
void bd_state_retry(struct bd_state *s);
bool bd_state_failing(const struct bd_state *s);
/* Adds a line for each folder that cannot be written, and one for records of a newer balloond. */
void bd_state_problems(const struct bd_state *s, void (*add)(void *ud, const char *line), void *ud);

#endif
