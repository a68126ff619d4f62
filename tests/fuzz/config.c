/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file of any content. */
#include "daemon/config/config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/text.h"
#include "tests/fuzz/target.h"

/* What the rest of the daemon takes for granted of what was accepted. */
static void accepted(const struct bd_config *c)
{
	const struct bl_settings *s = &c->settings;
	const struct bl_config_domain *d;

	FUZZ_EXPECT(s->tick.n >= 100 && s->tick.n <= 3600000);
	FUZZ_EXPECT(s->ttl.n > 0 && s->ttl.n <= s->max_ttl.n);
	FUZZ_EXPECT(s->reserve.percent <= 100 && s->overhead.percent <= 100);
	FUZZ_EXPECT(s->weight >= 1 && s->weight <= BL_WEIGHT_MAX);
	FUZZ_EXPECT(s->stuck_after.n > 0 && s->retry_after.n > 0);
	FUZZ_EXPECT(s->mode == BL_MODE_AUTO || s->mode == BL_MODE_IGNORE);
	FUZZ_EXPECT(c->max_clients >= 1);
	FUZZ_EXPECT(memchr(c->group, 0, sizeof(c->group)) && memchr(c->viewers, 0, sizeof(c->viewers)));
	for (d = s->domains; d; d = d->hh.next) {
		FUZZ_EXPECT(d->key[0] && bl_text_clean(d->key, strlen(d->key)));
		if (d->limits.has_weight)
			FUZZ_EXPECT(d->limits.weight >= 1 && d->limits.weight <= BL_WEIGHT_MAX);
		if (d->limits.has_min && d->limits.min.is_percent)
			FUZZ_EXPECT(d->limits.min.percent <= 100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bd_config c;
	struct bl_err e;
	char path[64];
	int fd = memfd_create("config", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (bd_config_load(path, true, &c, &e) == 0) {
		accepted(&c);
		bd_config_free(&c);
	} else {
		FUZZ_EXPECT(!strncmp(e.msg, path, strlen(path)) && e.msg[strlen(path)] == ':');
		FUZZ_EXPECT(bl_text_clean(e.msg, strlen(e.msg)));
	}
	close(fd);
	return 0;
}
