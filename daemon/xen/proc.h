/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of root in the control domain. Anybody can start a process of any name
 * with any arguments, and very many of them: no process of others is believed. */
#ifndef BD_XEN_PROC_H
#define BD_XEN_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bd_xen_process {
	int dir;	  /* its folder: stays that of this process when its pid is used again */
	const char *comm; /* what it is called, cut at 15 bytes by the kernel */
};

/* Where the processes are looked for; tests have a folder of their own. */
extern const char *bd_xen_proc;

/* Processes that are looked at, before the look ends with -E2BIG. The kernel lets nobody
 * but root start so many in a control domain of less than 24 GiB. */
#define BD_XEN_PROCESSES_MAX 65536

/* Calls each() for every process of root that has one of these names (as comm has them,
 * the last NULL) until each() returns false. -errno: not all of them could be seen, and
 * there may be one of that name which each() was not called for. */
int bd_xen_proc_each(const char *proc, const char *const *names,
		     bool (*each)(void *ud, const struct bd_xen_process *p), void *ud);
/* The first bytes of one of its files: how many, 0 also when it has ended meanwhile; -errno. */
ssize_t bd_xen_proc_read(const struct bd_xen_process *p, const char *file, char *buf, size_t size);

#endif
