/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes jobs for the threads of what is wanted of files, and takes the results. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/state/internal.h"

static struct bd_worker *worker_of(struct bd_state *s, enum bd_state_kind kind)
{
	return kind == BD_STATE_CLAIM ? &s->of_claims : &s->of_domains;
}

struct bd_job *bd_state_make_job(enum bd_job_what what, const struct bd_state_key *key, uint64_t seq,
				 const char *text, size_t len)
{
	struct bd_job *j = calloc(1, sizeof(*j) + len);

	if (!j)
		return NULL;
	j->what = what;
	j->kind = (enum bd_state_kind)key->kind;
	j->id = key->id;
	j->seq = seq;
	j->len = len;
	if (len)
		memcpy(j->text, text, len);
	return j;
}

void bd_state_make_due(struct bd_state *s, struct bd_state_entry *e)
{
	if (!e->due)
		DL_APPEND(s->due, e);
	e->due = true;
	if (s->flush)
		event_active(s->flush, EV_TIMEOUT, 0);
}

void bd_state_take_result(struct bd_state *s, const struct bd_job *j)
{
	struct bd_state_entry *e = j->what == BD_JOB_PROBE ? NULL : bd_state_find(s, j->kind, &j->id);

	if (e) {
		e->busy = false;
		if (j->r == 0)
			e->on_disk = j->what == BD_JOB_WRITE;
		else if (j->what == BD_JOB_WRITE) /* the file is there, but the folder may not be synced */
			e->on_disk |= s->places[j->kind].sync;
		if (j->r == 0)
			e->written = j->seq;
		if (e->seq != j->seq)
			bd_state_make_due(s, e);
		else
			bd_state_set_failed(s, e, j->r);
	}
	if (j->r || !s->n_failed[j->kind])
		s->failing[j->kind] = j->r;
	if (e && e->seq == j->seq && j->r == 0 && j->what == BD_JOB_DROP)
		bd_state_free_entry(s, e);
}

/* Does the job without a thread. */
static void run_here(struct bd_state *s, struct bd_job *j)
{
	struct bd_jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);

	STAILQ_INSERT_TAIL(&jobs, j, link);
	bd_jobs_run(s->places, &jobs);
	bd_state_take_result(s, j);
	free(j);
}

void bd_state_hand_out(struct bd_state *s, struct bd_job *j)
{
	if (s->base)
		bd_worker_push(worker_of(s, j->kind), j);
	else
		run_here(s, j);
}

/* All changes of a file in a turn of the event loop become one job. */
void bd_state_flush(struct bd_state *s)
{
	struct bd_state_entry *e, *next;

	DL_FOREACH_SAFE(s->due, e, next) {
		struct bd_job *j;

		if (e->busy)
			continue;
		j = bd_state_make_job(e->wanted ? BD_JOB_WRITE : BD_JOB_DROP, &e->key, e->seq, e->text,
				      e->len);
		if (!j) {
			bd_state_set_failed(s, e, -ENOMEM); /* bd_state_retry() makes it due again */
			s->failing[e->key.kind] = -ENOMEM;
		}
		DL_DELETE(s->due, e);
		e->due = false;
		e->busy = j != NULL;
		if (j)
			bd_state_hand_out(s, j);
	}
}

void bd_state_settle_at_once(struct bd_state *s)
{
	if (!s->base)
		bd_state_flush(s);
}
