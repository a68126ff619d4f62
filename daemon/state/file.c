/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/state/file.h"

#include <errno.h>
#include <string.h>

#define FORMAT 1
/* 4 PiB, what 52 bits of address reach, the most that x86-64 has. The sum of all claims there can
 * be does not wrap. The manager checks whether this host has as much. */
#define PAGES_MAX ((int64_t)BL_HOST_PAGES_MAX)

static void put_time(struct bl_json_out *o, const char *key, bl_ms t)
{
	if (t.n > INT64_MAX)
		bl_json_put_null(o, key); /* never */
	else
		bl_json_put_uint(o, key, t.n);
}

/* A reader that remembers the first wrong member. */
struct reader {
	const struct bl_json *object;
	const char *wrong;
};

static const struct bl_json *member(struct reader *r, const char *key, enum bl_json_type type)
{
	const struct bl_json *v = bl_json_get(r->object, key);

	if (v && bl_json_type(v) == type)
		return v;
	if (!r->wrong)
		r->wrong = key;
	return NULL;
}

static int64_t get_int(struct reader *r, const char *key, int64_t min, int64_t max)
{
	const struct bl_json *v = member(r, key, BL_JSON_INT);

	if (v && bl_json_int(v) >= min && bl_json_int(v) <= max)
		return bl_json_int(v);
	if (!r->wrong)
		r->wrong = key;
	return min;
}

/* A newer balloond may have changed anything, so the caller still takes what this one
 * understands. */
static void get_format(struct reader *r, bool *ret_newer)
{
	*ret_newer = get_int(r, "format", FORMAT, INT64_MAX) > FORMAT;
}

static bool is_null(const struct reader *r, const char *key)
{
	const struct bl_json *v = bl_json_get(r->object, key);

	return v && bl_json_type(v) == BL_JSON_NULL;
}

static bl_ms get_time(struct reader *r, const char *key)
{
	return is_null(r, key) ? BL_MS_NEVER : BL_MS(get_int(r, key, 0, INT64_MAX));
}

static bl_pages get_pages(struct reader *r, const char *key, int64_t min)
{
	return BL_PAGES(get_int(r, key, min, PAGES_MAX));
}

static bool get_bool(struct reader *r, const char *key)
{
	const struct bl_json *v = member(r, key, BL_JSON_BOOL);

	return v && bl_json_bool(v);
}

/* A member that was added later: false if it is missing. */
static bool get_flag(struct reader *r, const char *key)
{
	return bl_json_get(r->object, key) && get_bool(r, key);
}

/* "" if the member is wrong. */
static const char *get_text(struct reader *r, const char *key, size_t max)
{
	const struct bl_json *v = member(r, key, BL_JSON_STRING);
	size_t len = 0;
	const char *s = v ? bl_json_string(v, &len) : "";

	if (len <= max && bl_text_clean(s, len))
		return s;
	if (!r->wrong)
		r->wrong = key;
	return "";
}

static void get_uuid(struct reader *r, const char *key, bl_uuid *ret)
{
	if (!bl_uuid_parse(get_text(r, key, BL_UUID_STR - 1), ret) && !r->wrong)
		r->wrong = key;
}

void bd_state_claim_write(struct bl_json_out *o, const struct bl_claim *c, const bl_uuid *boot,
			  uint64_t order)
{
	bl_json_out_clear(o);
	bl_json_object(o, NULL);
	bl_json_put_int(o, "format", FORMAT);
	bl_json_put_uuid(o, "boot", boot);
	bl_json_put_uint(o, "order", order);
	bl_json_put_uuid(o, "id", &c->id);
	bl_json_put_uuid(o, "handle", &c->handle);
	bl_json_put_string(o, "state", bl_claim_state_name(c->state));
	bl_json_put_string(o, "name", c->name);
	bl_json_put_uuid(o, "uuid", c->has_uuid ? &c->uuid : NULL);
	bl_json_put_uint(o, "size_pages", c->size.n);
	bl_json_put_uint(o, "min_pages", c->min.n);
	bl_json_put_uint(o, "overhead_pages", c->overhead.n);
	bl_json_put_int(o, "node", c->node);
	bl_json_put_bool(o, "queue", c->queue);
	put_time(o, "created_ms", c->created);
	bl_json_put_uint(o, "created_wall_seconds", c->created_wall);
	put_time(o, "wait_until_ms", c->wait_until);
	bl_json_put_uint(o, "patience_ms", c->patience.n);
	put_time(o, "ttl_ms", c->ttl);
	put_time(o, "expires_ms", c->expires);
	bl_json_put_uint(o, "pooled_pages", c->pooled.n);
	bl_json_put_int(o, "domid", c->domid == BL_DOMID_NONE ? -1 : (int64_t)c->domid);
	bl_json_put_bool(o, "reboot", c->reboot);
	bl_json_put_uint(o, "after", c->after);
	bl_json_put_bool(o, "hooked", c->hooked);
	bl_json_put_bool(o, "by_handoff", c->by_handoff);
	bl_json_put_bool(o, "let_go", c->let_go);
	if (bl_claim_ends(c))
		bl_json_put_string(o, "ends", bl_claim_state_name(c->ends));
	bl_json_put_string(o, "reason", c->reason);
	bl_json_object_end(o);
}

