/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tries failed writes again, and reports them. */
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/state/internal.h"

#define RETRY_MS 1000

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void bd_state_retry(struct bd_state *s)
{
	bool tried[BD_STATE_KINDS] = { false };
	struct bd_state_entry *e, *next;
	uint64_t now = now_ms();

	if (!bd_state_failing(s) || (s->retried && now - s->retried < RETRY_MS))
		return;
	s->retried = now;
	HASH_ITER(hh, s->entries, e, next)
	{
		tried[e->key.kind] |= e->busy || e->failed;
		if (e->failed)
			bd_state_make_due(s, e);
	}
	/* If nothing waits for a failing folder, find out whether it can be written now. */
	for (uint32_t k = 0; k < BD_STATE_KINDS; k++) {
		struct bd_state_key key = { .kind = k };
		struct bd_job *j = s->failing[k] && !tried[k]
					   ? bd_state_make_job(BD_JOB_PROBE, &key, 0, NULL, 0)
					   : NULL;

		if (j)
			bd_state_hand_out(s, j);
	}
	bd_state_settle_at_once(s);
}

static void add_failing(const struct bd_state *s, size_t kind, void (*add)(void *ud, const char *line),
			void *ud)
{
	static const char *const means[BD_STATE_KINDS] = {
		[BD_STATE_CLAIM] = "claims are refused, and none leaves the hypervisor's pool",
		[BD_STATE_DOMAIN] = "no guest with unsaved limits is moved",
		[BD_STATE_PAUSED] = "nothing can be paused",
	};
	char line[1024];
	int r = s->failing[kind];

	if (r == -ESTALE)
		(void)snprintf(line, sizeof(line),
			       "state cannot be saved in %s: it came after the start, with records in "
			       "it that were not read; restart balloond",
			       s->places[kind].path);
	else
		(void)snprintf(line, sizeof(line), "state cannot be saved in %s: %s; %s",
			       s->places[kind].path, r == -EBUSY ? "another balloond has it" : strerror(-r),
			       means[kind]);
	add(ud, line);
}

void bd_state_problems(const struct bd_state *s, void (*add)(void *ud, const char *line), void *ud)
{
	char line[1024];

	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		if (s->failing[k])
			add_failing(s, k, add, ud);
	if (!s->n_kept)
		return;
	(void)snprintf(line, sizeof(line),
		       "%zu record%s of a newer balloond (%s%s): left as %s; they need that version",
		       s->n_kept, s->n_kept > 1 ? "s" : "", s->kept_example,
		       s->n_kept > 1 ? " and others" : "", s->n_kept > 1 ? "they are" : "it is");
	add(ud, line);
}
