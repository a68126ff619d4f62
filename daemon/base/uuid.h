/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UUIDs that nobody can guess. */
#ifndef BD_UUID_H
#define BD_UUID_H

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "lib/core/uuid.h"

static inline void bd_uuid_random(bl_uuid *ret)
{
	sd_id128_t id;

	/* The kernel has no random numbers: anybody who guesses a handle could take its claim. */
	if (sd_id128_randomize(&id) < 0)
		abort();
	memcpy(ret->b, id.bytes, sizeof(ret->b));
}

#endif
