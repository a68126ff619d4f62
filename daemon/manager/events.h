/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: numbered from 1 after every start, kept in a ring, and read by each subscriber at its
 * own pace. */
#ifndef BD_EVENTS_H
#define BD_EVENTS_H

#include "lib/core/ledger.h"
#include "lib/core/progress.h"
#include "lib/proto/json.h"

struct bd_events;

struct bd_events *bd_events_new(size_t keep); /* keep: how many events; NULL: no memory */
void bd_events_free(struct bd_events *e);     /* there must be no subscribers */

/* Publishes an event: writes seq, time and type; fill(ud, out), unless NULL, adds the event's own
 * members. Logs the event as a line as well. */
void bd_events_publish(struct bd_events *e, const char *type,
		       void (*fill)(void *ud, struct bl_json_out *out), void *ud);
/* The two most common events: claim.STATE for its present state; domain.TYPE ("stuck", ...) with
 * numbers and a reason, which may be NULL. */
void bd_events_claim(struct bd_events *e, const struct bl_claim *c);
void bd_events_domain(struct bd_events *e, const char *type, const struct bl_dom *d, const char *reason);

struct bd_subscription;
/* wake: called when bd_events_next() may have an event; must not unsubscribe. replay: every kept
 * event after `since` comes first; a since that was not reached yet is an earlier daemon's, and
 * gets all events. */
struct bd_subscription *bd_events_subscribe(struct bd_events *e, bool replay, uint64_t since,
					    void (*wake)(void *ud), void *ud);
void bd_events_unsubscribe(struct bd_subscription *s); /* NULL is fine */
/* The next line with its newline, valid until the next call on the events; NULL: none for now. A
 * daemon.lost takes the place of events that were dropped before they were read: it has their
 * number ("lost"), and the seq of the last one. */
const char *bd_events_next(struct bd_subscription *s, size_t *ret_len);
uint64_t bd_events_last(const struct bd_events *e);

#endif
