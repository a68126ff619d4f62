/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `balloonctl run` reads of a domain that xl is to build: a file of `xl save` of any
 * content, or one with a sound head and a configuration of any content, which is the JSON
 * that `xl create -n` prints, too. The first byte says which: 'f' or 'j'. */
#include "cli/xl.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/target.h"

/* The header that `xl save` writes first, see xl.h: struct save_file_header. */
struct head {
	char magic[32];
	uint32_t byteorder, mandatory, optional, data_len, json_len;
};

static void put(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

static int saved_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	struct head h = { .magic = "Xen saved domain, xl format\n \0 \r",
			  .byteorder = 0x01020304,
			  .mandatory = 1 };

	if (fd < 0)
		abort();
	h.json_len = size > 1 ? (uint32_t)size - 1 : 0;
	h.data_len = h.json_len + (uint32_t)sizeof(h.json_len);
	if (size && *data == 'j')
		put(fd, &h, sizeof(h));
	if (size)
		put(fd, data + 1, size - 1);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], xl[] = "/usr/sbin/xl", restore[] = "restore";
	char *argv[] = { xl, restore, path, NULL };
	struct cli_xl_need need = { .memory = BL_BYTES(7) };
	struct bl_err e = { .errnum = 0 };
	int fd = saved_file(data, size);
	enum cli_xl what;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	what = cli_xl_need(argv, &need, &e);
	FUZZ_EXPECT(what != CLI_XL_OTHER);
	if (what == CLI_XL_BUILDS) {
		FUZZ_EXPECT(need.memory.n > 0 && need.memory.n <= UINT64_MAX / 4);
		FUZZ_EXPECT((need.memory.n + need.overhead.n) % (2048 * 1024) == 0);
		FUZZ_EXPECT(need.overhead.n >= 1024 * 1024);
		FUZZ_EXPECT(bl_text_clean(need.name, strlen(need.name)));
	} else {
		FUZZ_EXPECT(e.errnum && e.msg[0] && bl_text_clean(e.msg, strlen(e.msg)));
	}
	close(fd);
	return 0;
}
