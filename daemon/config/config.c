/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/config/config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/atomic-file.h"
#include "daemon/config/keys.h"
#include "lib/core/ini.h"

#define CLIENTS_DEFAULT 4096
/* A section for each of 10,000 domains, and to spare. */
#define FILE_MAX (4 << 20)

/* One load: the configuration that is being made, and the section where the reader is. */
struct load {
	struct bd_config *config;
	struct bl_err *reterr;
	char section[BD_SECTION_MAX + 1];
	/* Where the lease was last spoken of, for a check of two keys together. */
	char lease_file[PATH_MAX];
	unsigned lease_line;
};

static int on_section(struct bl_ini *in, char *name)
{
	struct load *l = in->ud;
	struct bl_err e;
	int r;

	if (strlen(name) > BD_SECTION_MAX)
		return bl_ini_fail(in, in->line, EINVAL, "the name of the section is too long");
	strcpy(l->section, name);
	r = bd_config_check_section(l->section, &e);
	return r < 0 ? bl_ini_fail(in, in->line, -r, "%s", e.msg) : 0;
}

static int on_key(struct bl_ini *in, const char *key, const char *value)
{
	struct load *l = in->ud;
	struct bl_err e;
	int r = bd_config_set_key(l->config, l->section, key, value, &e);

	if (r < 0)
		return bl_ini_fail(in, in->line, -r, "%s", e.msg);
	if (!strcmp(l->section, "claims")) {
		snprintf(l->lease_file, sizeof(l->lease_file), "%s", in->file);
		l->lease_line = in->line;
	}
	return 0;
}

static int fail_file(struct load *l, const char *file, int errnum)
{
	return bl_err_set(l->reterr, errnum, BL_ERR_INVALID_PARAMS, "%s: %s", file,
			  errnum == ENOTSUP ? "is no regular file" : strerror(errnum));
}

static int load_file(struct load *l, const char *file, bool must_exist)
{
	struct bl_ini in = {
		.file = file, .reterr = l->reterr, .ud = l, .on_section = on_section, .on_key = on_key
	};
	char *text;
	ssize_t len = bd_file_read(file, FILE_MAX, &text);
	int r;

	if (len < 0)
		return len == -ENOENT && !must_exist ? 0 : fail_file(l, file, (int)-len);
	r = bl_ini_read(&in, text, (size_t)len);
	free(text);
	return r;
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
		snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
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
	if (r == 0 && bl_ms_lt(config.settings.max_ttl, config.settings.ttl))
		r = bl_err_set(reterr, EINVAL, BL_ERR_INVALID_PARAMS, "%s:%u: max-ttl is shorter than ttl",
			       l.lease_file, l.lease_line);
	if (r < 0) {
		bd_config_free(&config);
		return r;
	}
	*ret = config;
	return 0;
}
