/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/notify.h"

#include <stdint.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct bd_notify {
	struct event *watchdog; /* NULL: none is set */
};

static void on_watchdog(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what, (void)ud;
	(void)sd_notify(0, "WATCHDOG=1");
}

struct bd_notify *bd_notify_new(struct event_base *base)
{
	struct bd_notify *n = calloc(1, sizeof(*n));
	struct timeval every;
	uint64_t usec;

	if (!n)
		return NULL;
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return n;
	usec /= 2;
	every = (struct timeval){ .tv_sec = (time_t)(usec / 1000000),
				  .tv_usec = (suseconds_t)(usec % 1000000) };
	n->watchdog = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	if (!n->watchdog || event_add(n->watchdog, &every) < 0) {
		bd_notify_free(n);
		return NULL;
	}
	return n;
}

void bd_notify_free(struct bd_notify *n)
{
	if (!n)
		return;
	if (n->watchdog)
		event_free(n->watchdog);
	free(n);
}

void bd_notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void bd_notify_reloading(void)
{
	struct timespec now;

	/* systemd pairs the reload with its signal by this time */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long)now.tv_sec * 1000000ULL +
				 (unsigned long long)now.tv_nsec / 1000ULL);
}

void bd_notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping; claims stay held");
}
