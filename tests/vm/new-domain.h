/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FLASK_LABEL_H
#define FLASK_LABEL_H

#include <stdint.h>

#include <xenctrl.h>

/* What libxl gives to a domain of which nobody says it; 0 where Xen has no FLASK. */
static inline uint32_t flask_label(xc_interface *xch)
{
	char label[] = "system_u:system_r:domU_t";
	uint32_t sid;

	return xc_flask_context_to_sid(xch, label, sizeof(label) - 1, &sid) ? 0 : sid;
}

#endif
