/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stand-in store itself: one for the process, what lies in it and who
 * watches. Between fake-store.c, which is everybody else, and fake-xenstore.c,
 * which is libxenstore. */
#ifndef TESTS_UNIT_FAKE_STORE_H
#define TESTS_UNIT_FAKE_STORE_H

#include <pthread.h>

#include "tests/unit/fake-xen.h"

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

extern struct fake_store {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct node *nodes;
	struct watch *watches;
	struct xs_handle *handle; /* the library's only one */
	bool introduced[65536];
	bool stalled, refused, denied;
	char *overtake_path, *overtake_value;
	/* The transaction, one at a time: what was read, and what is to be changed at its end. */
	bool in_transaction;
	struct {
		char *path, *value;
	} reads[4];
	unsigned n_reads;
	char *change_path, *change_value; /* value NULL: removed */
} fake_store;

/* All of these with fake_store.lock held. */
struct node *store_find(const char *path); /* NULL: never was there */
void store_put(const char *path, const char *value);
bool store_below(const char *path, const char *top);
void store_fire(const char *path);
void store_push_event(const struct watch *w, const char *path);
void store_drop_watches(const struct xs_handle *h); /* NULL: of all */
void store_forget_transaction(void);
/* What fake_store_overtake() asked for is done now. */
void store_overtaken(void);

#endif
