/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host-xen-saving.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/host-xen-proc.h"

#define HELPER "libxl-save-helper"
#define COMM_MAX 15 /* the kernel cuts a process's name there */
#define DOMID_MAX 0x7fef

/* Words of `libxl-save-helper --save-domain FD FD DOMID ...`, or `--restore-domain`. */
enum { WORD_PROGRAM, WORD_MODE, WORD_DOMID = 4 };

static const char *word(const char *cmdline, size_t len, unsigned i)
{
	const char *end = cmdline + len;

	while (i--) {
		cmdline = memchr(cmdline, '\0', (size_t)(end - cmdline));
		if (!cmdline || ++cmdline >= end)
			return NULL;
	}
	/* A last word without its end has been cut. */
	return memchr(cmdline, '\0', (size_t)(end - cmdline)) ? cmdline : NULL;
}

int64_t bd_xen_saving_parse(const char *cmdline, size_t len, bool *ret_restores)
{
	const char *program = word(cmdline, len, WORD_PROGRAM);
	const char *mode = word(cmdline, len, WORD_MODE);
	const char *domid = word(cmdline, len, WORD_DOMID);
	const char *slash;
	bool restores;
	char *end;
	long n;

	if (!program || !mode || !domid)
		return -1;
	slash = strrchr(program, '/');
	restores = !strcmp(mode, "--restore-domain");
	if (strcmp(slash ? slash + 1 : program, HELPER) != 0 ||
	    (!restores && strcmp(mode, "--save-domain") != 0))
		return -1;
	n = strtol(domid, &end, 10);
	if (end == domid || *end || n < 0 || n > DOMID_MAX)
		return -1;
	*ret_restores = restores;
	return n;
}

static bool look_at(void *ud, const struct bd_xen_process *p)
{
	struct bd_xen_saving *ret = ud;
	bool restores = false;
	char cmdline[256];
	int64_t domid;
	ssize_t n;

	/* By its name first, which is the cheaper to read. */
	if (strncmp(p->comm, HELPER, COMM_MAX) != 0)
		return true;
	n = bd_xen_proc_read(p, "cmdline", cmdline, sizeof(cmdline));
	domid = n > 0 ? bd_xen_saving_parse(cmdline, (size_t)n, &restores) : -1;
	if (domid >= 0 && restores)
		ret->restored[ret->n_restored++] = (uint32_t)domid;
	else if (domid >= 0)
		ret->domids[ret->n++] = (uint32_t)domid;
	return ret->n < BD_XEN_SAVING_MAX && ret->n_restored < BD_XEN_SAVING_MAX;
}

int bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret)
{
	ret->n = ret->n_restored = 0;
	return bd_xen_proc_each(proc, look_at, ret);
}

static bool has(const uint32_t *domids, size_t n, uint32_t domid)
{
	for (size_t i = 0; i < n; i++)
		if (domids[i] == domid)
			return true;
	return false;
}

bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid)
{
	return has(s->domids, s->n, domid);
}

bool bd_xen_saving_restores(const struct bd_xen_saving *s, uint32_t domid)
{
	return has(s->restored, s->n_restored, domid);
}
