/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: the journal, with fields, if stderr goes there; otherwise stderr. A request that was
 * refused or timed out as it should is no error: INFO. Only one thread logs. No line waits for
 * its reader: if nobody reads, lines are lost and counted, and the count is logged once somebody
 * reads again. */
#ifndef BD_LOG_H
#define BD_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO */

/* Logs one line; control characters and invisible characters become '?'. */
void bd_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A field of the journal, e.g. { "BALLOOND_CLAIM", id }. stderr gets the message alone. */
struct bd_log_field {
	const char *name, *value;
};
#define BD_LOG_FIELDS_MAX 8
/* fields: at most BD_LOG_FIELDS_MAX, then one with a NULL name. */
void bd_log_with(int priority, const struct bd_log_field *fields, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For lines that a guest or a client can cause: lets ten a minute pass, and then logs how many it
 * did not. Static, zeroed. */
struct bd_log_limit {
	uint64_t window; /* seconds of CLOCK_MONOTONIC */
	unsigned n;
};
bool bd_log_allowed(struct bd_log_limit *limit, int priority);
void bd_log_limited(struct bd_log_limit *limit, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* From bd_log_start() to bd_log_stop() a thread writes to stderr, so that no line waits; stop
 * writes what is left if somebody reads it. Before and after, the caller writes its lines itself. */
void bd_log_start(void);
void bd_log_stop(void);
/* Logs how many lines were lost, if somebody reads again. */
void bd_log_catch_up(void);

/* For tests: where lines go instead; NULL: to the log. */
void bd_log_set_sink(void (*sink)(int priority, const char *line));

#endif
