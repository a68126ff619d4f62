/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/config/setup.h"

#include <stdlib.h>

#include "daemon/base/aside.h"

#define DEFAULT_CONFIG BL_SYSCONFDIR "/balloond/balloond.conf"

struct bd_setup_reader {
	struct bd_aside *aside;
	const char *file;
	bd_setup_read read;
	void *ud;
	/* written by the thread */
	struct bd_setup fresh;
	struct bl_err err;
	int r;
};

int bd_setup_load(const char *file, struct bd_setup *ret, struct bl_err *reterr)
{
	struct bd_setup s = { 0 };
	int r = bd_config_load(file ? file : DEFAULT_CONFIG, file != NULL, &s.config, reterr);

	if (r < 0)
		return r;
	s.groups_error = bd_peer_groups_resolve(s.config.group, s.config.viewers, &s.groups);
	*ret = s;
	return 0;
}

void bd_setup_free(struct bd_setup *s)
{
	bd_config_free(&s->config);
}

static void work(void *ud)
{
	struct bd_setup_reader *s = ud;

	s->r = bd_setup_load(s->file, &s->fresh, &s->err);
}

static void done(void *ud)
{
	struct bd_setup_reader *s = ud;

	s->read(s->ud, s->r < 0 ? NULL : &s->fresh, &s->err);
	if (s->r == 0)
		bd_setup_free(&s->fresh);
}

struct bd_setup_reader *bd_setup_reader_new(struct event_base *base, const char *file, bd_setup_read read,
					    void *ud)
{
	struct bd_setup_reader *s = calloc(1, sizeof(*s));
	const struct bd_aside_work aside = { .work = work, .done = done, .ud = s };

	if (!s)
		return NULL;
	s->file = file;
	s->read = read;
	s->ud = ud;
	s->aside = bd_aside_new(base, &aside);
	if (s->aside)
		return s;
	free(s);
	return NULL;
}

void bd_setup_reader_ask(struct bd_setup_reader *s)
{
	bd_aside_ask(s->aside);
}

void bd_setup_reader_free(struct bd_setup_reader *s)
{
	if (s && bd_aside_free(s->aside))
		free(s);
}
