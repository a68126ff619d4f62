/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/state-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"

const bl_uuid boot = { { 1, 2, 3 } };
unsigned warnings;
char folder[64];
static char dir[] = "test-state-XXXXXX";

static void count_warnings(int priority, const char *line)
{
	(void)line;
	warnings += priority <= LOG_WARNING;
}

int set_up_all(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(folder, sizeof(folder), "%s/state", dir);
	bd_log_set_sink(count_warnings);
	return 0;
}

int clean(void **state)
{
	char cmd[128];

	(void)state;
	warnings = 0;
	snprintf(cmd, sizeof(cmd), "rm -rf %s/*", dir);
	return system(cmd);
}

int tear_down_all(void **state)
{
	clean(state);
	return rmdir(dir);
}

bl_uuid uuid(uint8_t n)
{
	return (bl_uuid){ .b = { n, n, n, n, n, n, 0x40, n, 0x80, n, n, n, n, n, n, n } };
}

struct bl_claim claim(uint8_t n)
{
	struct bl_claim c = {
		.id = uuid(n),
		.state = BL_CLAIM_HELD,
		.size = BL_PAGES(1000),
		.min = BL_PAGES(900),
		.overhead = BL_PAGES(10),
		.node = 3,
		.pooled = BL_PAGES(700),
		.queue = true,
		.created = BL_MS(5000),
		.created_wall = 1700000000,
		.wait_until = BL_MS_NEVER,
		.patience = BL_MS(60000),
		.progressed = BL_MS(7),
		.least = BL_PAGES(5),
		.ttl = BL_MS(600000),
		.expires = BL_MS(700000),
		.domid = BL_DOMID_NONE,
		.holder = 12,
		.staked = BL_PAGES(1000),
		.eta = BL_MS(1),
		.has_uuid = true,
		.uuid = uuid(200),
	};

	memcpy(c.handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	c.handle.b[15] = n;
	strcpy(c.name, "w\xc3\xa4rter \"x\"");
	strcpy(c.reason, "because");
	return c;
}

void load(struct loaded *l, const bl_uuid *b)
{
	struct bl_err e;

	*l = (struct loaded){ 0 };
	bl_settings_init(&l->settings);
	if (bd_state_open(folder, NULL, &l->s, &e) ||
	    bd_state_load(l->s, b, &l->ledger, &l->settings, &l->paused, &e))
		fail_msg("%s", e.msg);
}

void unload(struct loaded *l)
{
	bd_state_close(l->s); /* NULL is fine */
	bl_ledger_free(&l->ledger);
	bl_settings_free(&l->settings);
}
