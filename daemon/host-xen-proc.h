/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes of the control domain. */
#ifndef BD_HOST_XEN_PROC_H
#define BD_HOST_XEN_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct bd_xen_process {
	int proc;	  /* the folder of all of them */
	const char *pid;  /* the name of its own in there */
	const char *comm; /* what it is called, cut at 15 bytes by the kernel */
};

/* Calls each() for every process until it returns false; a folder other than
 * /proc is for tests. -errno: it could not be read. */
int bd_xen_proc_each(const char *proc, bool (*each)(void *ud, const struct bd_xen_process *p),
		     void *ud);
/* The first bytes of a file of its: how many, -1 also when it has ended meanwhile. */
ssize_t bd_xen_proc_read(const struct bd_xen_process *p, const char *file, char *buf, size_t size);

#endif
