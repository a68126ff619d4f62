/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, durations and shares as people write them. */
#ifndef BL_CORE_SIZE_H
#define BL_CORE_SIZE_H

#include "lib/core/err.h"
#include "lib/core/units.h"

/* "1.5G", "512MiB", "4096k": a decimal number with K, M, G or T, or KiB to TiB, all binary, in
 * any case. `what` names the argument in messages. Refused with -EINVAL and
 * BL_ERR_INVALID_PARAMS: no unit, zero, a sign, an exponent, a fraction of a byte, more than 63
 * bits, text around. */
int bl_size_parse(const char *what, const char *text, bl_bytes *ret, struct bl_err *reterr);
/* "500ms", "10s", "5m", "2h"; decimal fractions are allowed, fractions of a millisecond are not,
 * and zero only if zero_ok. */
int bl_duration_parse(const char *what, const char *text, bool zero_ok, bl_ms *ret, struct bl_err *reterr);

/* A fixed part plus a share: "64M", "1%", "64M+1%". */
struct bl_share {
	bl_pages fixed;
	uint32_t percent; /* 0..100 */
};
int bl_share_parse(const char *what, const char *text, struct bl_share *ret, struct bl_err *reterr);
bl_pages bl_share_of(struct bl_share s, bl_pages whole); /* rounded up */
/* "20%": 0..max_percent. */
int bl_percent_parse(const char *what, const char *text, uint32_t max_percent, uint32_t *ret,
		     struct bl_err *reterr);

#define BL_SIZE_STR 24
/* For people: "1.5 GiB", "512 MiB", "388 KiB", rounded to one digit after the point. Returns buf. */
const char *bl_size_format(bl_bytes b, char buf[BL_SIZE_STR]);
const char *bl_pages_format(bl_pages p, char buf[BL_SIZE_STR]);

#endif
