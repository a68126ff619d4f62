/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of a simulated world of any content; what is accepted adds up, now
 * and while it lives. */
#include "lib/sim/sim.h"

#include <sys/mman.h>

#include "lib/core/text.h"
#include "tests/fuzz/target.h"

static void live(void *mem, size_t len)
{
	struct bl_sim *s;
	struct bl_err e;

	FUZZ_EXPECT(bl_sim_open(mem, len, &s, &e) == 0);
	for (int i = 0; i < 4; i++) {
		bl_sim_step(s, BL_MS(1 << (4 * i)));
		FUZZ_EXPECT(bl_sim_check(s, &e) == 0);
	}
	bl_sim_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = bl_sim_world_size();
	char *text = fuzz_text(data, size);
	struct bl_err e;
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	if (bl_sim_world_parse(mem, "world", text, size, &e) == 0)
		live(mem, len);
	else
		FUZZ_EXPECT(!strncmp(e.msg, "world:", 6) && bl_text_clean(e.msg, strlen(e.msg)));
	munmap(mem, len);
	free(text);
	return 0;
}
