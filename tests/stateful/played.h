/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time and threads as they are played to the daemon, which is linked with --wrap. Time
 * passes only when the test lets it, and one thread runs at a time: whichever is chosen
 * here, until it waits. So a world is the same each time it is played. */
#ifndef TESTS_STATEFUL_PLAYED_H
#define TESTS_STATEFUL_PLAYED_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- played-time.c: the clocks, and the timers of the event loop ---- */

/* A host that was booted a while ago. Forgets all timers. */
void played_time_begin(void);
/* CLOCK_BOOTTIME in milliseconds. */
uint64_t played_now(void);
void played_wall_jump(int64_t seconds);
/* The host sleeps: CLOCK_MONOTONIC stands still meanwhile. */
void played_sleep(uint64_t ms);
/* Called whenever time passes, with the milliseconds. */
void played_on_pass(void (*pass)(uint64_t ms));
/* Passes time at once, without a timer: for whoever waits in the midst of things. */
void played_pass(uint64_t ms);
/* The process whose timers these are is dead. */
void played_timers_forget(void);
/* When the next timer is due, or a thread's wait is over; UINT64_MAX: never. */
uint64_t played_next(void);
/* Makes the next timer that is due active. False: none is due. */
bool played_timer_fire(void);

/* ---- played-threads.c ---- */

/* Lets all threads run until each of them waits. True: one of them had something to do. */
bool played_threads_run(void);
/* When the first of their waits is over; UINT64_MAX: never. */
uint64_t played_threads_next(void);
bool played_in_thread(void); /* whoever calls is one of them */
/* The process is dead: every thread ends where it waits. */
void played_threads_end(void);
/* The thread that calls this goes no further: the process died in it. */
void played_thread_dies(void) __attribute__((noreturn));
/* By whoever kills: the process has died in a thread, and does not return to the loop's. */
void played_thread_died(void);
unsigned played_threads_left(void); /* that have not come to their end */

#endif
