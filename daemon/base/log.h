/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: the journal with fields where stderr goes there, else stderr. What
 * was refused or timed out as it should is no error: INFO. Only one thread logs. No line
 * waits for whoever reads the log: where nobody does, lines are lost, counted, and that is
 * said once somebody reads again. */
#ifndef BD_LOG_H
#define BD_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO */

/* One line; control and invisible characters in it become '?'. */
void bd_log(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A field of the journal beside the message, e.g. { "BALLOOND_CLAIM", id }.
 * On stderr only the message is seen. */
struct bd_log_field {
	const char *name, *value;
};
#define BD_LOG_FIELDS_MAX 8
/* fields ends with a NULL name; at most BD_LOG_FIELDS_MAX. */
void bd_log_with(int priority, const struct bd_log_field *fields, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For lines a guest or a client can cause: at most ten a minute go through,
 * then one says how many did not. Static, all zero at first. */
struct bd_log_limit {
	uint64_t window; /* seconds of CLOCK_MONOTONIC */
	unsigned n;
};
bool bd_log_allowed(struct bd_log_limit *limit, int priority);
void bd_log_limited(struct bd_log_limit *limit, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* From here on a thread writes to stderr, and no line waits; stop writes what is left,
 * if somebody reads it. Before and after, lines are written where they come from. */
void bd_log_start(void);
void bd_log_stop(void);
/* Says how many lines were lost, if somebody reads again. */
void bd_log_catch_up(void);

/* Where lines go instead, for tests; NULL: as ever. */
void bd_log_set_sink(void (*sink)(int priority, const char *line));

#endif
