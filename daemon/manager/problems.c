/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The problems that status and ping list. */
#include <stdio.h>

#include "daemon/manager/internal.h"
#include "lib/core/reason.h"

/* Needed besides all claims: with 1 MiB free not even a PVH guest was made, with 2 MiB it was. */
#define RESERVE_LEAST BL_MIB_PAGES(2)

/* Somebody else writes targets of guests that balloond should move. */
static void add_external(struct bd_manager *m, void (*add)(void *ud, const char *line), void *ud)
{
	const struct bl_dom *first = NULL;
	size_t n = 0;
	char line[BL_NAME_MAX + 128];

	for (size_t i = 0; i < m->plan.n_views; i++)
		if (m->plan.views[i].state == BL_STATE_EXTERNAL &&
		    m->plan.views[i].limits.mode != BL_MODE_IGNORE && n++ == 0)
			first = m->plan.views[i].dom;
	if (!n)
		return;
	snprintf(
		line, sizeof(line),
		"somebody else writes the target of %s%s: left alone until 'balloonctl set ... --mode auto'",
		first->name, n > 1 ? " and of others" : "");
	add(ud, line);
}

/* Domains that are dead and keep memory. */
static void add_undead(struct bd_manager *m, void (*add)(void *ud, const char *line), void *ud)
{
	struct bl_plan_in in = bd_manager_plan_in(m);
	char line[BL_REASON_MAX + BL_NAME_MAX + 32], reason[BL_REASON_MAX];

	for (size_t i = 0; i < m->plan.n_views; i++) {
		const struct bl_view *v = &m->plan.views[i];

		if (v->state != BL_STATE_DYING || v->flows || !v->dom->tot.n || !v->track)
			continue;
		snprintf(line, sizeof(line), "%s (domid %u): %s", v->dom->name, v->dom->domid,
			 bl_reason_domain(&m->plan, &in, v, reason));
		add(ud, line);
	}
}

void bd_manager_problems(struct bd_manager *m, void (*add)(void *ud, const char *line), void *ud)
{
	char line[512];

	if (m->paused)
		add(ud, "paused: no guest is moved until 'balloonctl resume'");
	if (m->backend_failing) {
		snprintf(line, sizeof(line), "cannot read the state of the host: %s", m->backend_error);
		add(ud, line);
	}
	bd_state_problems(m->cfg.state, add, ud);
	if (m->plan.balance < 0 && !m->ledger.n) {
		char size[BL_SIZE_STR];

		snprintf(line, sizeof(line),
			 "free memory is %s below the reserve: no guest grows until it is there",
			 bl_pages_format(BL_PAGES(-m->plan.balance), size));
		add(ud, line);
	}
	if (m->plan.reserve.n < RESERVE_LEAST.n) {
		char size[BL_SIZE_STR], least[BL_SIZE_STR];

		snprintf(line, sizeof(line),
			 "the reserve of %s is less than the %s that the hypervisor needs to make a "
			 "domain when all else is claimed",
			 bl_pages_format(m->plan.reserve, size), bl_pages_format(RESERVE_LEAST, least));
		add(ud, line);
	}
	add_external(m, add, ud);
	add_undead(m, add, ud);
	m->host->ops->problems(m->host, add, ud);
}
