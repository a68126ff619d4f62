/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An xl.conf of any content, and behind a NUL a command line of the hypervisor: whether
 * xl shrinks dom0. The last line that says so decides. */
#include "daemon/xen/conflicts.h"

#include "tests/fuzz/target.h"

static bool with_line(const char *conf, const char *line, const char *cmdline)
{
	size_t len = strlen(conf), more = strlen(line);
	char *text = malloc(len + more + 2);
	bool r;

	if (!text)
		abort();
	memcpy(text, conf, len);
	text[len] = '\n';
	memcpy(text + len + 1, line, more + 1);
	r = bd_xen_conflicts_autoballoon(text, cmdline);
	free(text);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	size_t len = strlen(text);
	/* Each in memory of its own, so that a sanitizer sees a read past its end. */
	char *conf = strdup(text), *cmdline = strdup(len < size ? text + len + 1 : "");
	bool r;

	if (!conf || !cmdline)
		abort();
	r = bd_xen_conflicts_autoballoon(conf, cmdline);
	FUZZ_EXPECT(with_line(conf, "", cmdline) == r);
	FUZZ_EXPECT(with_line(conf, "#autoballoon=\"on\"", cmdline) == r);
	FUZZ_EXPECT(with_line(conf, "autoballoon_seconds=1", cmdline) == r);
	FUZZ_EXPECT(!with_line(conf, "autoballoon=\"off\"", cmdline));
	FUZZ_EXPECT(!with_line(conf, " autoballoon\t= 0 # never", cmdline));
	FUZZ_EXPECT(with_line(conf, "autoballoon='on'", "dom0_mem=1G"));
	FUZZ_EXPECT(!with_line(conf, "autoballoon=\"auto\"", "console=vga dom0_mem=1G"));
	free(conf);
	free(cmdline);
	free(text);
	return 0;
}
