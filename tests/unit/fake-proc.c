/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/xen/proc.h"

static char folder[] = "proc-XXXXXX";

static void path_of(char path[64], unsigned pid, const char *file)
{
	snprintf(path, 64, "%s/%u%s%s", folder, pid, *file ? "/" : "", file);
}

static void put(unsigned pid, const char *file, const char *text, size_t len)
{
	char path[64];
	FILE *out;

	path_of(path, pid, file);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

void fake_proc_add(unsigned pid, const char *comm, const char *uids, const char *cmdline, size_t len)
{
	char path[64], text[256];

	path_of(path, pid, "");
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(text, sizeof(text), "%s\n", comm);
	put(pid, "comm", text, strlen(text));
	/* As the kernel writes it: the beginning, and something after. */
	snprintf(text, sizeof(text),
		 "Name:\t%s\nUmask:\t0022\nPid:\t%u\nPPid:\t1\nUid:\t%s\n"
		 "Gid:\t0\t0\t0\t0\n",
		 comm, pid, uids);
	put(pid, "status", text, strlen(text));
	put(pid, "cmdline", cmdline, len);
}

void fake_proc_helper(unsigned pid, const char *uids, const char *mode, unsigned domid)
{
	char cmdline[128];
	int n = snprintf(cmdline, sizeof(cmdline),
			 "/usr/lib/xen-4.17/bin/libxl-save-helper%c%s%c8%c9%c%u%c1%c", 0, mode, 0, 0, 0,
			 domid, 0, 0);

	fake_proc_add(pid, "libxl-save-help", uids, cmdline, (size_t)n);
}

void fake_proc_spoil(unsigned pid, const char *file)
{
	char path[64];

	path_of(path, pid, file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void fake_proc_remove(unsigned pid)
{
	char path[64];

	path_of(path, pid, "");
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *fake_proc_begin(void)
{
	strcpy(folder, "proc-XXXXXX");
	assert_non_null(mkdtemp(folder));
	fake_proc_add(1, "systemd", ROOT, "/sbin/init", sizeof("/sbin/init"));
	bd_xen_proc = folder;
	return folder;
}

void fake_proc_end(void)
{
	assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	bd_xen_proc = "/proc";
}
