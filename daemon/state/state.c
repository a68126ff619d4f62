/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wanted on disk, and how far that has come. */
#include "daemon/state/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/state/file.h"
#include "daemon/state/internal.h"

/* systemd waits longer than this for the service to stop. */
#define CLOSE_SECONDS 5

/* ---- changes ---- */

static int want(struct bd_state *s, struct bd_state_entry *e, const char *text, size_t len,
		uint64_t *ret_seq)
{
	char *mine = NULL;

	if (e->kept) {
		*ret_seq = e->written;
		return 0;
	}
	if (text) {
		mine = malloc(len);
		if (!mine)
			return -ENOMEM;
		memcpy(mine, text, len);
	}
	free(e->text);
	e->text = mine;
	e->len = len;
	e->wanted = text != NULL;
	e->seq = *ret_seq = ++s->seq;
	bd_state_set_failed(s, e, 0);
	if (!text && !e->on_disk && !e->busy) {
		bd_state_free_entry(s, e);
		return 0;
	}
	bd_state_make_due(s, e);
	bd_state_settle_at_once(s);
	return 0;
}

static int want_out(struct bd_state *s, struct bd_state_entry *e, uint64_t *ret_seq)
{
	const char *text;
	size_t len;
	int r = bl_json_out_end_line(s->out, &text, &len);

	return r < 0 ? r : want(s, e, text, len, ret_seq);
}

static int drop(struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id, uint64_t *ret_seq)
{
	struct bd_state_entry *e = bd_state_find(s, kind, id);

	*ret_seq = 0;
	return e ? want(s, e, NULL, 0, ret_seq) : 0;
}

int bd_state_save_claim(struct bd_state *s, struct bl_claim *c)
{
	struct bd_state_entry *e = bd_state_entry(s, BD_STATE_CLAIM, &c->id);

	if (!e)
		return -ENOMEM;
	/* A new claim; a file of an ended claim with the same id may be there. */
	if (!e->wanted && !e->kept)
		e->order = s->next_order++;
	bd_state_claim_write(s->out, c, &s->boot, e->order);
	return want_out(s, e, &c->record);
}

int bd_state_drop_claim(struct bd_state *s, const bl_uuid *id, uint64_t *ret_seq)
{
	return drop(s, BD_STATE_CLAIM, id, ret_seq);
}

int bd_state_save_dom(struct bd_state *s, struct bl_dom_record *m)
{
	struct bd_state_entry *e = bd_state_entry(s, BD_STATE_DOMAIN, &m->uuid);

	if (!e)
		return -ENOMEM;
	/* Limits that were set for this run must not replace limits that are to stay. */
	if (m->persist)
		m->stays = m->set;
	bd_state_dom_write(s->out, m, &m->stays);
	return want_out(s, e, &m->saved_seq);
}

int bd_state_drop_dom(struct bd_state *s, const bl_uuid *uuid, uint64_t *ret_seq)
{
	struct bd_state_entry *e = bd_state_find(s, BD_STATE_DOMAIN, uuid);

	/* An administrator asked for this, and knows what is lost. */
	if (e && e->kept) {
		e->kept = false;
		s->n_kept--;
	}
	return drop(s, BD_STATE_DOMAIN, uuid, ret_seq);
}

int bd_state_set_paused(struct bd_state *s, bool paused, uint64_t *ret_seq)
{
	static const char text[] = "paused\n";
	struct bd_state_entry *e = bd_state_entry(s, BD_STATE_PAUSED, NULL);

	if (!e)
		return -ENOMEM;
	return want(s, e, paused ? text : NULL, paused ? sizeof(text) - 1 : 0, ret_seq);
}

/* ---- results ---- */

int bd_state_written(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id, uint64_t seq)
{
	const struct bd_state_entry *e = bd_state_find(s, kind, id);

	if (!e || e->written >= seq)
		return 0;
	return e->failed && !e->due && !e->busy ? e->failed : -EINPROGRESS;
}

bool bd_state_is_kept(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id)
{
	const struct bd_state_entry *e = bd_state_find(s, kind, id);

	return e && e->kept;
}

bool bd_state_has_unknown_claims(const struct bd_state *s)
{
	return s->unknown_claims;
}

bool bd_state_failing(const struct bd_state *s)
{
	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		if (s->failing[k])
			return true;
	return false;
}

/* ---- life ---- */

static void on_flush(evutil_socket_t fd, short what, void *ud)
{
	(void)fd, (void)what;
	bd_state_flush(ud);
}

static void on_reply(evutil_socket_t fd, short what, void *ud)
{
	struct bd_state *s = ud;
	struct bd_jobs done = STAILQ_HEAD_INITIALIZER(done);
	struct bd_job *j;
	eventfd_t ignored;

	(void)what;
	(void)eventfd_read(fd, &ignored);
	bd_worker_take_done(&s->of_claims, &done);
	bd_worker_take_done(&s->of_domains, &done);
	STAILQ_FOREACH(j, &done, link)
		bd_state_take_result(s, j);
	while ((j = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, link);
		s->sink(s->ud, j->kind, &j->id, j->r);
		free(j);
	}
}

int bd_state_start(struct bd_state *s, struct event_base *base, bd_state_sink sink, void *ud)
{
	int r;

	s->sink = sink;
	s->ud = ud;
	s->reply = event_new(base, s->reply_fd, EV_READ | EV_PERSIST, on_reply, s);
	s->flush = event_new(base, -1, 0, on_flush, s);
	if (!s->reply || !s->flush || event_add(s->reply, NULL) < 0)
		return -ENOMEM;
	r = bd_worker_start(&s->of_claims);
	r = r < 0 ? r : bd_worker_start(&s->of_domains);
	if (r == 0)
		s->base = base;
	return r;
}

static void take_last(struct bd_state *s, struct bd_worker *w)
{
	struct bd_jobs done = STAILQ_HEAD_INITIALIZER(done);
	struct bd_job *j;

	bd_worker_take_done(w, &done);
	while ((j = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, link);
		bd_state_take_result(s, j);
		free(j);
	}
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->wake);
}

/* False: a thread hangs in the disk. */
static bool stop(struct bd_state *s)
{
	bool ended;

	if (s->base)
		bd_state_flush(s);
	if (s->reply)
		event_free(s->reply);
	if (s->flush)
		event_free(s->flush);
	s->reply = s->flush = NULL;
	ended = bd_worker_stop(&s->of_claims, CLOSE_SECONDS);
	ended &= bd_worker_stop(&s->of_domains, CLOSE_SECONDS);
	if (!ended)
		return false;
	s->base = NULL;
	take_last(s, &s->of_claims);
	take_last(s, &s->of_domains);
	bd_state_flush(s); /* changes that came while the same file was being written */
	return true;
}

void bd_state_close(struct bd_state *s)
{
	struct bd_state_entry *e, *next;

	if (!s || !stop(s))
		return; /* a thread uses *s until the process ends */
	HASH_ITER(hh, s->entries, e, next)
	bd_state_free_entry(s, e);
	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		bd_place_close(&s->places[k]);
	if (s->reply_fd >= 0)
		(void)close(s->reply_fd);
	bl_json_out_free(s->out);
	free(s->path);
	free(s);
}