/* How a claim that was being given back is to end; added later. */
static void read_ends(struct reader *r, struct bl_claim *c)
{
	if (!bl_json_get(r->object, "ends"))
		return;
	if ((!bl_claim_state_parse(get_text(r, "ends", 32), &c->ends) || !bl_claim_ends(c)) && !r->wrong)
		r->wrong = "ends";
}

static void read_claim(struct reader *r, struct bd_state_claim *s)
{
	struct bl_claim *c = &s->claim;
	int64_t domid;

	get_uuid(r, "boot", &s->boot);
	s->order = (uint64_t)get_int(r, "order", 0, INT64_MAX / 2);
	get_uuid(r, "id", &c->id);
	get_uuid(r, "handle", &c->handle);
	if (!r->wrong && !bl_handle_is_ours(&c->handle))
		r->wrong = "handle";
	if (!bl_claim_state_parse(get_text(r, "state", 32), &c->state) && !r->wrong)
		r->wrong = "state";
	strcpy(c->name, get_text(r, "name", BL_NAME_MAX));
	c->has_uuid = !is_null(r, "uuid");
	if (c->has_uuid)
		get_uuid(r, "uuid", &c->uuid);
	c->size = get_pages(r, "size_pages", 1);
	c->min = get_pages(r, "min_pages", 1);
	if (c->min.n > c->size.n && !r->wrong)
		r->wrong = "min_pages";
	c->overhead = get_pages(r, "overhead_pages", 0);
	c->node = (int)get_int(r, "node", -1, BL_NODES_MAX - 1);
	c->queue = get_bool(r, "queue");
	c->created = get_time(r, "created_ms");
	c->created_wall = (uint64_t)get_int(r, "created_wall_seconds", 0, INT64_MAX);
	c->wait_until = get_time(r, "wait_until_ms");
	if (bl_json_get(r->object, "patience_ms")) /* added later */
		c->patience = BL_MS(get_int(r, "patience_ms", 0, INT64_MAX));
	c->ttl = get_time(r, "ttl_ms");
	c->expires = get_time(r, "expires_ms");
	if (bl_json_get(r->object, "pooled_pages")) /* added later */
		c->pooled = get_pages(r, "pooled_pages", 0);
	domid = get_int(r, "domid", -1, BL_DOMID_NONE - 1);
	c->domid = domid < 0 ? BL_DOMID_NONE : (uint32_t)domid;
	/* A record of a claim for a domain that is being built always has the domid. */
	if (c->state == BL_CLAIM_BUILDING && domid < 0 && !r->wrong)
		r->wrong = "domid";
	c->reboot = get_flag(r, "reboot");
	if (bl_json_get(r->object, "after"))
		c->after = (uint32_t)get_int(r, "after", 0, BL_DOMID_NONE - 1);
	c->hooked = get_flag(r, "hooked");
	c->by_handoff = get_flag(r, "by_handoff");
	c->let_go = get_flag(r, "let_go");
	read_ends(r, c);
	strcpy(c->reason, get_text(r, "reason", BL_CLAIM_REASON_MAX - 1));
}

static int parse_object(const char *text, size_t len, struct bl_json **ret, struct bl_err *reterr)
{
	struct bl_json *root;
	int r = bl_json_parse(text, len, &root, reterr);

	if (r < 0)
		return r;
	if (bl_json_type(root) != BL_JSON_OBJECT) {
		bl_json_free(root);
		return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND, "no object");
	}
	*ret = root;
	return 0;
}

static int finish(struct reader *r, struct bl_json *root, struct bl_err *reterr)
{
	bl_json_free(root);
	if (!r->wrong)
		return 0;
	return bl_err_set(reterr, EINVAL, BL_ERR_BACKEND, "\"%s\" is missing or makes no sense", r->wrong);
}

int bd_state_claim_read(const char *text, size_t len, struct bd_state_claim *ret, bool *ret_newer,
			struct bl_err *reterr)
{
	struct bd_state_claim s = { .claim = { .holder = BL_DOMID_NONE, .eta = BL_MS_NEVER } };
	struct bl_json *root;
	struct reader reader = { 0 };
	int r = parse_object(text, len, &root, reterr);

	if (r < 0)
		return r;
	reader.object = root;
	get_format(&reader, ret_newer);
	read_claim(&reader, &s);
	r = finish(&reader, root, reterr);
	if (r == 0)
		*ret = s;
	return r;
}

static void put_run(struct bl_json_out *o, const struct bl_dom_record *m)
{
	if (!m->run.known)
		return;
	bl_json_put_uuid(o, "boot", &m->run.boot);
	bl_json_put_uint(o, "domid", m->run.domid);
	bl_json_put_string(o, "end", bl_run_end_name(m->run.end));
	put_time(o, "ended_ms", m->run.ended);
	bl_json_put_uint(o, "lived_at_pages", m->run.lived_at.n);
	bl_json_put_string(o, "base_from", bl_base_from_name(m->base_from));
}

