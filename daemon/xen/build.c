/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who builds a domain: a restore, or a migration from another host, has libxl's helper
 * write its pages, which is there for as long as that takes and leaves no trace. No event
 * tells of it, so there is a look now and then while a domain is being built. */
#include <errno.h>
#include <string.h>

#include "daemon/xen/xen.h"

/* A small guest is restored in a few of these; a large one leaves time for more. */
#define LOOK_EVERY_MS 100
#define LOOK_SELDOM_MS 2000
#define LOOKS_OFTEN 20
/* xl calls a domain so until all of it has come from the other host. */
#define INCOMING "--incoming"

/* Still to be told: its pages come before its toolstack introduces it. */
static bool is_open(const struct bd_xen_guest *g)
{
	return g->being_built && !g->introduced && !g->restored;
}

static bool is_incoming(const struct bd_xen_guest *g)
{
	size_t len = strlen(g->name), end = sizeof(INCOMING) - 1;

	return len > end && !strcmp(g->name + len - end, INCOMING);
}

/* 0: nobody is open. */
static unsigned pause_ms(const struct bd_host_xen *x)
{
	struct bd_xen_guest *g, *next;
	unsigned ms = 0;

	HASH_ITER(hh, x->guests.table, g, next)
	{
		if (!is_open(g))
			continue;
		if (g->build_looks < LOOKS_OFTEN)
			return LOOK_EVERY_MS;
		ms = LOOK_SELDOM_MS;
	}
	return ms;
}

static void look(struct bd_host_xen *x)
{
	struct bd_xen_guest *g, *next;

	bd_xen_saving_look(&x->saving);
	HASH_ITER(hh, x->guests.table, g, next)
	{
		if (!is_open(g))
			continue;
		g->build_looks++;
		g->restored = is_incoming(g) || bd_xen_saving_restores(&x->saving, g->domid);
	}
}

/* One that begins does not wait for the turn of one that takes long. */
void bd_xen_build_look(struct bd_host_xen *x)
{
	unsigned ms = pause_ms(x);

	if (!ms || (bd_clock_timer_pending(x->builds) && x->builds_ms <= ms))
		return;
	x->builds_ms = ms;
	(void)bd_clock_timer_set(x->builds, BL_MS(ms));
}

static void on_builds(void *ud)
{
	struct bd_host_xen *x = ud;

	if (pause_ms(x))
		look(x);
	bd_xen_build_look(x);
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
