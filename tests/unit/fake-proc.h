/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder that stands for /proc, in which the first process is as it should be. */
#ifndef TESTS_UNIT_FAKE_PROC_H
#define TESTS_UNIT_FAKE_PROC_H

#include <stddef.h>

#define ROOT "0\t0\t0\t0"

/* The backend looks there from now on; the folder's name is valid until the end. */
const char *fake_proc_begin(void);
void fake_proc_end(void);
/* uids as /proc has them, in a line: real, effective, saved, of the file system. */
void fake_proc_add(unsigned pid, const char *comm, const char *uids, const char *cmdline, size_t len);
/* A helper of libxl's for that domain, with that mode ("--save-domain"). */
void fake_proc_helper(unsigned pid, const char *uids, const char *mode, unsigned domid);
/* Replaces a file by a folder, which nobody can read as a file. */
void fake_proc_spoil(unsigned pid, const char *file);
void fake_proc_remove(unsigned pid);

#endif
