/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-xen.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

struct node {
	char *path, *value, *written;
	struct node *next;
};
struct watch {
	struct xs_handle *h;
	char *path, *token;
	struct watch *next;
};
struct event {
	char *path, *token;
	struct event *next;
};
struct xs_handle {
	bool broken;
	int pipe[2];
	struct event *first, **last;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct node *nodes;
	struct watch *watches;
	struct xs_handle *handle; /* the library's only one */
	bool introduced[65536];
	bool stalled, refused, denied;
	char *overtake_path, *overtake_value;
} st = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static struct node *find_node(const char *path)
{
	for (struct node *n = st.nodes; n; n = n->next)
		if (strcmp(n->path, path) == 0)
			return n;
	return NULL;
}

static void push_event(const struct watch *w, const char *path)
{
	struct event *e = calloc(1, sizeof(*e));

	assert(e);
	e->path = strdup(path);
	e->token = strdup(w->token);
	if (!w->h->first)
		(void)!write(w->h->pipe[1], "", 1);
	*w->h->last = e;
	w->h->last = &e->next;
}

static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static void fire(const char *path)
{
	for (struct watch *w = st.watches; w; w = w->next)
		if (below(path, w->path))
			push_event(w, path);
}

static void set_node(const char *path, const char *value)
{
	struct node *n = find_node(path);

	if (!n) {
		n = calloc(1, sizeof(*n));
		assert(n);
		n->path = strdup(path);
		n->next = st.nodes;
		st.nodes = n;
	}
	free(n->value);
	n->value = value ? strdup(value) : NULL;
	fire(path);
}

static void drop_watches(const struct xs_handle *h)
{
	for (struct watch **w = &st.watches; *w;) {
		struct watch *gone = *w;

		if (h && gone->h != h) {
			w = &gone->next;
			continue;
		}
		*w = gone->next;
		free(gone->path);
		free(gone->token);
		free(gone);
	}
}

void fake_store_reset(void)
{
	pthread_mutex_lock(&st.lock);
	while (st.nodes) {
		struct node *n = st.nodes;

		st.nodes = n->next;
		free(n->path);
		free(n->value);
		free(n->written);
		free(n);
	}
	drop_watches(NULL);
	memset(st.introduced, 0, sizeof(st.introduced));
	st.introduced[0] = true;
	st.stalled = st.refused = st.denied = false;
	free(st.overtake_path);
	free(st.overtake_value);
	st.overtake_path = st.overtake_value = NULL;
	pthread_mutex_unlock(&st.lock);
	fake_store_set("/local/domain/0/domid", "0");
	fake_store_set("/local/domain/0/name", "Domain-0");
}

void fake_store_set(const char *path, const char *value)
{
	pthread_mutex_lock(&st.lock);
	set_node(path, value);
	pthread_mutex_unlock(&st.lock);
}

void fake_store_setf(uint32_t domid, const char *key, const char *fmt, ...)
{
	char path[128], value[1024];
	va_list ap;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, key);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	fake_store_set(path, value);
}

bool fake_store_get(const char *path, char *buf, unsigned size)
{
	struct node *n;
	bool found;

	pthread_mutex_lock(&st.lock);
	n = find_node(path);
	found = n && n->value;
	if (found)
		snprintf(buf, size, "%s", n->value);
	pthread_mutex_unlock(&st.lock);
	return found;
}

bool fake_store_wrote(const char *path, const char *values)
{
	struct node *n;
	bool same;

	pthread_mutex_lock(&st.lock);
	n = find_node(path);
	same = strcmp(n && n->written ? n->written : "", values) == 0;
	pthread_mutex_unlock(&st.lock);
	return same;
}

void fake_store_overtake(const char *path, const char *value)
{
	pthread_mutex_lock(&st.lock);
	st.overtake_path = strdup(path);
	st.overtake_value = strdup(value);
	pthread_mutex_unlock(&st.lock);
}

void fake_store_introduce(uint32_t domid)
{
	pthread_mutex_lock(&st.lock);
	st.introduced[domid] = true;
	fire("@introduceDomain");
	pthread_mutex_unlock(&st.lock);
}

