/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/manager/events.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "daemon/base/log.h"
#include "daemon/base/utc.h"
#include "lib/proto/rpc.h"

/* The log limits lines per guest, so that a noisy guest does not hide another. */
#define GUEST_LIMITS 64

struct kept {
	char *line; /* NULL: out of memory when it was made */
	size_t len;
};

struct bd_subscription {
	struct bd_events *events;
	uint64_t next; /* seq of the next line to read */
	void (*wake)(void *ud);
	void *ud;
	struct bd_subscription *prev, *next_one;
};

struct bd_events {
	struct kept *ring; /* the event with seq s is at s % keep */
	size_t keep;
	uint64_t last; /* seq of the newest; 0: none yet */
	struct bl_json_out *out;
	struct bd_log_limit limits[GUEST_LIMITS];
	struct bd_subscription *subscribers;
};

struct bd_events *bd_events_new(size_t keep)
{
	struct bd_events *e = calloc(1, sizeof(*e));

	assert(keep > 0);
	if (!e)
		return NULL;
	e->keep = keep;
	e->ring = calloc(keep, sizeof(*e->ring));
	e->out = bl_json_out_new();
	if (!e->ring || !e->out) {
		bd_events_free(e);
		return NULL;
	}
	return e;
}

void bd_events_free(struct bd_events *e)
{
	if (!e)
		return;
	assert(!e->subscribers);
	for (size_t i = 0; e->ring && i < e->keep; i++)
		free(e->ring[i].line);
	free(e->ring);
	bl_json_out_free(e->out);
	free(e);
}

static void begin(struct bd_events *e, uint64_t seq, const char *type)
{
	char now[BD_UTC_STR];

	bl_rpc_event_begin(e->out);
	bl_json_put_uint(e->out, "seq", seq);
	bl_json_put_string(e->out, "time", bd_utc_format((uint64_t)time(NULL), now));
	bl_json_put_string(e->out, "type", type);
}

static void publish(struct bd_events *e, const char *type, void (*fill)(void *ud, struct bl_json_out *out),
		    void *ud)
{
	struct kept *k = &e->ring[++e->last % e->keep];
	struct bd_subscription *s;
	const char *line;
	size_t len;

	free(k->line);
	k->line = NULL;
	begin(e, e->last, type);
	if (fill)
		fill(ud, e->out);
	if (bl_rpc_event_end(e->out, &line, &len) == 0 && (k->line = malloc(len))) {
		memcpy(k->line, line, len);
		k->len = len;
	}
	DL_FOREACH2(e->subscribers, s, next_one)
	s->wake(s->ud);
}

void bd_events_publish(struct bd_events *e, const char *type,
		       void (*fill)(void *ud, struct bl_json_out *out), void *ud)
{
	const struct bd_log_field fields[] = { { "BALLOOND_EVENT", type }, { NULL, NULL } };

	bd_log_with(!strcmp(type, "host.low") ? LOG_NOTICE : LOG_INFO, fields, "%s", type);
	publish(e, type, fill, ud);
}

static void fill_claim(void *ud, struct bl_json_out *o)
{
	const struct bl_claim *c = ud;
	char text[BL_UUID_STR];

	bl_uuid_format(&c->id, text);
	bl_json_put_string(o, "id", text);
	bl_json_put_string(o, "name", c->name[0] ? c->name : NULL);
	bl_uuid_format(&c->uuid, text);
	bl_json_put_string(o, "uuid", c->has_uuid ? text : NULL);
	bl_json_put_uint(o, "size_bytes", bl_pages_to_bytes(c->size).n);
	if (c->domid != BL_DOMID_NONE)
		bl_json_put_uint(o, "domid", c->domid);
	else
		bl_json_put_null(o, "domid");
	bl_json_put_string(o, "reason", c->reason[0] ? c->reason : NULL);
}

void bd_events_claim(struct bd_events *e, const struct bl_claim *c)
{
	char type[32], id[BL_UUID_STR], size[BL_SIZE_STR];
	const struct bd_log_field fields[] = { { "BALLOOND_EVENT", type },
					       { "BALLOOND_CLAIM", id },
					       { NULL, NULL } };

	(void)snprintf(type, sizeof(type), "claim.%s", bl_claim_state_name(c->state));
	bl_uuid_format(&c->id, id);
	bd_log_with(LOG_INFO, fields, "claim %s%s%s of %s: %s%s%s", id, c->name[0] ? " for " : "", c->name,
		    bl_pages_format(c->size, size), bl_claim_state_name(c->state), c->reason[0] ? ": " : "",
		    c->reason);
	publish(e, type, fill_claim, (void *)(uintptr_t)c);
}

