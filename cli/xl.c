/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/xl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/size.h"
#include "lib/proto/json.h"

#define CONFIG_MAX (1U << 20)
#define ARGS_MAX 256
#define KIB_MAX (INT64_C(1) << 42) /* 4 EiB */

/* ---- the configuration as libxl writes it ---- */

static bool get_kib(const struct bl_json *object, const char *key, uint64_t *ret)
{
	const struct bl_json *v = bl_json_get(object, key);

	if (!v || bl_json_type(v) != BL_JSON_INT || bl_json_int(v) < 0 || bl_json_int(v) > KIB_MAX)
		return false;
	*ret = (uint64_t)bl_json_int(v);
	return true;
}

static bool is_pv(const struct bl_json *c_info)
{
	const struct bl_json *v = bl_json_get(c_info, "type");

	return v && bl_json_type(v) == BL_JSON_STRING && !strcmp(bl_json_string(v, NULL), "pv");
}

static enum cli_xl read_config(const char *text, size_t len, struct cli_xl_need *ret, struct bl_err *reterr)
{
	const uint64_t unit = 2048; /* KiB; libxl rounds up to this */
	const struct bl_json *c_info, *b_info, *name;
	uint64_t memory, shadow = 0, more;
	struct bl_json *root;

	if (bl_json_parse(text, len, &root, reterr) < 0)
		return CLI_XL_UNKNOWN;
	c_info = bl_json_get(root, "c_info");
	b_info = bl_json_get(root, "b_info");
	if (!get_kib(b_info, "target_memkb", &memory) && !get_kib(b_info, "max_memkb", &memory))
		memory = 0;
	(void)get_kib(b_info, "shadow_memkb", &shadow);
	more = shadow + (is_pv(c_info) ? unit / 2 : unit);
	more = (memory + more + unit - 1) / unit * unit - memory;
	*ret = (struct cli_xl_need){ .memory = BL_BYTES(memory * 1024), .overhead = BL_BYTES(more * 1024) };
	name = bl_json_get(c_info, "name");
	if (name && bl_json_type(name) == BL_JSON_STRING)
		bl_text_scrub(ret->name, sizeof(ret->name), bl_json_string(name, NULL),
			      strlen(bl_json_string(name, NULL)));
	bl_json_free(root);
	if (memory)
		return CLI_XL_BUILDS;
	(void)bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "the configuration names no memory");
	return CLI_XL_UNKNOWN;
}

static size_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

/* ---- xl create ---- */

/* Runs xl with its output in text, of CONFIG_MAX bytes. Returns the length, or -errno. xl's
 * errors are dropped: the real run prints them. */
static ssize_t ask_xl(char *const argv[], char *text)
{
	int out[2], status = 0;
	size_t len;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		if (null < 0 || dup2(null, 0) < 0 || dup2(out[1], 1) < 0 || dup2(null, 2) < 0)
			_exit(127);
		execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(out[1]);
	len = read_all(out[0], text, CONFIG_MAX);
	(void)close(out[0]);
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) && len ? (ssize_t)len : -EINVAL;
}

/* Runs the command with -n -q inserted after the word at `at`. */
static enum cli_xl need_of_create(char *const argv[], size_t at, struct cli_xl_need *ret,
				  struct bl_err *reterr)
{
	static char dry[] = "-n", quiet[] = "-q";
	char *args[ARGS_MAX + 3], *text = malloc(CONFIG_MAX);
	enum cli_xl what = CLI_XL_UNKNOWN;
	size_t n = 0;
	ssize_t len;

	for (size_t i = 0; argv[i] && i < ARGS_MAX; i++) {
		args[n++] = argv[i];
		if (i == at) {
			args[n++] = dry;
			args[n++] = quiet;
		}
	}
	args[n] = NULL;
	len = text ? ask_xl(args, text) : -ENOMEM;
	if (len < 0)
		(void)bl_err_set(reterr, (int)-len, BL_ERR_BACKEND, "`%s create -n` failed", argv[0]);
	else
		what = read_config(text, (size_t)len, ret, reterr);
	free(text);
	return what;
}

/* ---- xl restore ---- */

/* The header that `xl save` writes before the saved state (struct save_file_header in xl.h). */
#define SAVED_MAGIC "Xen saved domain, xl format\n \0 \r"
#define SAVED_BYTEORDER UINT32_C(0x01020304)
#define SAVED_JSON UINT32_C(1) /* a mandatory flag: the configuration is JSON */

struct saved_header {
	char magic[32];
	uint32_t byteorder, mandatory, optional, data_len;
};

static enum cli_xl read_saved(int fd, const char *file, struct cli_xl_need *ret, struct bl_err *reterr)
{
	struct saved_header h;
	enum cli_xl what = CLI_XL_UNKNOWN;
	uint32_t len = 0;
	char *text;

	if (read_all(fd, (char *)&h, sizeof(h)) != sizeof(h) ||
	    memcmp(h.magic, SAVED_MAGIC, sizeof(h.magic)) != 0 || h.byteorder != SAVED_BYTEORDER ||
	    !(h.mandatory & SAVED_JSON) || read_all(fd, (char *)&len, sizeof(len)) != sizeof(len) ||
	    len > CONFIG_MAX || len > h.data_len) {
		(void)bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS,
				 "%s holds no domain saved by xl with its configuration", file);
		return CLI_XL_UNKNOWN;
	}
	text = malloc(len + 1);
	if (!text) {
		(void)bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
		return CLI_XL_UNKNOWN;
	}
	len = (uint32_t)read_all(fd, text, len);
	/* The length includes a NUL. */
	what = read_config(text, strnlen(text, len), ret, reterr);
	free(text);
	return what;
}

/* The saved state is the last argument. An earlier argument that is no option is a configuration,
 * which changes other things than memory. */
static enum cli_xl need_of_restore(char *const argv[], size_t at, struct cli_xl_need *ret,
				   struct bl_err *reterr)
{
	const char *file = NULL;
	enum cli_xl what;
	int fd;

	for (size_t i = at + 1; argv[i]; i++)
		file = argv[i];
	fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		(void)bl_err_set(reterr, errno, BL_ERR_BACKEND, "cannot open %s: %s",
				 file ? file : "the file", strerror(errno));
		return CLI_XL_UNKNOWN;
	}
	what = read_saved(fd, file, ret, reterr);
	(void)close(fd);
	return what;
}

enum cli_xl cli_xl_need(char *const argv[], struct cli_xl_need *ret, struct bl_err *reterr)
{
	const char *slash = strrchr(argv[0], '/');
	size_t at = 1;

	if (strcmp(slash ? slash + 1 : argv[0], "xl") != 0)
		return CLI_XL_OTHER;
	while (argv[at] && argv[at][0] == '-') /* none of xl's own options takes an argument */
		at++;
	if (argv[at] && !strcmp(argv[at], "create"))
		return need_of_create(argv, at, ret, reterr);
	if (argv[at] && !strcmp(argv[at], "restore"))
		return need_of_restore(argv, at, ret, reterr);
	return CLI_XL_OTHER;
}
