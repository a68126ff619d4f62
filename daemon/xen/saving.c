/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/saving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/xen/proc.h"

#define HELPER "libxl-save-helper"
#define HELPER_COMM "libxl-save-help" /* the kernel cuts the name at 15 bytes */
/* At most this part of the event loop's time goes into scans. */
#define SHARE 10

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
	/* A last word without its NUL was cut off. */
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
	if (end == domid || *end || n < 0 || n >= BD_XEN_SAVING_DOMIDS)
		return -1;
	*ret_restores = restores;
	return n;
}

static void set(uint64_t *bits, int64_t domid)
{
	bits[domid / 64] |= UINT64_C(1) << domid % 64;
}

static bool is_set(const uint64_t *bits, uint32_t domid)
{
	return domid < BD_XEN_SAVING_DOMIDS && bits[domid / 64] >> domid % 64 & 1;
}

static bool take_helper(void *ud, const struct bd_xen_process *p)
{
	struct bd_xen_saving *ret = ud;
	bool restores = false;
	char cmdline[256];
	ssize_t n = bd_xen_proc_read(p, "cmdline", cmdline, sizeof(cmdline));
	int64_t domid = n > 0 ? bd_xen_saving_parse(cmdline, (size_t)n, &restores) : -1;

	if (n < 0)
		ret->doubt = (int)-n;
	if (domid >= 0)
		set(restores ? ret->restored : ret->saved, domid);
	ret->any |= domid >= 0 && !restores;
	return true;
}

void bd_xen_saving_scan(const char *proc, struct bd_xen_saving *ret)
{
	static const char *const names[] = { HELPER_COMM, NULL };
	int r;

	memset(ret, 0, sizeof(*ret));
	r = bd_xen_proc_each(proc, names, take_helper, ret);
	if (r < 0)
		ret->doubt = -r;
}

/* A scan is slow where there are very many processes, which any user can start. */
void bd_xen_saving_refresh(struct bd_xen_saving *s)
{
	bl_ms begin = bd_clock_now(), end;

	if (begin.n < s->not_before.n)
		return;
	bd_xen_saving_scan(bd_xen_proc, s);
	end = bd_clock_now();
	s->not_before = BL_MS(end.n + bl_ms_since(end, begin).n * (SHARE - 1));
}

bool bd_xen_saving_has(const struct bd_xen_saving *s, uint32_t domid)
{
	/* dom0 is never saved. */
	return domid && (s->doubt || is_set(s->saved, domid));
}

bool bd_xen_saving_restores(const struct bd_xen_saving *s, uint32_t domid)
{
	return is_set(s->restored, domid);
}

const char *bd_xen_saving_doubt(const struct bd_xen_saving *s)
{
	switch (s->doubt) {
	case 0:
		return "";
	case E2BIG:
		return "there are too many processes";
	case EACCES:
	case EPERM:
		return "/proc hides the processes of root, is it mounted with hidepid?";
	default:
		return strerror(s->doubt);
	}
}
