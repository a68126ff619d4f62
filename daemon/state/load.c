/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the files that the state folders have at the start. */
#define HASH_NONFATAL_OOM 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/atomic-file.h"
#include "daemon/base/log.h"
#include "daemon/state/file.h"
#include "daemon/state/internal.h"

/* Takes the content of a file. -EINVAL: the file is to be set aside; -ENOTSUP: it is a newer
 * balloond's; *err has the reason. */
struct load;
typedef int (*take_file)(struct load *l, const bl_uuid *name, const char *text, size_t len,
			 struct bl_err *err);

struct load {
	struct bd_state *s;
	struct bl_ledger *ledger;
	struct bl_settings *settings;
	struct bd_state_claim *claims;
	size_t n_claims;
	const struct bd_place *place;
	struct bl_err *reterr;
};

static void keep(struct load *l, const char *name, const char *why)
{
	struct bd_state *s = l->s;

	bd_log(LOG_WARNING, "%s/%s was written by a newer balloond and is left as it is%s%s", l->place->path,
	       name, why[0] ? ": " : "", why);
	if (!s->n_kept++)
		snprintf(s->kept_example, sizeof(s->kept_example), "%.400s/%.64s", l->place->path, name);
}

static int load_entry(struct load *l, const char *name, take_file take)
{
	char text[BD_STATE_FILE_MAX];
	struct bl_err err = { .msg = "not a file of its kind" };
	bl_uuid uuid;
	ssize_t n;
	int r;

	if (bd_state_passes_over(l->place, name))
		return 0;
	n = bd_state_read(l->place, name, text, sizeof(text));
	if (n < 0 && n != -EINVAL)
		return bd_state_fail(l->place, name, (int)n, l->reterr);
	if (n < 0 || !bl_uuid_parse(name, &uuid))
		r = -EINVAL;
	else
		r = take(l, &uuid, text, (size_t)n, &err);
	if (r == -EINVAL)
		bd_state_set_aside(l->place, name, err.msg);
	else if (r == -ENOTSUP)
		keep(l, name, err.msg);
	else if (r < 0)
		return bd_state_fail(l->place, name, r, l->reterr);
	return 0;
}

static int load_folder(struct load *l, enum bd_state_kind kind, take_file take)
{
	struct dirent **list = NULL;
	int n, r = 0;

	l->place = &l->s->places[kind];
	if (l->place->fd < 0)
		return 0;
	n = bd_state_list(l->place, &list, l->reterr);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = load_entry(l, list[i]->d_name, take);
		free(list[i]);
	}
	free(list);
	return n < 0 ? n : r;
}

static struct bd_state_entry *add_entry_of_file(struct bd_state *s, enum bd_state_kind kind,
						const bl_uuid *id)
{
	struct bd_state_entry *e = bd_state_entry(s, kind, id);

	if (e)
		e->wanted = e->on_disk = true;
	return e;
}

