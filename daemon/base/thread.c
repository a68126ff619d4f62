/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/base/thread.h"

#include <signal.h>
#include <time.h>

int bd_thread_start(pthread_t *ret, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

bool bd_thread_join(pthread_t thread, unsigned ms)
{
	struct timespec end;

	(void)clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += (time_t)(ms / 1000);
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	if (pthread_timedjoin_np(thread, NULL, &end) == 0)
		return true;
	(void)pthread_detach(thread);
	return false;
}
