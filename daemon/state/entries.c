/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of entries, one per file, by kind and id. uthash must not end the process when memory
 * runs out. */
#define HASH_NONFATAL_OOM 1
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "daemon/state/internal.h"

static struct bd_state_key key_of(enum bd_state_kind kind, const bl_uuid *id)
{
	struct bd_state_key key;

	memset(&key, 0, sizeof(key));
	key.kind = kind;
	if (kind != BD_STATE_PAUSED)
		key.id = *id;
	return key;
}

struct bd_state_entry *bd_state_find(const struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id)
{
	struct bd_state_key key = key_of(kind, id);
	struct bd_state_entry *e = NULL;

	if (s->entries)
		HASH_FIND(hh, s->entries, &key, sizeof(key), e);
	return e;
}

struct bd_state_entry *bd_state_entry(struct bd_state *s, enum bd_state_kind kind, const bl_uuid *id)
{
	struct bd_state_entry *e = bd_state_find(s, kind, id);

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->key = key_of(kind, id);
	HASH_ADD(hh, s->entries, key, sizeof(e->key), e);
	if (e->hh.tbl)
		return e;
	free(e);
	return NULL;
}

void bd_state_set_failed(struct bd_state *s, struct bd_state_entry *e, int r)
{
	s->n_failed[e->key.kind] += (r != 0) - (e->failed != 0);
	e->failed = r;
}

void bd_state_free_entry(struct bd_state *s, struct bd_state_entry *e)
{
	bd_state_set_failed(s, e, 0);
	HASH_DEL(s->entries, e);
	if (e->due)
		DL_DELETE(s->due, e);
	free(e->text);
	free(e);
}