static int add_claim(struct load *l, const struct bd_state_claim *one, struct bl_err *err)
{
	struct bd_state_claim *all;

	for (size_t i = 0; i < l->n_claims; i++)
		if (bl_uuid_equal(&l->claims[i].claim.handle, &one->claim.handle))
			return bl_err_set(err, EINVAL, BL_ERR_BACKEND,
					  "its handle is that of another claim");
	all = reallocarray(l->claims, l->n_claims + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	all[l->n_claims++] = *one;
	l->claims = all;
	return 0;
}

/* Takes the record of a claim by a newer balloond: the claim keeps its place, its holder and its
 * part of the pool, as far as its record tells of them. */
static int take_newer(struct load *l, const bl_uuid *name, struct bd_state_claim *one, int sound,
		      struct bl_err *err)
{
	struct bd_state_entry *e = add_entry_of_file(l->s, BD_STATE_CLAIM, name);

	if (!e)
		return -ENOMEM;
	e->kept = true;
	if (sound == 0 && !bl_uuid_equal(&one->boot, &l->s->boot))
		return -ENOTSUP;
	one->claim.foreign = true;
	if (sound < 0 || !bl_uuid_equal(name, &one->claim.id) || add_claim(l, one, err) < 0)
		l->s->unknown_claims = true;
	return -ENOTSUP;
}

static int take_claim(struct load *l, const bl_uuid *name, const char *text, size_t len, struct bl_err *err)
{
	struct bd_state_claim one;
	char file[BL_UUID_STR];
	bool newer = false;
	int r = bd_state_claim_read(text, len, &one, &newer, err);

	if (newer)
		return take_newer(l, name, &one, r, err);
	if (r < 0)
		return r;
	if (!bl_uuid_equal(name, &one.claim.id))
		return bl_err_set(err, EINVAL, BL_ERR_BACKEND, "its id is not its name");
	/* The last boot's claims ended with that boot; a claim that is over was about to be
	 * removed. */
	if (!bl_uuid_equal(&one.boot, &l->s->boot) || !bl_claim_live(&one.claim)) {
		bl_uuid_format(name, file);
		r = bd_atomic_file_remove(l->place->fd, file);
		if (r < 0)
			bd_log(LOG_WARNING, "%s/%s, of a claim that is over, cannot be removed: %s",
			       l->place->path, file, strerror(-r));
		return 0;
	}
	r = add_claim(l, &one, err);
	return r < 0 ? r : add_entry_of_file(l->s, BD_STATE_CLAIM, name) ? 0 : -ENOMEM;
}

static int take_dom(struct load *l, const bl_uuid *name, const char *text, size_t len, struct bl_err *err)
{
	struct bl_dom_record one = { .dirty = false }, *m;
	bool newer = false;
	int r = bd_state_dom_read(text, len, &one, &newer, err);
	struct bd_state_entry *e;

	if (r < 0 && !newer)
		return r;
	if (r == 0 && !bl_uuid_equal(name, &one.uuid))
		return bl_err_set(err, EINVAL, BL_ERR_BACKEND, "its uuid is not its name");
	e = add_entry_of_file(l->s, BD_STATE_DOMAIN, name);
	m = e ? bl_settings_remember(l->settings, name) : NULL;
	if (!m)
		return -ENOMEM;
	e->kept = newer;
	if (r < 0) {
		/* Nobody knows which limits this guest has: nothing is done to it. */
		m->set.has_mode = true;
		m->set.mode = BL_MODE_IGNORE;
		m->stays = m->set;
		m->persist = m->on_disk = true;
	} else {
		m->base = one.base;
		m->base_from = one.base_from;
		m->run = one.run;
		m->external = one.external;
		m->set = m->stays = one.set;
		m->persist = m->on_disk = true;
	}
	return newer ? -ENOTSUP : 0;
}

static int by_order(const void *a, const void *b)
{
	const struct bd_state_claim *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static int add_to_ledger(struct load *l)
{
	struct bd_state *s = l->s;

	if (l->n_claims)
		qsort(l->claims, l->n_claims, sizeof(*l->claims), by_order);
	for (size_t i = 0; i < l->n_claims; i++) {
		struct bl_claim *c = &l->claims[i].claim;
		struct bd_state_entry *e = bd_state_entry(s, BD_STATE_CLAIM, &c->id);

		if (!e || !bl_ledger_add(l->ledger, c))
			return -ENOMEM;
		e->order = l->claims[i].order;
		if (e->order >= s->next_order)
			s->next_order = e->order + 1;
	}
	return 0;
}

/* Finds out before the first claim whether a folder that can be read can be written as well. */
static void probe(struct bd_state *s)
{
	for (size_t k = 0; k < BD_STATE_KINDS; k++)
		if (s->places[k].fd >= 0)
			s->failing[k] = bd_atomic_file_probe_folder(s->places[k].fd);
}

int bd_state_load(struct bd_state *s, const bl_uuid *boot, struct bl_ledger *ledger,
		  struct bl_settings *settings, bool *ret_paused, struct bl_err *reterr)
{
	struct load l = { .s = s, .ledger = ledger, .settings = settings, .reterr = reterr };
	int root = s->places[BD_STATE_PAUSED].fd, paused, r;

	s->boot = *boot;
	r = bd_state_move_claims(s, reterr);
	r = r < 0 ? r : load_folder(&l, BD_STATE_CLAIM, take_claim);
	r = r < 0 ? r : load_folder(&l, BD_STATE_DOMAIN, take_dom);
	if (r == 0 && add_to_ledger(&l) < 0)
		r = bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	free(l.claims);
	if (r < 0)
		return r;
	if (root >= 0)
		(void)unlinkat(root, "paused" BD_ATOMIC_FILE_TMP, 0);
	paused = root >= 0 ? bd_state_is_there(&s->places[BD_STATE_PAUSED], "paused", reterr) : 0;
	if (paused < 0)
		return paused;
	if (paused && !add_entry_of_file(s, BD_STATE_PAUSED, NULL))
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	probe(s);
	*ret_paused = paused;
	return 0;
}
