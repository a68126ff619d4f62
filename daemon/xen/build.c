/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells restored domains from started ones. A restore, or a migration from another host, has
 * libxl's helper write the pages of the domain. The helper runs only as long as that takes,
 * leaves no trace, and causes no event, so the processes are checked now and then while a domain
 * is being built. */
#include <errno.h>
#include <string.h>

#include "daemon/xen/xen.h"

/* A small guest is restored within a few checks; a large one leaves time for more. */
#define CHECK_EVERY_MS 100
#define CHECK_SELDOM_MS 2000
#define CHECKS_OFTEN 20
/* xl gives a domain a name with this end until all of it has come from the other host. */
#define INCOMING "--incoming"

/* The pages of a restored domain come before its toolstack introduces it; later there is nothing
 * to find out. */
static bool is_open(const struct bd_xen_guest *g)
{
	return g->being_built && !g->introduced && !g->restored;
}

static bool is_incoming(const struct bd_xen_guest *g)
{
	size_t len = strlen(g->name), end = sizeof(INCOMING) - 1;

	return len > end && !strcmp(g->name + len - end, INCOMING);
}

/* 0: no domain is open. */
static unsigned pause_ms(const struct bd_host_xen *x)
{
	struct bd_xen_guest *g, *next;
	unsigned ms = 0;

	HASH_ITER(hh, x->guests.table, g, next)
	{
		if (!is_open(g))
			continue;
		if (g->build_checks < CHECKS_OFTEN)
			return CHECK_EVERY_MS;
		ms = CHECK_SELDOM_MS;
	}
	return ms;
}

static void find_restores(struct bd_host_xen *x)
{
	struct bd_xen_guest *g, *next;

	bd_xen_saving_refresh(&x->saving);
	HASH_ITER(hh, x->guests.table, g, next)
	{
		if (!is_open(g))
			continue;
		g->build_checks++;
		g->restored = is_incoming(g) || bd_xen_saving_restores(&x->saving, g->domid);
	}
}

/* A domain whose build has just begun does not wait for the long pause of another domain. */
void bd_xen_build_schedule(struct bd_host_xen *x)
{
	unsigned ms = pause_ms(x);

	if (!ms || (bd_clock_timer_pending(x->builds) && x->builds_pause_ms <= ms))
		return;
	x->builds_pause_ms = ms;
	(void)bd_clock_timer_set(x->builds, BL_MS(ms));
}

static void on_builds(void *ud)
{
	struct bd_host_xen *x = ud;

	if (pause_ms(x))
		find_restores(x);
	bd_xen_build_schedule(x);
}

int bd_xen_build_init(struct bd_host_xen *x)
{
	x->builds = bd_clock_timer_new(x->base, on_builds, x);
	return x->builds ? 0 : -ENOMEM;
}

void bd_xen_build_free(struct bd_host_xen *x)
{
	bd_clock_timer_free(x->builds);
}
