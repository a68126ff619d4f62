/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/config/config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/atomic-file.h"
#include "daemon/config/keys.h"

#define CLIENTS_DEFAULT 4096
/* A section for each of 10,000 domains, and to spare. */
#define FILE_MAX (4 << 20)

/* One load: the configuration being made, and where the reader is. */
struct load {
	struct bd_config *config;
	const char *file;
	unsigned line;
	FILE *stream;
	char section[BD_SECTION_MAX + 1];
	bool in_section;
	struct bl_err *reterr; /* of the first error */
	int r;
	/* Where the lease was last spoken of, for a check of two keys together. */
	char lease_file[PATH_MAX];
	unsigned lease_line;
};

/* What went wrong, with the place in front; the first one counts. */
static void fail(struct load *l, int errnum, const char *what)
{
	char clean[BL_ERR_MSG_MAX / 2];

	if (l->r < 0)
		return;
	bl_text_scrub(clean, sizeof(clean), what, strlen(what));
	l->r = bl_err_set(l->reterr, errnum, BL_ERR_INVALID_PARAMS, "%s:%u: %s", l->file, l->line, clean);
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct load *l = user;
	struct bl_err e;
	int r;

	(void)section; /* cut at 50 bytes by the library; ours is whole */
	if (l->r < 0)
		return 0;
	if (!l->in_section) {
		fail(l, EINVAL, "a key before any [section]");
		return 0;
	}
	r = bd_config_set_key(l->config, l->section, key, value, &e);
	if (r < 0) {
		fail(l, -r, e.msg);
		return 0;
	}
	if (!strcmp(l->section, "claims")) {
		(void)snprintf(l->lease_file, sizeof(l->lease_file), "%s", l->file);
		l->lease_line = l->line;
	}
	return 1;
}

/* A line "[...]": checks it and remembers it. */
static void enter_section(struct load *l, const char *line)
{
	const char *end = strchr(line, ']'), *rest;
	struct bl_err e;
	size_t len;
	int r;

	if (!end) {
		fail(l, EINVAL, "a section without its \"]\"");
		return;
	}
	rest = end + 1 + strspn(end + 1, " \t\r\n");
	if (*rest && *rest != '#' && *rest != ';') {
		fail(l, EINVAL, "only a comment may follow a section on its line");
		return;
	}
	line += 1 + strspn(line + 1, " \t");
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	len = end > line ? (size_t)(end - line) : 0;
	if (len > BD_SECTION_MAX) {
		fail(l, EINVAL, "the name of the section is too long");
		return;
	}
	memcpy(l->section, line, len);
	l->section[len] = '\0';
	l->in_section = true;
	r = bd_config_check_section(l->section, &e);
	if (r < 0)
		fail(l, -r, e.msg);
}

/* Hands the library a line at a time. It tells its handler neither the line's
 * number nor the start of an empty section, and cuts long lines and sections
 * silently, so all that is seen to here. */
static char *next_line(char *str, int num, void *stream)
{
	struct load *l = stream;
	int c = 0, n = 0;
	const char *start;

	if (l->r < 0)
		return NULL;
	l->line++;
	while (c != '\n' && (c = getc(l->stream)) != EOF) {
		if (c == '\0' || n >= num - 2) {
			fail(l, EINVAL, c ? "the line is too long" : "a NUL byte");
			return NULL;
		}
		str[n++] = (char)c;
	}
	if (ferror(l->stream)) {
		fail(l, EIO, "cannot be read");
		return NULL;
	}
	if (!n)
		return NULL;
	str[n] = '\0';
	if (l->line == 1 && !strncmp(str, "\xef\xbb\xbf", 3))
		memmove(str, str + 3, strlen(str + 3) + 1);
	start = str + strspn(str, " \t\r\n");
	if (*start == '[')
		enter_section(l, start);
	return l->r < 0 ? NULL : str;
}

static int fail_file(struct load *l, const char *file, int errnum)
{
	return bl_err_set(l->reterr, errnum, BL_ERR_INVALID_PARAMS, "%s: %s", file,
			  errnum == ENOTSUP ? "is no regular file" : strerror(errnum));
}

static int load_file(struct load *l, const char *file, bool must_exist)
{
	static char comments[] = ";#";
	int line, fd = bd_file_open(file, FILE_MAX);

	l->file = file;
	l->line = 0;
	l->in_section = false;
	if (fd < 0)
		return fd == -ENOENT && !must_exist ? 0 : fail_file(l, file, -fd);
	l->stream = fdopen(fd, "r");
	if (!l->stream) {
		(void)close(fd);
		return fail_file(l, file, ENOMEM);
	}
	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_inline_comment_prefixes = comments;
	ini_start_comment_prefixes = comments;
	line = ini_parse_stream(next_line, l, on_key, l);
	if (line > 0 && l->r == 0)
		l->line = (unsigned)line;
	if (line > 0)
		fail(l, EINVAL, "neither \"key = value\" nor \"[section]\" nor a comment");
	if (line < 0)
		fail(l, ENOMEM, "out of memory");
	(void)fclose(l->stream);
	return l->r;
}

static int is_dropin(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 && !strcmp(d->d_name + len - 5, ".conf");
}

/* strcmp, so that the order is the same in every locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dropins(struct load *l, const char *file)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **list;
	int n, r = 0;

	if (snprintf(folder, sizeof(folder), "%s.d", file) >= (int)sizeof(folder))
		return fail_file(l, file, ENAMETOOLONG);
	n = scandir(folder, &list, is_dropin, by_name);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail_file(l, folder, errno);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
		if (r == 0)
			r = load_file(l, path, true);
		free(list[i]);
	}
	free(list);
	return r;
}

void bd_config_init(struct bd_config *c)
{
	*c = (struct bd_config){ .group = "balloond", .max_clients = CLIENTS_DEFAULT };
	bl_settings_init(&c->settings);
}

void bd_config_free(struct bd_config *c)
{
	bl_settings_free(&c->settings);
}

int bd_config_load(const char *file, bool must_exist, struct bd_config *ret, struct bl_err *reterr)
{
	struct bd_config config;
	struct load l = { .config = &config, .reterr = reterr };
	int r;

	bd_config_init(&config);
	r = load_file(&l, file, must_exist);
	if (r == 0)
		r = load_dropins(&l, file);
	if (r == 0 && config.settings.max_ttl.n < config.settings.ttl.n)
		r = bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s:%u: max-ttl is shorter than ttl",
			       l.lease_file, l.lease_line);
	if (r < 0) {
		bd_config_free(&config);
		return r;
	}
	*ret = config;
	return 0;
}