struct domain_event {
	const struct bl_dom *d;
	const char *reason;
};

static void fill_domain(void *ud, struct bl_json_out *o)
{
	const struct domain_event *ev = ud;
	char text[BL_UUID_STR];

	bl_json_put_uint(o, "domid", ev->d->domid);
	bl_json_put_string(o, "name", ev->d->name);
	bl_uuid_format(&ev->d->uuid, text);
	bl_json_put_string(o, "uuid", text);
	bl_json_put_uint(o, "current_bytes", bl_pages_to_bytes(ev->d->tot).n);
	if (ev->d->has_target)
		bl_json_put_uint(o, "target_bytes", bl_pages_to_bytes(ev->d->target).n);
	else
		bl_json_put_null(o, "target_bytes");
	bl_json_put_string(o, "reason", ev->reason && ev->reason[0] ? ev->reason : NULL);
}

void bd_events_domain(struct bd_events *e, const char *type, const struct bl_dom *d, const char *reason)
{
	struct domain_event ev = { .d = d, .reason = reason };
	int priority = !strcmp(type, "stuck") || !strcmp(type, "external") ? LOG_NOTICE : LOG_INFO;
	char full[64], uuid[BL_UUID_STR], size[BL_SIZE_STR];
	const struct bd_log_field fields[] = { { "BALLOOND_EVENT", full },
					       { "BALLOOND_DOMAIN", uuid },
					       { "BALLOOND_DOMAIN_NAME", d->name },
					       { NULL, NULL } };

	(void)snprintf(full, sizeof(full), "domain.%s", type);
	bl_uuid_format(&d->uuid, uuid);
	if (bd_log_allowed(&e->limits[d->domid % GUEST_LIMITS], priority))
		bd_log_with(priority, fields, "domain %u %s with %s: %s%s%s", d->domid, d->name,
			    bl_pages_format(d->tot, size), type, reason && reason[0] ? ": " : "",
			    reason ? reason : "");
	publish(e, full, fill_domain, &ev);
}

struct bd_subscription *bd_events_subscribe(struct bd_events *e, bool replay, uint64_t since,
					    void (*wake)(void *ud), void *ud)
{
	struct bd_subscription *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct bd_subscription){ .events = e, .wake = wake, .ud = ud };
	if (!replay)
		s->next = e->last + 1;
	else if (since <= e->last)
		s->next = since + 1;
	else
		s->next = e->last < e->keep ? 1 : e->last - e->keep + 1;
	DL_APPEND2(e->subscribers, s, prev, next_one);
	return s;
}

void bd_events_unsubscribe(struct bd_subscription *s)
{
	if (!s)
		return;
	DL_DELETE2(s->events->subscribers, s, prev, next_one);
	free(s);
}

static const char *lost(struct bd_events *e, uint64_t seq, uint64_t n, size_t *ret_len)
{
	const char *line;

	begin(e, seq, "daemon.lost");
	bl_json_put_uint(e->out, "lost", n);
	return bl_rpc_event_end(e->out, &line, ret_len) == 0 ? line : NULL;
}

const char *bd_events_next(struct bd_subscription *s, size_t *ret_len)
{
	struct bd_events *e = s->events;
	uint64_t oldest = e->last < e->keep ? 1 : e->last - e->keep + 1;
	uint64_t from = s->next, at = from > oldest ? from : oldest;
	const char *line;

	while (at <= e->last && !e->ring[at % e->keep].line)
		at++;
	if (at > from) {
		line = lost(e, at - 1, at - from, ret_len);
		if (line)
			s->next = at;
		return line;
	}
	if (at > e->last)
		return NULL;
	s->next = at + 1;
	*ret_len = e->ring[at % e->keep].len;
	return e->ring[at % e->keep].line;
}

uint64_t bd_events_last(const struct bd_events *e)
{
	return e->last;
}
