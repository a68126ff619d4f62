/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that the daemon listens on: those of systemd, or one of its own. */
#ifndef BD_LISTEN_H
#define BD_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/core/err.h"

#define BD_LISTEN_MAX 4

struct bd_listen {
	int fds[BD_LISTEN_MAX]; /* non-blocking */
	size_t n;
	char *path; /* of our own socket; NULL: the sockets are systemd's */
	dev_t dev;
	ino_t ino;
};

/* Takes over the control sockets that systemd handed over. If systemd handed over none, makes a
 * socket at path, in place of a socket there that no process listens on. *l is zeroed by the
 * caller. */
int bd_listen_open(struct bd_listen *l, const char *path, struct bl_err *reterr);
/* Closes the sockets, and removes our own socket unless another daemon has replaced it. */
void bd_listen_close(struct bd_listen *l);

#endif