static void set_flag(bool *flag, bool on)
{
	pthread_mutex_lock(&st.lock);
	*flag = on;
	pthread_cond_broadcast(&st.moved);
	pthread_mutex_unlock(&st.lock);
}

void fake_store_stall(bool on)
{
	set_flag(&st.stalled, on);
}

void fake_store_refuse(bool on)
{
	set_flag(&st.refused, on);
}

void fake_store_deny_writes(bool on)
{
	set_flag(&st.denied, on);
}

void fake_store_break(void)
{
	pthread_mutex_lock(&st.lock);
	if (st.handle)
		st.handle->broken = true;
	drop_watches(NULL);
	pthread_mutex_unlock(&st.lock);
}

unsigned fake_store_watches(void)
{
	unsigned n = 0;

	pthread_mutex_lock(&st.lock);
	for (struct watch *w = st.watches; w; w = w->next)
		n++;
	pthread_mutex_unlock(&st.lock);
	return n;
}

/* Every request: waits while stalled; leaves the lock held when true. */
static bool begin(const struct xs_handle *h)
{
	pthread_mutex_lock(&st.lock);
	while (st.stalled)
		pthread_cond_wait(&st.moved, &st.lock);
	if (!h->broken)
		return true;
	pthread_mutex_unlock(&st.lock);
	errno = EBADF;
	return false;
}

static bool end(int error)
{
	pthread_mutex_unlock(&st.lock);
	errno = error;
	return error == 0;
}

struct xs_handle *xs_open(unsigned long flags)
{
	struct xs_handle *h;

	bool refused;

	(void)flags;
	pthread_mutex_lock(&st.lock);
	refused = st.refused;
	pthread_mutex_unlock(&st.lock);
	if (refused) {
		errno = ECONNREFUSED;
		return NULL;
	}
	h = calloc(1, sizeof(*h));
	assert(h && pipe(h->pipe) == 0);
	h->last = &h->first;
	pthread_mutex_lock(&st.lock);
	st.handle = h;
	pthread_mutex_unlock(&st.lock);
	return h;
}

void xs_close(struct xs_handle *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&st.lock);
	drop_watches(h);
	st.handle = NULL;
	pthread_mutex_unlock(&st.lock);
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

/* What somebody else does before our next request. */
static void overtake(void)
{
	if (!st.overtake_path)
		return;
	set_node(st.overtake_path, st.overtake_value);
	free(st.overtake_path);
	free(st.overtake_value);
	st.overtake_path = st.overtake_value = NULL;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
	struct node *n;
	char *value = NULL;

	(void)t;
	if (!begin(h))
		return NULL;
	if (st.overtake_path && strcmp(st.overtake_path, path) == 0)
		overtake();
	n = find_node(path);
	if (n && n->value) {
		value = strdup(n->value);
		*len = (unsigned)strlen(value);
	}
	end(value ? 0 : ENOENT);
	return value;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned len)
{
	char *value = strndup(data, len), *all;
	struct node *n;

	(void)t;
	if (!begin(h)) {
		free(value);
		return false;
	}
	if (st.denied) {
		free(value);
		return end(EACCES);
	}
	set_node(path, value);
	n = find_node(path);
	if (asprintf(&all, "%s%s\n", n->written ? n->written : "", value) < 0)
		abort();
	free(n->written);
	n->written = all;
	free(value);
	return end(0);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	(void)t;
	if (!begin(h))
		return false;
	for (struct node *n = st.nodes; n; n = n->next) {
		if (n->value && below(n->path, path)) {
			free(n->value);
			n->value = NULL;
			fire(n->path);
		}
	}
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
	w->next = st.watches;
	st.watches = w;
	push_event(w, path);
	return end(0);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	if (!begin(h))
		return false;
	for (struct watch **w = &st.watches; *w; w = &(*w)->next) {
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

	pthread_mutex_lock(&st.lock);
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
	yes = st.introduced[domid];
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
