/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong around the daemon: calls that fail, and a kill at any of its steps that
 * something outlives it: each hypercall, each call that changes the disk or xenstore. */
#ifndef TESTS_STATEFUL_FAULTS_H
#define TESTS_STATEFUL_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing fails. state: the folder whose files count; the seed is of what fails by chance. */
void faults_begin(const char *state, uint64_t seed);

/* One in so many of the hypercalls whose name begins like that ("" all) fails with this
 * error; one_in 0: none does. */
void faults_hypercalls(const char *name, int error, unsigned one_in);
/* The same of calls that change files of the state folder. */
void faults_disk(int error, unsigned one_in);
void faults_none(void);
bool faults_any(void); /* something may fail now */

/* The daemon is killed at that many steps from now; 0: it is not. */
void faults_kill_after(unsigned steps);
/* Runs the daemon's own code. False: the daemon was killed in the midst of it, and nothing
 * of what it called returned. */
bool faults_run(void (*what)(void *ud), void *ud);

/* A step: it may be the last. Returns 0 or the errno with which the call fails. */
int faults_hypercall(const char *name);
void faults_step(void);

/* Where /proc is for the daemon. */
const char *faults_proc(void);

#endif
