/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket for lines, with a time limit for everything. */
#ifndef BL_CLIENT_CONN_H
#define BL_CLIENT_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/client/balloon.h"
#include "lib/core/err.h"

/* A deadline is a time in milliseconds of CLOCK_MONOTONIC; negative: none. */
int64_t bl_conn_deadline(int timeout_ms);

struct bl_conn {
	int fd;			/* -1: closed */
	char *buf;		/* owned */
	size_t cap, start, len; /* unread bytes are buf[start..len) */
	size_t seen;		/* buf[start..seen) has no newline */
};

/* Fills the error that the caller of the library gets; returns -errnum. */
int bl_conn_error(struct balloon_error *err, int errnum, enum bl_err_id id, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void bl_conn_init(struct bl_conn *c);
int bl_conn_open(struct bl_conn *c, const char *path, struct balloon_error *reterr);
void bl_conn_close(struct bl_conn *c);
/* 0; -ETIMEDOUT; -EPIPE: the daemon has closed the connection, though it may have sent a line
 * first. */
int bl_conn_send(struct bl_conn *c, const char *data, size_t len, int64_t deadline);
/* 1 with the next line, NUL-terminated, without its newline, valid until the next call; 0: the
 * time is over; -ECONNRESET: the daemon has closed the connection; -EMSGSIZE; -ENOMEM. */
int bl_conn_line(struct bl_conn *c, int64_t deadline, char **ret_line, size_t *ret_len);

#endif
