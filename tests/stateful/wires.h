/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of the daemon: connections, what was asked over them, and what was answered. */
#ifndef TESTS_STATEFUL_WIRES_H
#define TESTS_STATEFUL_WIRES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/proto/json.h"

#define WIRES 6
#define WIRE_ASKS 24 /* that may be open on one */

/* The world has ended: something is true that must never be. Does not return. */
void world_failed(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Exactly one of result and error is not NULL; both are: the connection is gone, or the
 * daemon. */
typedef void (*wire_answered)(void *ud, const struct bl_json *result, const struct bl_json *error);

/* No connection is open. */
void wires_begin(void);
/* A new connection in that place; the daemon's end of it, or -1 where one is open. */
int wire_open(unsigned wire);
bool wire_is_open(unsigned wire);
/* False: it is full, or closed. params is the inside of the object. */
bool wire_ask(unsigned wire, wire_answered answered, void *ud, const char *method, const char *params, ...)
	__attribute__((format(printf, 5, 6)));
void wire_close(unsigned wire);
/* Takes what has come. True: something has. */
bool wires_receive(void);
/* The daemon is gone, and whatever it was asked with it. */
void wires_daemon_gone(void);
/* That wait for an answer. */
unsigned wires_open_asks(void);
/* The client's ends. */
bool wires_own(int fd);

#endif
