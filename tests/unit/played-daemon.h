/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that is played line by line, for libballoon to talk to. */
#ifndef TESTS_UNIT_PLAYED_DAEMON_H
#define TESTS_UNIT_PLAYED_DAEMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>

#include "lib/client/balloon.h"

/* One thing the played daemon does. */
struct step {
	const char *want;  /* accept when not yet connected, read a line that holds this */
	const char *reply; /* then send this; @ID@ stands for the request's id */
	bool hang_up;	   /* then close, and wait for the next to connect */
};

extern char path[64];	 /* of its socket */
extern char got[8][512]; /* the lines that came, one a step */
extern size_t n_got;
extern char claim_ids[8][BALLOON_ID_SIZE]; /* the ids in them, of claims */

/* It plays in a thread of its own, to be joined; the steps have to stay. */
pthread_t start(const struct step *steps, size_t n);
#define START(steps) start(steps, sizeof(steps) / sizeof((steps)[0]))

/* Of the group: its socket. */
int set_up(void **state);
int tear_down(void **state);

#endif
