/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads for work that may wait for ever: for a disk, xenstored, the reader of the log. */
#ifndef BD_THREAD_H
#define BD_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread that takes no signals, which are the event loop's. 0 or -errno. */
int bd_thread_start(pthread_t *ret, void *(*run)(void *), void *arg);

/* Waits for the end of the thread, at most so many milliseconds of real time. False: the thread
 * still runs and may end some day; what it uses must stay. */
bool bd_thread_join(pthread_t thread, unsigned ms);

#endif
