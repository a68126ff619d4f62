/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of the configuration: what each may be and where it goes. */
#ifndef BD_CONFIG_KEYS_H
#define BD_CONFIG_KEYS_H

#include "daemon/config/config.h"

/* "domain " and the longest name, and then some. */
#define BD_SECTION_MAX 160

/* What stands between the brackets, at most BD_SECTION_MAX bytes; a UUID in
 * [domain UUID] is put in lower case. -EINVAL: there is no such section. */
int bd_config_check_section(char *section, struct bl_err *reterr);
/* section has been checked. -EINVAL: no such key, or a bad value. */
int bd_config_set_key(struct bd_config *c, const char *section, const char *key, const char *value,
		      struct bl_err *reterr);

#endif
