/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The setup: the configuration, and the groups that the configuration names. The disk, and the
 * service that keeps the groups, may take any time, so a thread reads the setup after the start. */
#ifndef BD_SETUP_H
#define BD_SETUP_H

#include <event2/event.h>

#include "daemon/config/config.h"
#include "daemon/config/groups.h"

struct bd_setup {
	struct bd_config config;
	struct bd_peer_groups groups;
	int groups_error; /* -errno: looking them up failed */
};

/* Reads the setup at once. file: NULL for the default file, which may be missing. *ret is written
 * only on success, and is the caller's. Errors as of bd_config_load(). */
int bd_setup_load(const char *file, struct bd_setup *ret, struct bl_err *reterr);
void bd_setup_free(struct bd_setup *s);

struct bd_setup_reader;

/* fresh: NULL if reading failed, with the reason in err. Freed after the call. */
typedef void (*bd_setup_read)(void *ud, struct bd_setup *fresh, const struct bl_err *err);

/* file must stay. NULL: no memory, or no thread. */
struct bd_setup_reader *bd_setup_reader_new(struct event_base *base, const char *file, bd_setup_read read,
					    void *ud);
/* Reads the setup; once more if asked again meanwhile. */
void bd_setup_reader_ask(struct bd_setup_reader *s);
void bd_setup_reader_free(struct bd_setup_reader *s); /* NULL is fine */

#endif
