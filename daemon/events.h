/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events: numbered, kept in a ring, handed to subscribers. */
#ifndef BD_EVENTS_H
#define BD_EVENTS_H

#include "lib/core/ledger.h"
#include "lib/core/progress.h"
#include "lib/proto/json.h"

struct bd_events;

struct bd_events *bd_events_new(size_t keep); /* how many are kept for `since`; NULL: no memory */
void bd_events_free(struct bd_events *e);

/* Publishes one event: writes seq, time and type, then fill(ud, out) adds the
 * members of its own. Also goes to the journal as one line. */
void bd_events_publish(struct bd_events *e, const char *type,
		       void (*fill)(void *ud, struct bl_json_out *out), void *ud);
/* The two that most are: claim.STATE of its state now; domain.TYPE with numbers and reason. */
void bd_events_claim(struct bd_events *e, const struct bl_claim *c);
void bd_events_domain(struct bd_events *e, const char *type, const struct bl_dom *d,
		      const char *reason);

/* A subscriber gets each event's whole line (with newline) once. */
typedef void (*bd_event_sink)(void *ud, uint64_t seq, const char *line, size_t len);
struct bd_subscription;
/* since 0: from now on; else all kept events after that seq come first, then
 * a daemon.lost event when some were kept no longer. */
struct bd_subscription *bd_events_subscribe(struct bd_events *e, uint64_t since,
					    bd_event_sink sink, void *ud);
void bd_events_unsubscribe(struct bd_subscription *s);
uint64_t bd_events_last(const struct bd_events *e);

#endif
