/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those who wait for something of a claim. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/manager/internal.h"

void bd_waiter_free(struct bd_waiter *w)
{
	free(w->again);
	free(w);
}

static void append(struct bd_manager *m, struct bd_waiter *w)
{
	struct bd_waiter **at = &m->waiters;

	w->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = w;
}

void bd_waiters_answer(struct bd_manager *m, const struct bl_claim *c, const struct bl_err *err,
		       unsigned whats)
{
	struct bd_waiter **at = &m->waiters, *mine = NULL, **last = &mine, *w;

	while ((w = *at)) {
		if (!(w->what & whats) || !bl_uuid_equal(&w->id, &c->id)) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = NULL;
		*last = w;
		last = &w->next;
	}
	while ((w = mine)) {
		mine = w->next;
		if (w->again && !err) {
			w->what = BD_WAITS_AGAIN;
			append(m, w);
			bd_manager_tick_soon(m);
			continue;
		}
		w->done(w->ud, err ? NULL : c, err);
		bd_waiter_free(w);
	}
}

bool bd_waiters_any(const struct bd_manager *m, const bl_uuid *id, unsigned whats)
{
	for (const struct bd_waiter *w = m->waiters; w; w = w->next)
		if (w->what & whats && bl_uuid_equal(&w->id, id))
			return true;
	return false;
}

int bd_waiters_add(struct bd_manager *m, const struct bd_waiter *w)
{
	struct bd_waiter *mine = malloc(sizeof(*mine));

	if (!mine)
		return -ENOMEM;
	*mine = *w;
	append(m, mine);
	return 0;
}
