/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: what each key means, and what is said of a bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"

static char dir[] = "test-config-XXXXXX", file[64], dropins[64];

static void write_text(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void write_to(const char *path, const char *text)
{
	write_text(path, text, strlen(text));
}

static void write_dropin(const char *name, const char *text)
{
	char path[128];

	(void)mkdir(dropins, 0700);
	snprintf(path, sizeof(path), "%s/%s", dropins, name);
	write_to(path, text);
}

static int set_up_all(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(file, sizeof(file), "%s/b.conf", dir);
	snprintf(dropins, sizeof(dropins), "%s/b.conf.d", dir);
	return 0;
}

static int clean(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s/*", dir);
	return system(cmd);
}

static int tear_down_all(void **state)
{
	clean(state);
	return rmdir(dir);
}

static void defaults_are_those_of_the_contract(void **state)
{
	struct bd_config c;

	(void)state;
	assert_int_equal(bd_config_load(file, false, &c, NULL), 0);
	assert_string_equal(c.group, "balloond");
	assert_string_equal(c.viewers, "");
	assert_int_equal(c.max_clients, 4096);
	assert_int_equal(c.settings.tick.n, 10000);
	assert_int_equal(c.settings.reserve.percent, 1);
	bd_config_free(&c);
}

static void a_named_file_must_be_there(void **state)
{
	struct bd_config c;
	struct bl_err e;
	char fifo[128];

	(void)state;
	assert_int_equal(bd_config_load(file, true, &c, &e), -ENOENT);
	assert_non_null(strstr(e.msg, file));
	assert_int_equal(bd_config_load(dir, true, &c, &e), -EISDIR);
	/* Nobody writes to a FIFO, and none is waited for. */
	assert_int_equal(mkfifo(file, 0600), 0);
	assert_int_equal(bd_config_load(file, true, &c, &e), -ENOTSUP);
	assert_non_null(strstr(e.msg, "b.conf: is no regular file"));
	assert_int_equal(unlink(file), 0);
	(void)mkdir(dropins, 0700);
	snprintf(fifo, sizeof(fifo), "%s/x.conf", dropins);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(bd_config_load(file, false, &c, &e), -ENOTSUP);
	assert_non_null(strstr(e.msg, "b.conf.d/x.conf: is no regular file"));
	assert_int_equal(unlink(fifo), 0);
}

static void every_key_is_read(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf# a comment\n"
		"[host]\r\n"
		"  reserve = 128M+2%   # and one here, longer than the two hundred bytes at which some "
		"readers of such files cut a line without a word, so that what stands behind is read as "
		"another line, or is not read at all\n"
		"dom0=manage\n"
		"dom0-min: 2G\n"
		"tick = 500ms\n"
		"[policy]\n"
		"kind = proportional\nsurplus = give\nheadroom = 30%\nthreshold = 1.5M\n"
		"stuck-after = 1s\nretry-after = 2s\ntelemetry-stale-after = 3s\nboot-grace = 0s\n"
		"[defaults]\n"
		"mode = ignore\nmin = 25%\nmin-with-driver = 300M\nweight = 7\n"
		"[claims]\n"
		"wait = 5m\nkeep-warm = 0s\nttl = 2h\nmax-ttl = 3h\noverhead = 3%\n"
		"[control]\n"
		"group = (none)\nviewers = staff\nmax-clients = 12\n"
		"[metrics]\n"
		"listen = (off)\n"
		"[ domain  a b ]\n"
		"mode = auto\nmin = 10%\nmax = 1G\nweight = 65535\n"
		"[domain 0A000000-0000-0000-0000-00000000000F]\n"
		"min = 64M";
	struct bl_config_domain *d;
	struct bl_settings *s;
	struct bd_config c;
	struct bl_err e;

	(void)state;
	write_to(file, text);
	if (bd_config_load(file, true, &c, &e))
		fail_msg("%s", e.msg);
	s = &c.settings;
	assert_int_equal(s->reserve.fixed.n, 128 * 256);
	assert_int_equal(s->reserve.percent, 2);
	assert_true(s->dom0_manage);
	assert_int_equal(s->dom0_min.n, 2048 * 256);
	assert_int_equal(s->tick.n, 500);
	assert_int_equal(s->policy, BL_POLICY_PROPORTIONAL);
	assert_true(s->surplus_give);
	assert_int_equal(s->headroom, 30);
	assert_int_equal(s->threshold.n, 384);
	assert_int_equal(s->stuck_after.n, 1000);
	assert_int_equal(s->retry_after.n, 2000);
	assert_int_equal(s->telemetry_stale_after.n, 3000);
	assert_int_equal(s->boot_grace.n, 0);
	assert_int_equal(s->mode, BL_MODE_IGNORE);
	assert_true(s->min.is_percent && s->min.percent == 25);
	assert_true(!s->min_with_driver.is_percent && s->min_with_driver.pages.n == 300 * 256);
	assert_int_equal(s->weight, 7);
	assert_int_equal(s->wait.n, 300000);
	assert_int_equal(s->keep_warm.n, 0);
	assert_int_equal(s->ttl.n, 7200000);
	assert_int_equal(s->max_ttl.n, 10800000);
	assert_int_equal(s->overhead.fixed.n, 0);
	assert_int_equal(s->overhead.percent, 3);
	assert_string_equal(c.group, "");
	assert_string_equal(c.viewers, "staff");
	assert_int_equal(c.max_clients, 12);
	d = bl_settings_config(s, "a b");
	assert_true(d->limits.has_mode && d->limits.has_min && d->limits.has_max && d->limits.has_weight);
	assert_int_equal(d->limits.max.n, 1024 * 256);
	d = bl_settings_config(s, "0a000000-0000-0000-0000-00000000000f");
	assert_true(d->limits.has_min && !d->limits.has_max && !d->limits.has_mode);
	bd_config_free(&c);
}

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123456789"

#define LONG_HALF LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME LONG_NAME
#define LONG_LINE LONG_HALF LONG_HALF

static void bad_lines_are_named(void **state)
{
	/* Each: the text, and the end of the message after "FILE:". */
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "[hosts]\n", "1: unknown section [hosts]" },
		{ "\n\n[Host]\n", "3: unknown section [Host]" },
		{ "[host]\ntock = 1s\n", "2: unknown key 'tock' in [host]" },
		{ "[host]\nTick = 1s\n", "2: unknown key 'Tick' in [host]" },
		{ "tick = 1s\n", "1: a key before any [section]" },
		{ "[host]\ntick\n", "2: neither \"key = value\" nor \"[section]\" nor a comment" },
		{ "[host\n", "1: a section without its \"]\"" },
		{ "[host] tick = 1s\n", "1: only a comment may follow a section on its line" },
		{ "[]\n", "1: unknown section []" },
		{ "[domain]\n", "1: unknown section [domain]" },
		{ "[domain  ]\n", "1: unknown section [domain]" },
		{ "[domains x]\n", "1: unknown section [domains x]" },
		{ "[domain a\x01"
		  "b]\n",
		  "1: [domain] wants a name of 1 to 127 bytes without control "
		  "or invisible characters, or a UUID" },
		{ "[domain \xff]\n", "1: [domain] wants a name of 1 to 127 bytes without control "
				     "or invisible characters, or a UUID" },
		{ "[domain " LONG_NAME LONG_NAME "]\n",
		  "1: [domain] wants a name of 1 to 127 bytes "
		  "without control or invisible characters, or a UUID" },
		{ "[domain " LONG_NAME LONG_NAME LONG_NAME "]\n", "1: the name of the section is too long" },
		{ "[host]\n#" LONG_LINE "\n", "2: the line is longer than 1023 bytes" },
		{ "[domain x]\nmin = 2G\nmax = 1G\n", "3: max: '1G' makes min larger than max" },
		{ "[domain x]\nmax = 1G\n\nmin = 2G\n", "4: min: '2G' makes min larger than max" },
		{ "[domain x]\nmode = manual\n", "2: mode: 'manual' is none of: auto, ignore" },
		{ "[domain x]\nsize = 1G\n", "2: unknown key 'size' in [domain]" },
		{ "[host]\ntick = 0s\n", "2: tick: '0s' is zero" },
		{ "[host]\ntick = 10\n", "2: tick: '10' has no unit of time" },
		{ "[host]\ntick = 1ms\n", "2: tick: '1ms' is not between 100ms and 1h" },
		{ "[host]\ntick = 2h\n", "2: tick: '2h' is not between 100ms and 1h" },
		{ "[host]\nreserve = 64\n", "2: reserve: '64' has no unit" },
		{ "[host]\nreserve = 64M+101%\n", "2: reserve: '101%' is more than 100%" },
		{ "[host]\nreserve =\n", "2: reserve: empty" },
		{ "[host]\ndom0 = yes\n", "2: dom0: 'yes' is none of: ignore, manage" },
		{ "[host]\ndom0-min = 0M\n", "2: dom0-min: '0M' is zero" },
		{ "[policy]\nkind = fair\n", "2: kind: 'fair' is none of: demand, proportional, static" },
		{ "[policy]\nsurplus = yes\n", "2: surplus: 'yes' is none of: keep, give" },
		{ "[policy]\nheadroom = 20\n", "2: headroom: '20' is not a whole percentage" },
		{ "[policy]\nthreshold = -1M\n", "2: threshold: '-1M' has a sign" },
		{ "[policy]\nstuck-after = 0s\n", "2: stuck-after: '0s' is zero" },
		{ "[defaults]\nmin = 101%\n", "2: min: '101%' is more than 100%" },
		{ "[defaults]\nmin = 4\n", "2: min: '4' has no unit" },
		{ "[defaults]\nweight = 0\n", "2: weight: '0' is not a whole number from 1 to 65535" },
		{ "[defaults]\nweight = 65536\n",
		  "2: weight: '65536' is not a whole number from 1 to 65535" },
		{ "[defaults]\nweight = 99999999999999999999\n",
		  "2: weight: '99999999999999999999' is not a whole number from 1 to 65535" },
		{ "[defaults]\nweight = 1x\n", "2: weight: '1x' is not a whole number from 1 to 65535" },
		{ "[defaults]\nweight =\n", "2: weight: '' is not a whole number from 1 to 65535" },
		{ "[claims]\nmax-ttl = 1m\n", "2: max-ttl is shorter than ttl" },
		{ "[claims]\nttl = 48h\n", "2: max-ttl is shorter than ttl" },
		{ "[claims]\noverhead = 1e3M\n", "2: overhead: '1e3M': 'e3M' is no unit" },
		{ "[control]\ngroup =\n", "2: group: '' is no name of a group" },
		{ "[control]\ngroup = a b\n", "2: group: 'a b' is no name of a group" },
		{ "[control]\nmax-clients = 0\n",
		  "2: max-clients: '0' is not a whole number from 1 to 65536" },
		{ "[metrics]\nlisten = 127.0.0.1:9877\n", "2: listen: '127.0.0.1:9877': metrics are not "
							  "supported in this version, only (off) is" },
		{ "[host]\ntick = \x1b[31m\n", "2: tick: '?[31m' is not a duration" },
	};
	struct bd_config c;
	struct bl_err e;
	char want[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_to(file, rows[i].text);
		if (bd_config_load(file, true, &c, &e) != -EINVAL)
			fail_msg("taken: %s", rows[i].text);
		snprintf(want, sizeof(want), "%s:%s", file, rows[i].want);
		if (strncmp(e.msg, want, strlen(want)))
			fail_msg("got \"%s\", not \"%s\"", e.msg, want);
		/* the same in the middle of other things says the same */
		assert_int_equal(e.id, BL_ERR_INVALID_PARAMS);
	}
}

