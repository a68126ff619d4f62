/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest writes into xenstore. */
#include "lib/core/telemetry.h"

#include "tests/fuzz/target.h"

/* Exactly as long as it is: a byte too far is seen. */
static void read_all(const char *text, size_t len)
{
	struct bl_telemetry_stat s = { .seq = 1, .pressure = 77777 };
	bl_kib k = BL_KIB(UINT64_MAX);

	if (bl_telemetry_parse_stat(text, len, &s)) {
		FUZZ_EXPECT(len <= BL_TELEMETRY_STAT_MAX);
		FUZZ_EXPECT(s.pressure <= 10000);
		FUZZ_EXPECT(s.used.n <= BL_TELEMETRY_KIB_MAX);
		FUZZ_EXPECT(s.available.n <= BL_TELEMETRY_KIB_MAX);
		FUZZ_EXPECT(s.min.n <= BL_TELEMETRY_KIB_MAX && s.max.n <= BL_TELEMETRY_KIB_MAX);
		FUZZ_EXPECT(s.swap.n <= BL_TELEMETRY_KIB_MAX && s.pressure_full <= 10000);
		FUZZ_EXPECT(s.has & BL_STAT_MIN || !s.min.n);
	} else {
		FUZZ_EXPECT(s.seq == 1 && s.pressure == 77777 && !s.used.n && !s.available.n);
	}
	if (bl_telemetry_parse_kib(text, len, &k))
		FUZZ_EXPECT(len > 0 && k.n <= BL_TELEMETRY_KIB_MAX);
	else
		FUZZ_EXPECT(k.n == UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, data, size);
	read_all(exact, size);
	free(exact);
	return 0;
}
