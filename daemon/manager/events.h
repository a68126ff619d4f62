/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: numbered from 1 at every start, kept in a ring, read by subscribers
 * each at its own pace. */
#ifndef BD_EVENTS_H
#define BD_EVENTS_H

#include "lib/core/ledger.h"
#include "lib/core/progress.h"
#include "lib/proto/json.h"

struct bd_events;

struct bd_events *bd_events_new(size_t keep); /* how many are kept; NULL: no memory */
void bd_events_free(struct bd_events *e);     /* without subscribers */

/* Publishes one event: writes seq, time and type, then fill(ud, out), which
 * may be NULL, adds the members of its own. Also goes to the log as one line. */
void bd_events_publish(struct bd_events *e, const char *type,
		       void (*fill)(void *ud, struct bl_json_out *out), void *ud);
/* The two that most are: claim.STATE of its state now; domain.TYPE ("stuck",
 * ...) with numbers and reason, which may be NULL. */
void bd_events_claim(struct bd_events *e, const struct bl_claim *c);
void bd_events_domain(struct bd_events *e, const char *type, const struct bl_dom *d, const char *reason);

struct bd_subscription;
/* wake is called when there may be something for bd_events_next(); it must
 * not unsubscribe. replay: every kept event after `since` comes first (a since
 * that has not been yet is of an earlier daemon: all that is kept). */
struct bd_subscription *bd_events_subscribe(struct bd_events *e, bool replay, uint64_t since,
					    void (*wake)(void *ud), void *ud);
void bd_events_unsubscribe(struct bd_subscription *s); /* NULL is fine */
/* The next line with its newline, valid until the next call on the events;
 * NULL: none for now. Where events went by before they were read, a
 * daemon.lost with their number ("lost") stands in their place; its seq is
 * the last one's. */
const char *bd_events_next(struct bd_subscription *s, size_t *ret_len);
uint64_t bd_events_last(const struct bd_events *e);

#endif
