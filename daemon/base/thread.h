/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads for what may wait for ever: a disk, xenstored, whoever reads the log. */
#ifndef BD_THREAD_H
#define BD_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread that takes no signal: signals are the loop's. 0, or -errno. */
int bd_thread_start(pthread_t *ret, void *(*run)(void *), void *arg);

/* Waits for its end, for so many milliseconds of real time at most. False: the thread
 * still runs and ends by itself one day; what it uses must stay. */
bool bd_thread_join(pthread_t thread, unsigned ms);

#endif
