/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that is saved: libxl's helper, as it shows in /proc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/stateful/faults.h"
#include "tests/stateful/guests.h"
#include "tests/stateful/played.h"

#define FIRST_PID 1000

static void write_file(const char *folder, const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f))
		abort();
}

static void remove_file(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)unlink(path);
}

void guests_save(struct guest *g, bool on)
{
	static const char comm[] = "libxl-save-help\n"; /* the kernel cuts it there */
	static const char status[] = "Name:\tlibxl-save-help\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n";
	char folder[192], words[128];
	int len;

	if (on == g->saved || (on && g->state != GUEST_RUNS))
		return;
	g->saved = on;
	g->touched_at = played_now();
	snprintf(folder, sizeof(folder), "%s/%u", faults_proc(), FIRST_PID + g->domid);
	if (!on) {
		remove_file(folder, "comm");
		remove_file(folder, "cmdline");
		remove_file(folder, "status");
		(void)rmdir(folder);
		return;
	}
	if (mkdir(folder, 0755) < 0)
		abort();
	len = snprintf(words, sizeof(words), "/usr/lib/xen/bin/libxl-save-helper%c--save-domain%c7%c8%c%u%c",
		       0, 0, 0, 0, g->domid, 0);
	write_file(folder, "comm", comm, sizeof(comm) - 1);
	write_file(folder, "status", status, sizeof(status) - 1);
	write_file(folder, "cmdline", words, (size_t)len);
}