void bd_state_dom_write(struct bl_json_out *o, const struct bl_dom_record *m, const struct bl_override *set)
{
	bl_json_out_clear(o);
	bl_json_object(o, NULL);
	bl_json_put_int(o, "format", FORMAT);
	bl_json_put_uuid(o, "uuid", &m->uuid);
	bl_json_put_uint(o, "base_pages", m->base.n);
	bl_json_put_bool(o, "external", m->external);
	put_run(o, m);
	bl_json_object(o, "set");
	if (set->has_mode)
		bl_json_put_string(o, "mode", bl_mode_name(set->mode));
	if (set->has_min && set->min.is_percent)
		bl_json_put_uint(o, "min_percent", set->min.percent);
	else if (set->has_min)
		bl_json_put_uint(o, "min_pages", set->min.pages.n);
	if (set->has_max)
		bl_json_put_uint(o, "max_pages", set->max.n);
	if (set->has_weight)
		bl_json_put_uint(o, "weight", set->weight);
	bl_json_object_end(o);
	bl_json_object_end(o);
}

typedef const char *name_of(unsigned value);

static const char *mode_name(unsigned value)
{
	return bl_mode_name((enum bl_mode)value);
}

static const char *end_name(unsigned value)
{
	return bl_run_end_name((enum bl_run_end)value);
}

static const char *from_name(unsigned value)
{
	return bl_base_from_name((enum bl_base_from)value);
}

/* The one of n values whose name the member has. */
static unsigned get_named(struct reader *r, const char *key, name_of *name, unsigned n)
{
	const char *text = get_text(r, key, 32);

	for (unsigned i = 0; i < n; i++)
		if (!strcmp(text, name(i)))
			return i;
	if (!r->wrong)
		r->wrong = key;
	return 0;
}

/* Added later: files of an older balloond have no run. */
static void read_run(struct reader *r, struct bl_dom_record *m)
{
	if (!bl_json_get(r->object, "boot"))
		return;
	m->run.known = true;
	get_uuid(r, "boot", &m->run.boot);
	m->run.domid = (uint32_t)get_int(r, "domid", 0, BL_DOMID_NONE - 1);
	m->run.end = (enum bl_run_end)get_named(r, "end", end_name, BL_RUN_ENDS);
	m->run.ended = get_time(r, "ended_ms");
	m->run.lived_at = get_pages(r, "lived_at_pages", 0);
	m->base_from = (enum bl_base_from)get_named(r, "base_from", from_name, BL_BASE_FROMS);
}

static void read_set(struct reader *r, struct bl_override *set)
{
	set->has_mode = bl_json_get(r->object, "mode") != NULL;
	if (set->has_mode)
		set->mode = (enum bl_mode)get_named(r, "mode", mode_name, BL_MODES);
	set->has_min = true;
	if (bl_json_get(r->object, "min_percent")) {
		set->min.is_percent = true;
		set->min.percent = (uint32_t)get_int(r, "min_percent", 0, 100);
	} else if (bl_json_get(r->object, "min_pages")) {
		set->min.pages = get_pages(r, "min_pages", 0);
	} else {
		set->has_min = false;
	}
	set->has_max = bl_json_get(r->object, "max_pages") != NULL;
	if (set->has_max)
		set->max = get_pages(r, "max_pages", 0);
	set->has_weight = bl_json_get(r->object, "weight") != NULL;
	if (set->has_weight)
		set->weight = (uint32_t)get_int(r, "weight", 1, BL_WEIGHT_MAX);
}

static size_t count_set(const struct bl_override *set)
{
	return (size_t)set->has_mode + set->has_min + set->has_max + set->has_weight;
}

int bd_state_dom_read(const char *text, size_t len, struct bl_dom_record *ret, bool *ret_newer,
		      struct bl_err *reterr)
{
	struct bl_dom_record m = { 0 };
	struct bl_json *root;
	struct reader reader = { 0 };
	int r = parse_object(text, len, &root, reterr);

	if (r < 0)
		return r;
	reader.object = root;
	get_format(&reader, ret_newer);
	get_uuid(&reader, "uuid", &m.uuid);
	m.base = get_pages(&reader, "base_pages", 0);
	m.external = get_bool(&reader, "external");
	read_run(&reader, &m);
	reader.object = member(&reader, "set", BL_JSON_OBJECT);
	if (reader.object)
		read_set(&reader, &m.set);
	/* Of a newer one: with a limit that nobody here knows. */
	if (*ret_newer && !reader.wrong && bl_json_count(reader.object) > count_set(&m.set))
		reader.wrong = "set";
	r = finish(&reader, root, reterr);
	if (r < 0)
		return r;
	ret->uuid = m.uuid;
	ret->base = m.base;
	ret->base_from = m.base_from;
	ret->run = m.run;
	ret->external = m.external;
	ret->set = m.set;
	return 0;
}
