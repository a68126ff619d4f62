/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/xen/conflicts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/aside.h"
#include "daemon/base/atomic-file.h"
#include "daemon/base/clock.h"
#include "daemon/xen/proc.h"

#define XL_CONF "/etc/xen/xl.conf"
#define XL_CONF_MAX 65536
#define FIND_EVERY BL_MS(60000)
#define KEY "autoballoon"
#define BLANKS " \t"

/* The value of the last line with KEY, without quotes; its length in *ret_len. */
static const char *value_of(const char *conf, size_t *ret_len)
{
	const char *value = NULL;

	for (const char *line = conf; line; line = strchr(line, '\n')) {
		const char *p = line + strspn(line, "\n");

		line = p;
		p += strspn(p, BLANKS);
		if (strncmp(p, KEY, sizeof(KEY) - 1) != 0)
			continue;
		p += sizeof(KEY) - 1;
		p += strspn(p, BLANKS);
		if (*p != '=')
			continue;
		p++;
		p += strspn(p, BLANKS "\"'");
		value = p;
		*ret_len = strcspn(p, BLANKS "\"'#;\r\n");
	}
	return value;
}

static bool is_word(const char *value, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(value, word, len);
}

bool bd_xen_conflicts_autoballoon(const char *xl_conf, const char *cmdline)
{
	size_t len = 0;
	const char *value = value_of(xl_conf, &len), *p = cmdline;

	if (value && (is_word(value, len, "off") || is_word(value, len, "0")))
		return false;
	if (value && (is_word(value, len, "on") || is_word(value, len, "1")))
		return true;
	while ((p = strstr(p, "dom0_mem="))) {
		if (p == cmdline || p[-1] == ' ')
			return false;
		p++;
	}
	return true;
}

static bool take_name(void *ud, const struct bd_xen_process *p)
{
	(void)snprintf(ud, BD_XEN_BALANCER_MAX, "%s", p->comm);
	return false;
}

void bd_xen_conflicts_balancer(const char *proc, char ret[BD_XEN_BALANCER_MAX])
{
	static const char *const balancers[] = { "squeezed", "qmemmand", "qmemman", NULL };

	ret[0] = '\0';
	/* bd_xen_saving_doubt() reports processes that are hidden. */
	(void)bd_xen_proc_each(proc, balancers, take_name, ret);
}

/* ---- finding ---- */

struct bd_xen_conflicts {
	struct bd_aside *aside;
	char *cmdline; /* a copy, since the thread may outlive all else */
	bl_ms asked_at;
	struct bd_xen_found_conflicts known;
	struct bd_xen_found_conflicts fresh; /* the thread writes here while it works */
};

static void find(void *ud)
{
	struct bd_xen_conflicts *d = ud;
	char conf[XL_CONF_MAX] = "";
	int fd = bd_file_open(XL_CONF, 1 << 20);
	ssize_t n = fd < 0 ? 0 : read(fd, conf, sizeof(conf) - 1);

	if (fd >= 0)
		(void)close(fd);
	conf[n > 0 ? n : 0] = '\0';
	d->fresh.autoballoon = bd_xen_conflicts_autoballoon(conf, d->cmdline);
	bd_xen_conflicts_balancer(bd_xen_proc, d->fresh.balancer);
}

static void publish(void *ud)
{
	struct bd_xen_conflicts *d = ud;

	d->known = d->fresh;
}

static void free_parts(struct bd_xen_conflicts *d)
{
	free(d->cmdline);
	free(d);
}

struct bd_xen_conflicts *bd_xen_conflicts_new(struct event_base *base, const char *cmdline)
{
	struct bd_xen_conflicts *d = calloc(1, sizeof(*d));
	const struct bd_aside_work work = { .work = find, .done = publish, .ud = d };

	if (!d)
		return NULL;
	d->cmdline = strdup(cmdline);
	if (d->cmdline) {
		find(d);
		publish(d);
		d->asked_at = bd_clock_now();
		d->aside = bd_aside_new(base, &work);
	}
	if (d->aside)
		return d;
	free_parts(d);
	return NULL;
}

void bd_xen_conflicts_free(struct bd_xen_conflicts *d)
{
	if (d && bd_aside_free(d->aside))
		free_parts(d);
}

const struct bd_xen_found_conflicts *bd_xen_conflicts_known(struct bd_xen_conflicts *d)
{
	bl_ms t = bd_clock_now();

	if (bl_ms_since(t, d->asked_at).n >= FIND_EVERY.n) {
		d->asked_at = t;
		bd_aside_ask(d->aside);
	}
	return &d->known;
}