static void a_nul_is_refused(void **state)
{
	struct bd_config c;
	struct bl_err e;

	(void)state;
	write_text(file, "[host]\ntick = 1s\0\n", 18);
	assert_int_equal(bd_config_load(file, true, &c, &e), -EINVAL);
	assert_non_null(strstr(e.msg, ":2: a NUL byte"));
}

static void dropins_come_after_in_order(void **state)
{
	struct bd_config c;
	struct bl_err e;
	char want[128];

	(void)state;
	write_to(file, "[host]\ntick = 1s\nreserve = 1M\n");
	write_dropin("20-b.conf", "[host]\ntick = 3s\n");
	write_dropin("10-a.conf", "[host]\ntick = 2s\nreserve = 2M\n");
	write_dropin("30-c.conf.bak", "[host]\ntick = 4s\n");
	write_dropin(".hidden.conf", "nonsense");
	assert_int_equal(bd_config_load(file, true, &c, &e), 0);
	assert_int_equal(c.settings.tick.n, 3000);
	assert_int_equal(c.settings.reserve.fixed.n, 512);
	bd_config_free(&c);

	/* a section does not reach into the next file */
	write_dropin("15-x.conf", "tick = 5s\n");
	assert_int_equal(bd_config_load(file, true, &c, &e), -EINVAL);
	snprintf(want, sizeof(want), "%s/15-x.conf:1: a key before any [section]", dropins);
	assert_string_equal(e.msg, want);

	/* the default file may be missing, its drop-ins count */
	write_dropin("15-x.conf", "");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(bd_config_load(file, false, &c, &e), 0);
	assert_int_equal(c.settings.tick.n, 3000);
	bd_config_free(&c);
}

static void nothing_is_written_when_it_fails(void **state)
{
	struct bd_config c;

	(void)state;
	memset(&c, 0x5a, sizeof(c));
	write_to(file, "[host]\ntick = 1s\n[domain x]\nmin = 1G\n[bad]\n");
	assert_int_equal(bd_config_load(file, true, &c, NULL), -EINVAL);
	assert_int_equal(c.max_clients, 0x5a5a5a5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults_are_those_of_the_contract, clean),
		cmocka_unit_test_teardown(a_named_file_must_be_there, clean),
		cmocka_unit_test_teardown(every_key_is_read, clean),
		cmocka_unit_test_teardown(bad_lines_are_named, clean),
		cmocka_unit_test_teardown(a_nul_is_refused, clean),
		cmocka_unit_test_teardown(dropins_come_after_in_order, clean),
		cmocka_unit_test_teardown(nothing_is_written_when_it_fails, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
