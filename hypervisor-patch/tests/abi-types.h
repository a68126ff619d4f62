/* SPDX-License-Identifier: GPL-2.0-only */
/* What the public header builds on. abi.h is made from the series: extract.sh. */
#ifndef HYPERVISOR_PATCH_ABI_TYPES_H
#define HYPERVISOR_PATCH_ABI_TYPES_H

#include <stdint.h>

typedef uint16_t domid_t;
typedef uint64_t __attribute__((aligned(8))) uint64_aligned_t;

#define DOMID_SELF 0x7ff0
#define DOMID_XEN 0x7ff2

#define DEFINE_XEN_GUEST_HANDLE(name)                                                                       \
	typedef struct {                                                                                    \
		name *p;                                                                                    \
	} guest_handle_##name
#define XEN_GUEST_HANDLE_PARAM(name) guest_handle_##name

#include "abi.h"

#endif
