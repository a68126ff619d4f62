/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file and its drop-ins. */
#ifndef BD_CONFIG_H
#define BD_CONFIG_H

#include "lib/core/settings.h"

#define BD_GROUP_MAX 63

struct bd_config {
	struct bl_settings settings;
	/* [control] */
	char group[BD_GROUP_MAX + 1];	/* may do all; "" none but root */
	char viewers[BD_GROUP_MAX + 1]; /* may look; "" none */
	unsigned max_clients;
};

/* The defaults of the contract. */
void bd_config_init(struct bd_config *c);
void bd_config_free(struct bd_config *c);

/* Reads FILE, then FILE.d/ *.conf in the order of their names, over the
 * defaults. A file that is missing is an error only where must_exist is set; a
 * missing folder never is. Errors (-EINVAL, or what the system said) start
 * with FILE:LINE. *ret is written only on success and is then the caller's. */
int bd_config_load(const char *file, bool must_exist, struct bd_config *ret, struct bl_err *reterr);

#endif
