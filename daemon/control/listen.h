/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors that the control socket listens on: systemd's, or one of our own. */
#ifndef BD_LISTEN_H
#define BD_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/core/err.h"

#define BD_LISTEN_MAX 4

struct bd_listen {
	int fds[BD_LISTEN_MAX]; /* none of them blocks */
	size_t n;
	char *path; /* of our own socket; NULL: it is systemd's */
	dev_t dev;
	ino_t ino;
};

/* Takes the sockets over that systemd handed over for this; where systemd handed none over,
 * makes one at path, in the place of one that nobody listens on. *l is all zero at first. */
int bd_listen_open(struct bd_listen *l, const char *path, struct bl_err *reterr);
/* Closes them, and removes a socket of our own while it still is ours. */
void bd_listen_close(struct bd_listen *l);

#endif
