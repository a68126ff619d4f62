/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units that the compiler keeps apart. A page is 4 KiB, as in Xen's ABI.
 * bl_pages is the core's unit; bl_kib only where xenstore or maxmem want it;
 * bl_bytes only at the edges (JSON, command line, configuration). */
#ifndef BL_CORE_UNITS_H
#define BL_CORE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define BL_PAGE_BYTES UINT64_C(4096)
#define BL_PAGE_KIB UINT64_C(4)
#define BL_PAGES_PER_MIB UINT64_C(256)

typedef struct {
	uint64_t n;
} bl_pages;
typedef struct {
	uint64_t n;
} bl_kib;
typedef struct {
	uint64_t n;
} bl_bytes;
/* Milliseconds of the host's clock (virtual in the simulator). */
typedef struct {
	uint64_t n;
} bl_ms;

#define BL_PAGES(x) ((bl_pages){ (uint64_t)(x) })
#define BL_KIB(x) ((bl_kib){ (uint64_t)(x) })
#define BL_BYTES(x) ((bl_bytes){ (uint64_t)(x) })
#define BL_MS(x) ((bl_ms){ (uint64_t)(x) })
#define BL_MIB_PAGES(x) BL_PAGES((uint64_t)(x) * BL_PAGES_PER_MIB)
/* A time that never comes. */
#define BL_MS_NEVER BL_MS(UINT64_MAX)

/* What an x86 processor can address at most, with 52 bits. */
#define BL_HOST_PAGES_MAX (UINT64_C(1) << 40)
/* Largest page count that converts to bytes without overflow. */
#define BL_PAGES_MAX (UINT64_MAX / BL_PAGE_BYTES)

static inline bl_bytes bl_pages_to_bytes(bl_pages p)
{
	return p.n > BL_PAGES_MAX ? BL_BYTES(UINT64_MAX) : BL_BYTES(p.n * BL_PAGE_BYTES);
}

static inline bl_kib bl_pages_to_kib(bl_pages p)
{
	return p.n > BL_PAGES_MAX ? BL_KIB(BL_PAGES_MAX * BL_PAGE_KIB) : BL_KIB(p.n * BL_PAGE_KIB);
}

static inline bl_pages bl_pages_from_bytes_floor(bl_bytes b)
{
	return BL_PAGES(b.n / BL_PAGE_BYTES);
}

static inline bl_pages bl_pages_from_bytes_ceil(bl_bytes b)
{
	return BL_PAGES(b.n / BL_PAGE_BYTES + (b.n % BL_PAGE_BYTES != 0));
}

static inline bl_pages bl_pages_from_kib_floor(bl_kib k)
{
	return BL_PAGES(k.n / BL_PAGE_KIB);
}

static inline bl_pages bl_pages_from_kib_ceil(bl_kib k)
{
	return BL_PAGES(k.n / BL_PAGE_KIB + (k.n % BL_PAGE_KIB != 0));
}

/* Comparisons of a unit: unit_lt, _le, _gt, _ge, _eq and _is_zero. */
#define BL_UNIT_COMPARED(unit)                                                                              \
	static inline bool unit##_lt(unit a, unit b)                                                        \
	{                                                                                                   \
		return a.n < b.n;                                                                           \
	}                                                                                                   \
	static inline bool unit##_le(unit a, unit b)                                                        \
	{                                                                                                   \
		return a.n <= b.n;                                                                          \
	}                                                                                                   \
	static inline bool unit##_gt(unit a, unit b)                                                        \
	{                                                                                                   \
		return a.n > b.n;                                                                           \
	}                                                                                                   \
	static inline bool unit##_ge(unit a, unit b)                                                        \
	{                                                                                                   \
		return a.n >= b.n;                                                                          \
	}                                                                                                   \
	static inline bool unit##_eq(unit a, unit b)                                                        \
	{                                                                                                   \
		return a.n == b.n;                                                                          \
	}                                                                                                   \
	static inline bool unit##_is_zero(unit a)                                                           \
	{                                                                                                   \
		return a.n == 0;                                                                            \
	}
BL_UNIT_COMPARED(bl_pages)
BL_UNIT_COMPARED(bl_ms)

/* For a balance, which may be negative. */
static inline int64_t bl_pages_signed(bl_pages p)
{
	return (int64_t)p.n;
}

static inline bool bl_ms_is_never(bl_ms t)
{
	return t.n == BL_MS_NEVER.n;
}

/* Sums stop at the largest value, differences at zero: memory that does not
 * fit a number is "more than there is", never "a little". */
static inline bl_pages bl_pages_add(bl_pages a, bl_pages b)
{
	uint64_t n;

	return __builtin_add_overflow(a.n, b.n, &n) ? BL_PAGES(UINT64_MAX) : BL_PAGES(n);
}

static inline bl_pages bl_pages_sub(bl_pages a, bl_pages b)
{
	return BL_PAGES(a.n > b.n ? a.n - b.n : 0);
}

static inline bl_pages bl_pages_distance(bl_pages a, bl_pages b)
{
	return BL_PAGES(a.n > b.n ? a.n - b.n : b.n - a.n);
}

static inline bl_pages bl_pages_min(bl_pages a, bl_pages b)
{
	return a.n < b.n ? a : b;
}

static inline bl_pages bl_pages_max(bl_pages a, bl_pages b)
{
	return a.n > b.n ? a : b;
}

static inline bl_pages bl_pages_clamp(bl_pages v, bl_pages lo, bl_pages hi)
{
	return bl_pages_max(lo, bl_pages_min(v, hi));
}

/* percent of p, rounded up; saturating. */
static inline bl_pages bl_pages_percent_ceil(bl_pages p, uint32_t percent)
{
	__extension__ typedef unsigned __int128 wide;
	uint64_t small;
	wide n;

	if (!__builtin_mul_overflow(p.n, percent, &small)) /* by far the quicker */
		return BL_PAGES(small / 100 + (small % 100 != 0));
	n = ((wide)p.n * percent + 99) / 100;
	return n > UINT64_MAX ? BL_PAGES(UINT64_MAX) : BL_PAGES((uint64_t)n);
}

static inline bl_ms bl_ms_add(bl_ms a, bl_ms b)
{
	uint64_t n;

	return __builtin_add_overflow(a.n, b.n, &n) ? BL_MS_NEVER : BL_MS(n);
}

/* a - b, 0 where b is later. */
static inline bl_ms bl_ms_since(bl_ms a, bl_ms b)
{
	return BL_MS(a.n > b.n ? a.n - b.n : 0);
}

#endif
