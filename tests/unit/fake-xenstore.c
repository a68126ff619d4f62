/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

/* Every request: waits while stalled; leaves the lock held when true. */
static bool begin(const struct xs_handle *h)
{
	pthread_mutex_lock(&fake_store.lock);
	while (fake_store.stalled)
		pthread_cond_wait(&fake_store.moved, &fake_store.lock);
	if (!h->broken)
		return true;
	pthread_mutex_unlock(&fake_store.lock);
	errno = EBADF;
	return false;
}

static bool end(int error)
{
	pthread_mutex_unlock(&fake_store.lock);
	errno = error;
	return error == 0;
}

struct xs_handle *xs_open(unsigned long flags)
{
	struct xs_handle *h;

	bool refused;

	(void)flags;
	pthread_mutex_lock(&fake_store.lock);
	refused = fake_store.refused;
	pthread_mutex_unlock(&fake_store.lock);
	if (refused) {
		errno = ECONNREFUSED;
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	assert(h && pipe(h->pipe) == 0);
	h->last = &h->first;
	pthread_mutex_lock(&fake_store.lock);
	fake_store.handle = h;
	pthread_mutex_unlock(&fake_store.lock);
	return h;
}

void xs_close(struct xs_handle *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&fake_store.lock);
	store_drop_watches(h);
	fake_store.handle = NULL;
	pthread_mutex_unlock(&fake_store.lock);
	while (h->first) {
		struct event *e = h->first;

		h->first = e->next;
		free(e->path);
		free(e->token);
		free(e);
	}
	close(h->pipe[0]);
	close(h->pipe[1]);
	free(h);
}

int xs_fileno(struct xs_handle *h)
{
	return h->pipe[0];
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
	struct node *n;
	char *value = NULL;

	if (!begin(h))
		return NULL;
	n = store_find(path);
	if (n && n->value) {
		value = strdup(n->value);
		*len = (unsigned)strlen(value);
	}
	if (t != XBT_NULL) {
		assert(fake_store.n_reads < sizeof(fake_store.reads) / sizeof(*fake_store.reads));
		fake_store.reads[fake_store.n_reads].path = strdup(path);
		fake_store.reads[fake_store.n_reads++].value = value ? strdup(value) : NULL;
	}
	if (fake_store.overtake_path && strcmp(fake_store.overtake_path, path) == 0)
		store_overtaken();
	end(value ? 0 : ENOENT);
	return value;
}

static void put(const char *path, const char *value)
{
	struct node *n;
	char *all;

	if (fake_store_on_write)
		fake_store_on_write(path, value);
	store_put(path, value);
	n = store_find(path);
	if (asprintf(&all, "%s%s\n", n->written ? n->written : "", value) < 0)
		abort();
	free(n->written);
	n->written = all;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data, unsigned len)
{
	char *value;

	if (!begin(h))
		return false;
	if (fake_store.denied)
		return end(EACCES);
	value = strndup(data, len);
	if (t != XBT_NULL) {
		assert(!fake_store.change_path);
		fake_store.change_path = strdup(path);
		fake_store.change_value = value;
		return end(0);
	}
	put(path, value);
	free(value);
	return end(0);
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	if (!begin(h))
		return XBT_NULL;
	assert(!fake_store.in_transaction);
	fake_store.in_transaction = true;
	end(0);
	return 1;
}

static void remove_below(const char *path)
{
	for (struct node *n = fake_store.nodes; n; n = n->next) {
		if (n->value && store_below(n->path, path)) {
			free(n->value);
			n->value = NULL;
			store_fire(n->path);
		}
	}
}

/* What was read is still so. */
static bool all_same(void)
{
	bool same = true;

	for (unsigned i = 0; i < fake_store.n_reads; i++) {
		const struct node *n = store_find(fake_store.reads[i].path);
		const char *now = n ? n->value : NULL, *then = fake_store.reads[i].value;

		same &= now && then ? !strcmp(now, then) : !now && !then;
	}
	return same;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	bool same;

	assert(t == 1);
	if (!begin(h))
		return false;
	same = all_same();
	if (!abort && same && fake_store.change_value)
		put(fake_store.change_path, fake_store.change_value);
	else if (!abort && same && fake_store.change_path)
		remove_below(fake_store.change_path);
	store_forget_transaction();
	return end(abort || same ? 0 : EAGAIN);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	if (!begin(h))
		return false;
	if (t != XBT_NULL)
		fake_store.change_path = strdup(path);
	else
		remove_below(path);
	return end(0);
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	struct watch *w;

	if (!begin(h))
		return false;
	w = calloc(1, sizeof(*w));
	assert(w);
	w->h = h;
	w->path = strdup(path);
	w->token = strdup(token);
	w->next = fake_store.watches;
	fake_store.watches = w;
	store_push_event(w, path);
	return end(0);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	if (!begin(h))
		return false;
	for (struct watch **w = &fake_store.watches; *w; w = &(*w)->next) {
		struct watch *gone = *w;

		if (strcmp(gone->path, path) == 0 && strcmp(gone->token, token) == 0) {
			*w = gone->next;
			free(gone->path);
			free(gone->token);
			free(gone);
			return end(0);
		}
	}
	return end(ENOENT);
}

char **xs_check_watch(struct xs_handle *h)
{
	struct event *e;
	char **ret;
	size_t path, token;
	char c;

	pthread_mutex_lock(&fake_store.lock);
	e = h->first;
	if (!e) {
		end(h->broken ? EINVAL : EAGAIN);
		return NULL;
	}
	h->first = e->next;
	if (!h->first) {
		h->last = &h->first;
		(void)!read(h->pipe[0], &c, 1);
	}
	end(0);
	path = strlen(e->path) + 1;
	token = strlen(e->token) + 1;
	ret = malloc(2 * sizeof(*ret) + path + token);
	assert(ret);
	ret[XS_WATCH_PATH] = memcpy(ret + 2, e->path, path);
	ret[XS_WATCH_TOKEN] = memcpy((char *)(ret + 2) + path, e->token, token);
	free(e->path);
	free(e->token);
	free(e);
	return ret;
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned domid)
{
	bool yes;

	if (!begin(h))
		return false;
	yes = fake_store.introduced[domid];
	end(0);
	return yes;
}

char *xs_get_domain_path(struct xs_handle *h, unsigned domid)
{
	char *path = NULL;

	if (!begin(h))
		return NULL;
	if (asprintf(&path, "/local/domain/%u", domid) < 0)
		abort();
	end(0);
	return path;
}
