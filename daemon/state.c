/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uthash must not end the process when memory is out. */
#define HASH_NONFATAL_OOM 1
#include "daemon/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/folder.h"
#include "daemon/log.h"
#include "daemon/state-file.h"

#define BAD ".bad"
#define PAUSED "paused"

/* Each claim's place in the queue: times alone do not tell two of one
 * millisecond apart. */
struct order {
	bl_uuid id;
	uint64_t order;
	bool drop; /* the claim has ended and its file could not be removed yet */
	UT_hash_handle hh;
};

struct bd_state {
	int dir, claims, domains, lock;
	char *path;
	bl_uuid boot;
	struct order *orders;
	uint64_t next_order;
	struct bl_json_out *out;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void bd_state_close(struct bd_state *s)
{
	struct order *o, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->orders, o, next) {
		HASH_DEL(s->orders, o);
		free(o);
	}
	close_fd(s->claims);
	close_fd(s->domains);
	close_fd(s->dir);
	close_fd(s->lock);
	bl_json_out_free(s->out);
	free(s->path);
	free(s);
}

static int open_all(struct bd_state *s, const char *dir)
{
	if ((s->dir = bd_folder_open(AT_FDCWD, dir)) < 0)
		return s->dir;
	s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return -errno;
	if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if ((s->claims = bd_folder_open(s->dir, "claims")) < 0)
		return s->claims;
	if ((s->domains = bd_folder_open(s->dir, "domains")) < 0)
		return s->domains;
	return fsync(s->dir) < 0 ? -errno : 0;
}

int bd_state_open(const char *dir, struct bd_state **ret, struct bl_err *reterr)
{
	struct bd_state *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	s->dir = s->claims = s->domains = s->lock = -1;
	s->path = strdup(dir);
	s->out = bl_json_out_new();
	r = s->path && s->out ? open_all(s, dir) : -ENOMEM;
	if (r == 0) {
		*ret = s;
		return 0;
	}
	bd_state_close(s);
	return bl_err_set(reterr, -r, BL_ERR_BACKEND, "state folder %s: %s", dir,
			  r == -EBUSY ? "another balloond has it" : strerror(-r));
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s), b = strlen(end);

	return a >= b && !strcmp(s + a - b, end);
}

static void set_aside(struct bd_state *s, int dir, const char *folder, const char *name,
		      const char *why)
{
	char bad[NAME_MAX + sizeof(BAD)];

	(void)snprintf(bad, sizeof(bad), "%s" BAD, name);
	bd_log(LOG_WARNING, "%s/%s/%s is not what balloond wrote and was set aside as %s: %s",
	       s->path, folder, name, bad, why);
	if (renameat(dir, name, dir, bad) < 0)
		bd_log(LOG_WARNING, "%s/%s/%s: %s", s->path, folder, bad, strerror(errno));
}

/* What one file holds, into the load; -EINVAL: set it aside, *err says why. */
struct load;
typedef int (*take_file)(struct load *l, const bl_uuid *name, const char *text, size_t len,
			 struct bl_err *err);

struct load {
	struct bd_state *s;
	struct bl_ledger *ledger;
	struct bl_settings *settings;
	struct bd_state_claim *claims;
	size_t n_claims;
};

static int load_entry(struct load *l, int dir, const char *folder, const char *name,
		      take_file take)
{
	char text[BD_STATE_FILE_MAX];
	struct bl_err err = { .msg = "not a file of its kind" };
	bl_uuid uuid;
	ssize_t n;
	int r;

	if (name[0] == '.' || ends_with(name, BAD))
		return 0;
	if (ends_with(name, BD_FOLDER_TMP))
		return bd_folder_drop(dir, name);
	n = bd_folder_read(dir, name, text, sizeof(text));
	if (n < 0 && n != -EINVAL)
		(void)snprintf(err.msg, sizeof(err.msg), "%s", strerror((int)-n));
	if (n < 0 || !bl_uuid_parse(name, &uuid))
		r = -EINVAL;
	else
		r = take(l, &uuid, text, (size_t)n, &err);
	if (r == -EINVAL) {
		set_aside(l->s, dir, folder, name, err.msg);
		return 0;
	}
	return r;
}

static int load_folder(struct load *l, int dir, const char *folder, take_file take)
{
	struct dirent **list = NULL;
	int n = scandirat(dir, ".", &list, NULL, alphasort), r = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = load_entry(l, dir, folder, list[i]->d_name, take);
		free(list[i]);
	}
	free(list);
	return r;
}

static int take_claim(struct load *l, const bl_uuid *name, const char *text, size_t len,
		      struct bl_err *err)
{
	struct bd_state_claim *all, one;
	char file[BL_UUID_STR];
	int r = bd_state_claim_read(text, len, &one, err);

	if (r < 0)
		return r;
	if (!bl_uuid_equal(name, &one.claim.id))
		return bl_err_set(err, EINVAL, BL_ERR_BACKEND, "its id is not its name");
	/* What the last boot's claims held went with that boot; one that had
	 * ended was about to be removed. */
	if (!bl_uuid_equal(&one.boot, &l->s->boot) || !bl_claim_live(&one.claim)) {
		bl_uuid_format(name, file);
		return bd_folder_drop(l->s->claims, file);
	}
	for (size_t i = 0; i < l->n_claims; i++)
		if (bl_uuid_equal(&l->claims[i].claim.handle, &one.claim.handle))
			return bl_err_set(err, EINVAL, BL_ERR_BACKEND,
					  "its handle is that of another claim");
	all = reallocarray(l->claims, l->n_claims + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	all[l->n_claims++] = one;
	l->claims = all;
	return 0;
}

static int take_memory(struct load *l, const bl_uuid *name, const char *text, size_t len,
		       struct bl_err *err)
{
	struct bl_dom_memory one, *m;
	int r = bd_state_memory_read(text, len, &one, err);

