/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of root in the control domain. Anybody can start any number of processes with any
 * name and any arguments, so processes of other users prove nothing. */
#ifndef BD_XEN_PROC_H
#define BD_XEN_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bd_xen_process {
	int dir;	  /* its folder: refers to this process even when its pid is used again */
	const char *comm; /* its name, which the kernel cuts at 15 bytes */
};

/* The folder of processes; tests have their own. */
extern const char *bd_xen_proc;

/* The most processes that are examined, before -E2BIG. In a control domain of less than 24 GiB
 * the kernel lets only root start so many. */
#define BD_XEN_PROCESSES_MAX 65536

/* Calls each() for every process of root whose comm is in names (NULL at the end) until each()
 * returns false. -errno: some processes were hidden, so each() may have missed one. */
int bd_xen_proc_each(const char *proc, const char *const *names,
		     bool (*each)(void *ud, const struct bd_xen_process *p), void *ud);
/* Reads the first bytes of a file of the process. Returns how many, 0 also if the process has
 * ended; -errno. */
ssize_t bd_xen_proc_read(const struct bd_xen_process *p, const char *file, char *buf, size_t size);

#endif
