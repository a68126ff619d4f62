/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The setup: the configuration, and the groups that the configuration names. Disks
 * and whoever keeps the groups may take any time, so after the start a thread reads it. */
#ifndef BD_SETUP_H
#define BD_SETUP_H

#include <event2/event.h>

#include "daemon/config/config.h"
#include "daemon/config/groups.h"

struct bd_setup {
	struct bd_config config;
	struct bd_peer_groups groups;
	int groups_error; /* -errno: they could not be looked up */
};

/* Reads it at once; file: NULL for the default one, which may be missing. *ret is the
 * caller's, written on success. Errors as those of bd_config_load(). */
int bd_setup_load(const char *file, struct bd_setup *ret, struct bl_err *reterr);
void bd_setup_free(struct bd_setup *s);

struct bd_setup_reader;

/* fresh: NULL where it could not be read, which err says; freed after the call. */
typedef void (*bd_setup_read)(void *ud, struct bd_setup *fresh, const struct bl_err *err);

/* file must stay. NULL: no memory, or no thread is to be had. */
struct bd_setup_reader *bd_setup_reader_new(struct event_base *base, const char *file, bd_setup_read read,
					    void *ud);
/* Asked for again before it is read, it is read once more. */
void bd_setup_reader_ask(struct bd_setup_reader *s);
void bd_setup_reader_free(struct bd_setup_reader *s); /* NULL is fine */

#endif