	if (r < 0)
		return r;
	if (!bl_uuid_equal(name, &one.uuid))
		return bl_err_set(err, EINVAL, BL_ERR_BACKEND, "its uuid is not its name");
	m = bl_settings_remember(l->settings, name);
	if (!m)
		return -ENOMEM;
	m->base = one.base;
	m->base_from = one.base_from;
	m->run = one.run;
	m->external = one.external;
	m->set = one.set;
	m->persist = m->on_disk = true;
	return 0;
}

static int remember_order(struct bd_state *s, const bl_uuid *id, uint64_t order)
{
	struct order *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->id = *id;
	o->order = order;
	HASH_ADD(hh, s->orders, id, sizeof(o->id), o);
	if (!o->hh.tbl) {
		free(o);
		return -ENOMEM;
	}
	if (order >= s->next_order)
		s->next_order = order + 1;
	return 0;
}

static int by_order(const void *a, const void *b)
{
	const struct bd_state_claim *x = a, *y = b;

	return x->order < y->order ? -1 : x->order > y->order;
}

int bd_state_load(struct bd_state *s, const bl_uuid *boot, struct bl_ledger *ledger,
		  struct bl_settings *settings, bool *ret_paused, struct bl_err *reterr)
{
	struct load l = { .s = s, .ledger = ledger, .settings = settings };
	int r;

	s->boot = *boot;
	(void)unlinkat(s->dir, PAUSED BD_FOLDER_TMP, 0);
	r = load_folder(&l, s->claims, "claims", take_claim);
	if (r == 0)
		r = load_folder(&l, s->domains, "domains", take_memory);
	if (r == 0 && l.n_claims)
		qsort(l.claims, l.n_claims, sizeof(*l.claims), by_order);
	for (size_t i = 0; r == 0 && i < l.n_claims; i++) {
		r = remember_order(s, &l.claims[i].claim.id, l.claims[i].order);
		if (r == 0 && !bl_ledger_add(ledger, &l.claims[i].claim))
			r = -ENOMEM;
	}
	free(l.claims);
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "state folder %s: %s", s->path,
				  strerror(-r));
	*ret_paused = faccessat(s->dir, PAUSED, F_OK, 0) == 0;
	return 0;
}

static int save_out(struct bd_state *s, int dir, const bl_uuid *name)
{
	char file[BL_UUID_STR];
	const char *text;
	size_t len;
	int r = bl_json_out_end_line(s->out, &text, &len);

	if (r < 0)
		return r;
	bl_uuid_format(name, file);
	return bd_folder_write(dir, file, text, len);
}

static struct order *find_order(const struct bd_state *s, const bl_uuid *id)
{
	struct order *o = NULL;

	if (s->orders)
		HASH_FIND(hh, s->orders, id, sizeof(*id), o);
	return o;
}

static void forget_order(struct bd_state *s, struct order *o)
{
	if (!o)
		return;
	HASH_DEL(s->orders, o);
	free(o);
}

int bd_state_save_claim(struct bd_state *s, const struct bl_claim *c)
{
	struct order *o = find_order(s, &c->id);
	int r;

	if (!o) {
		r = remember_order(s, &c->id, s->next_order);
		if (r < 0)
			return r;
		o = find_order(s, &c->id);
	}
	/* A new claim under the id of an ended one, whose file is still there. */
	if (o->drop) {
		o->drop = false;
		o->order = s->next_order++;
	}
	bd_state_claim_write(s->out, c, &s->boot, o->order);
	return save_out(s, s->claims, &c->id);
}

int bd_state_drop_claim(struct bd_state *s, const bl_uuid *id)
{
	char file[BL_UUID_STR];
	int r;

	bl_uuid_format(id, file);
	r = bd_folder_drop(s->claims, file);
	if (r == 0)
		forget_order(s, find_order(s, id));
	return r;
}

void bd_state_drop_claim_later(struct bd_state *s, const bl_uuid *id)
{
	struct order *o = find_order(s, id);

	if (o)
		o->drop = true;
}

int bd_state_retry(struct bd_state *s)
{
	struct order *o, *next;
	int r = 0;

	HASH_ITER(hh, s->orders, o, next) {
		int one = o->drop ? bd_state_drop_claim(s, &o->id) : 0;

		r = one < 0 ? one : r;
	}
	return r;
}

int bd_state_save_memory(struct bd_state *s, const struct bl_dom_memory *m)
{
	char file[BL_UUID_STR], text[BD_STATE_FILE_MAX];
	struct bl_dom_memory old = { 0 };
	ssize_t n;

	bl_uuid_format(&m->uuid, file);
	if (!m->persist) {
		/* What was set for this run alone must not replace what was
		 * set to stay. */
		n = bd_folder_read(s->domains, file, text, sizeof(text));
		if (n < 0 || bd_state_memory_read(text, (size_t)n, &old, NULL) < 0)
			old.set = (struct bl_override){ 0 };
	}
	bd_state_memory_write(s->out, m, m->persist ? &m->set : &old.set);
	return save_out(s, s->domains, &m->uuid);
}

int bd_state_drop_memory(struct bd_state *s, const bl_uuid *uuid)
{
	char file[BL_UUID_STR];

	bl_uuid_format(uuid, file);
	return bd_folder_drop(s->domains, file);
}

int bd_state_set_paused(struct bd_state *s, bool paused)
{
	return paused ? bd_folder_write(s->dir, PAUSED, "paused\n", 7) : bd_folder_drop(s->dir, PAUSED);
}
