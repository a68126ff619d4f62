/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-store.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fake_store fake_store = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

struct node *store_find(const char *path)
{
	for (struct node *n = fake_store.nodes; n; n = n->next)
		if (strcmp(n->path, path) == 0)
			return n;
	return NULL;
}

void store_push_event(const struct watch *w, const char *path)
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

bool store_below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

void store_fire(const char *path)
{
	for (struct watch *w = fake_store.watches; w; w = w->next)
		if (store_below(path, w->path))
			store_push_event(w, path);
}

void store_put(const char *path, const char *value)
{
	struct node *n = store_find(path);

	if (!n) {
		n = calloc(1, sizeof(*n));
		assert(n);
		n->path = strdup(path);
		n->next = fake_store.nodes;
		fake_store.nodes = n;
	}
	free(n->value);
	n->value = value ? strdup(value) : NULL;
	store_fire(path);
}

void store_drop_watches(const struct xs_handle *h)
{
	for (struct watch **w = &fake_store.watches; *w;) {
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

void (*fake_store_on_write)(const char *path, const char *value);

static void forget(char **text)
{
	free(*text);
	*text = NULL;
}

void store_forget_transaction(void)
{
	while (fake_store.n_reads) {
		fake_store.n_reads--;
		forget(&fake_store.reads[fake_store.n_reads].path);
		forget(&fake_store.reads[fake_store.n_reads].value);
	}
	forget(&fake_store.change_path);
	forget(&fake_store.change_value);
	fake_store.in_transaction = false;
}

void fake_store_hang_up(void)
{
	pthread_mutex_lock(&fake_store.lock);
	store_drop_watches(NULL);
	store_forget_transaction();
	fake_store.handle = NULL;
	pthread_mutex_unlock(&fake_store.lock);
}

void fake_store_reset(void)
{
	pthread_mutex_lock(&fake_store.lock);
	while (fake_store.nodes) {
		struct node *n = fake_store.nodes;

		fake_store.nodes = n->next;
		free(n->path);
		free(n->value);
		free(n->written);
		free(n);
	}
	store_drop_watches(NULL);
	memset(fake_store.introduced, 0, sizeof(fake_store.introduced));
	fake_store.introduced[0] = true;
	fake_store.stalled = fake_store.refused = fake_store.denied = false;
	free(fake_store.overtake_path);
	free(fake_store.overtake_value);
	fake_store.overtake_path = fake_store.overtake_value = NULL;
	pthread_mutex_unlock(&fake_store.lock);
	fake_store_set("/local/domain/0/domid", "0");
	fake_store_set("/local/domain/0/name", "Domain-0");
}

void fake_store_set(const char *path, const char *value)
{
	pthread_mutex_lock(&fake_store.lock);
	store_put(path, value);
	pthread_mutex_unlock(&fake_store.lock);
}

void fake_store_setf(uint32_t domid, const char *key, const char *fmt, ...)
{
	char path[128], value[1024];
	va_list ap;

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, key);
	if (!fmt) {
		fake_store_set(path, NULL);
		return;
	}
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	fake_store_set(path, value);
}

bool fake_store_get(const char *path, char *buf, unsigned size)
{
	struct node *n;
	bool found;

	pthread_mutex_lock(&fake_store.lock);
	n = store_find(path);
	found = n && n->value;
	if (found)
		snprintf(buf, size, "%s", n->value);
	pthread_mutex_unlock(&fake_store.lock);
	return found;
}

bool fake_store_wrote(const char *path, const char *values)
{
	struct node *n;
	bool same;

	pthread_mutex_lock(&fake_store.lock);
	n = store_find(path);
	same = strcmp(n && n->written ? n->written : "", values) == 0;
	pthread_mutex_unlock(&fake_store.lock);
	return same;
}

void fake_store_overtake(const char *path, const char *value)
{
	pthread_mutex_lock(&fake_store.lock);
	fake_store.overtake_path = strdup(path);
	fake_store.overtake_value = value ? strdup(value) : NULL;
	pthread_mutex_unlock(&fake_store.lock);
}

void store_overtaken(void)
{
	if (!fake_store.overtake_path)
		return;
	store_put(fake_store.overtake_path, fake_store.overtake_value);
	free(fake_store.overtake_path);
	free(fake_store.overtake_value);
	fake_store.overtake_path = fake_store.overtake_value = NULL;
}

void fake_store_introduce(uint32_t domid)
{
	pthread_mutex_lock(&fake_store.lock);
	fake_store.introduced[domid] = true;
	store_fire("@introduceDomain");
	pthread_mutex_unlock(&fake_store.lock);
}

void fake_store_leave(uint32_t domid)
{
	pthread_mutex_lock(&fake_store.lock);
	if (domid)
		fake_store.introduced[domid] = false;
	store_fire("@releaseDomain");
	pthread_mutex_unlock(&fake_store.lock);
}

static void set_flag(bool *flag, bool on)
{
	pthread_mutex_lock(&fake_store.lock);
	*flag = on;
	pthread_cond_broadcast(&fake_store.moved);
	pthread_mutex_unlock(&fake_store.lock);
}

void fake_store_stall(bool on)
{
	set_flag(&fake_store.stalled, on);
}

void fake_store_refuse(bool on)
{
	set_flag(&fake_store.refused, on);
}

void fake_store_deny_writes(bool on)
{
	set_flag(&fake_store.denied, on);
}

void fake_store_break(void)
{
	pthread_mutex_lock(&fake_store.lock);
	if (fake_store.handle)
		fake_store.handle->broken = true;
	store_drop_watches(NULL);
	pthread_mutex_unlock(&fake_store.lock);
}

unsigned fake_store_watches(void)
{
	unsigned n = 0;

	pthread_mutex_lock(&fake_store.lock);
	for (struct watch *w = fake_store.watches; w; w = w->next)
		n++;
	pthread_mutex_unlock(&fake_store.lock);
	return n;
}
