/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lives of the daemon on one host: it is started, asked, killed and started again.
 * What outlives it is in the state folder and in the host. */
#ifndef TESTS_STATEFUL_LIFE_H
#define TESTS_STATEFUL_LIFE_H

#include "daemon/manager/manager.h"

/* The host under it: on the stand-ins of Xen, or simulated. */
struct played_host {
	const char *name;
	int (*open)(struct event_base *base, const struct bd_host_events *ev, struct bd_host **ret,
		    struct bl_err *reterr);
	void (*pass)(uint64_t ms);  /* NULL, or what the guests do meanwhile */
	void (*process_gone)(void); /* NULL, or what a kernel tidies up after a process */
};

/* A new host; the daemon is down. folder is there, and empty. */
void life_begin(const struct played_host *host, const char *folder);
/* 0, or -errno: it did not start, or -EINTR: it was killed as it did. */
int life_start(void);
bool life_up(void);
/* NULL while it is down. */
struct bd_manager *life_manager(void);
/* SIGKILL while it waits for something to happen. */
void life_kill(void);
/* It comes to its end as it was told to; nothing of it may be left. */
void life_stop(void);
/* Lets time pass, and the daemon do what it has to. It may be down after that. */
void life_wait(uint64_t ms);
/* Connects a client to it. */
void life_connect(unsigned wire);
void life_reload(struct bl_settings *settings);
/* The claim's record says what the claim is. */
bool life_written(const struct bl_claim *c);
unsigned life_kills(void);
unsigned life_ends(void); /* kills, and ends as they should be */

#endif
