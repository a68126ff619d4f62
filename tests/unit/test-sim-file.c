/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A world's file: what is said becomes the world, what is wrong is named with
 * file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sim/sim.h"

#define MIB BL_PAGES_PER_MIB

static const struct {
	const char *text, *message;
} bad[] = {
	{ "memory = 1G\n", "w:1: a key before any [section]" },
	{ "[host]\nmemory\n", "w:2: neither \"key = value\" nor \"[section]\" nor a comment" },
	{ "[host\nmemory = 1G\n", "w:1: a section without its \"]\"" },
	{ "[hosts]\n", "w:1: unknown section [hosts]" },
	{ "[host x]\n", "w:1: unknown section [host x]" },
	{ "[guest]\n", "w:1: [guest NAME] needs a name of 1 to 127 bytes" },
	{ "[host]\n[host]\n", "w:2: [host] is given twice" },
	{ "[host]\n\n# a comment\nmemroy = 1G\n", "w:4: unknown key \"memroy\" in [host]" },
	{ "[guest web]\nstatic_max = 1G\n", "w:2: unknown key \"static_max\" in [guest web]" },
	{ "[guest web]\ntarget = 1G\n", "w:2: unknown key \"target\" in [guest web]" },
	{ "[host]\nmemory = 1G\nmemory = 2G\n", "w:3: memory is given twice in [host]" },
	{ "[host]\nnodes = 0\n", "w:2: nodes: must be a whole number from 1 to 16 in [host]" },
	{ "[host]\nnodes = 17\n", "w:2: nodes: must be a whole number from 1 to 16 in [host]" },
	{ "[host]\nnodes = two\n", "w:2: nodes: must be a whole number from 1 to 16 in [host]" },
	{ "[host]\nclaim-method = tin\n", "w:2: claim-method: \"tin\" is not holder or pool in [host]" },
	{ "[host]\nseed = -1\n",
	  "w:2: seed: must be a whole number from 0 to 18446744073709551614 in [host]" },
	{ "[guest a]\nmemory = 1G\n[guest web]\n", "w:3: [guest web] has no memory" },
	{ "[thief t]\n", "w:1: [thief t] has no size" },
	{ "[guest a]\nmemory = 2G\nstatic-max = 1G\n", "w:1: [guest a]: memory is above static-max" },
	{ "[guest a]\nmemory = 1G\nmin = 2G\n", "w:1: [guest a]: min is above static-max" },
	{ "[guest a]\nmemory = 1M\noffset = 1M\n", "w:1: [guest a]: offset is not below memory" },
	{ "[guest a]\nmemory = 1G\nbehaviour = odd\n",
	  "w:3: behaviour: \"odd\" is not normal, stuck, slow, floor:SIZE, forgetful, "
	  "vanish:DURATION, reboot:DURATION, nodriver, gives-up, own-min:SIZE, short:SIZE or "
	  "zombie:SIZE in [guest a]" },
	{ "[guest a]\nbehaviour = short\n", "w:2: behaviour: \"short\" is not" },
	{ "[guest a]\nbehaviour = short:4\n", "w:2: behaviour short: " },
	{ "[guest a]\nbehaviour = zombie\n", "w:2: behaviour: \"zombie\" is not" },
	{ "[guest a]\nbehaviour = zombie:2\n", "w:2: behaviour zombie: " },
	{ "[guest a]\nbehaviour = zombie:2G,slow\n", "w:2: behaviour: \"zombie:2G,slow\" is not" },
	{ "[guest a]\nbehaviour = odd,zombie:2G\n", "w:2: behaviour: \"odd\" is not" },
	{ "[guest a]\nbehaviour = own-min\n", "w:2: behaviour: \"own-min\" is not" },
	{ "[guest a]\nbehaviour = own-min:4\n", "w:2: behaviour own-min: " },
	{ "[guest a]\nbehaviour = floor\n", "w:2: behaviour: \"floor\" is not" },
	{ "[guest a]\nbehaviour = normal:1G\n", "w:2: behaviour: \"normal:1G\" is not" },
	{ "[guest a]\nbehaviour = floor:4\n", "w:2: behaviour floor: " },
	{ "[guest a]\nbehaviour = vanish:now\n", "w:2: behaviour vanish: " },
	{ "[guest a]\nbehaviour = reboot:now\n", "w:2: behaviour reboot: " },
	{ "[guest a]\nbehaviour = reboot\n", "w:2: behaviour: \"reboot\" is not" },
	{ "[guest a]\ntelemetry = perhaps\n", "w:2: telemetry: \"perhaps\" is not yes, no or lies" },
	{ "[guest a]\npaused = 1\n", "w:2: paused: \"1\" is not yes or no in [guest a]" },
	{ "[guest a]\ntype = xen\n", "w:2: type: \"xen\" is not pv, pvh or hvm in [guest a]" },
	{ "[guest a]\nuuid = 12\n", "w:2: uuid: \"12\" is not a UUID a guest can have" },
	{ "[guest a]\nuuid = ba11002d-c1a1-4000-8000-000000000001\n", "w:2: uuid: " },
	{ "[guest a]\nmemory = 1G\ncount = 2\nuuid = 00000000-0000-4000-8000-000000000001\n",
	  "w:1: [guest a]: a uuid for more than one guest" },
	{ "[guest a]\nmemory = 1M\ncount = 16385\n", "w:3: count: must be a whole number" },
	{ "[guest a]\nmemory = 4K\ncount = 16384\n", "w:1: [guest a]: a simulated host has at most" },
	{ "[guest a]\nmemory = 1G\nnode = 1\n", "w:1: a: the host has no node 1" },
	{ "[guest a]\nrate = 0M\n", "w:2: rate" },
	{ "[guest a]\nmemory = 4\n", "w:2: memory" },
	{ "[guest a]\nmemory = 99999999T\n", "w:2: memory" },
	{ "[host]\nmemory = 2G\ndom0 = 1G\n\n[guest a]\ntype = pv\nmemory = 1G\n",
	  "w:5: a needs 1 GiB and 56 KiB for its structures, of the host's memory 1023.9 MiB is left" },
	{ "[host]\nmemory = 1G\ndom0 = 2G\n", "w:1: Domain-0 needs 2 GiB" },
	{ "[guest \x01]\n", "w:1: the line is not UTF-8 text" },
	{ "[guest \xff]\n", "w:1: the line is not UTF-8 text" },
};

static void errors_name_file_and_line(void **state)
{
	void *mem = malloc(bl_sim_world_size());

	(void)state;
	assert_non_null(mem);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bl_err e = { 0 };
		struct bl_sim *s;

		memset(mem, 0, bl_sim_world_size());
		if (bl_sim_world_parse(mem, "w", bad[i].text, strlen(bad[i].text), &e) != -EINVAL)
			fail_msg("accepted: %s", bad[i].text);
		if (strncmp(e.msg, bad[i].message, strlen(bad[i].message)))
			fail_msg("\"%s\" does not begin with \"%s\"", e.msg, bad[i].message);
		assert_int_equal(bl_sim_open(mem, bl_sim_world_size(), &s, &e), -EBADMSG);
	}
	free(mem);
}

static void long_and_hostile_lines(void **state)
{
	static const char nul[] = "[host]\nmemory\0 = 1G\n";
	void *mem = calloc(1, bl_sim_world_size());
	struct bl_err e = { 0 };
	char text[3000];

	(void)state;
	assert_non_null(mem);
	memset(text, 'x', sizeof(text));
	assert_int_equal(bl_sim_world_parse(mem, "w", text, sizeof(text), &e), -EINVAL);
	assert_string_equal(e.msg, "w:1: the line is longer than 1023 bytes");
	assert_int_equal(bl_sim_world_parse(mem, "w", nul, sizeof(nul) - 1, &e), -EINVAL);
	assert_string_equal(e.msg, "w:2: a NUL byte");
	free(mem);
}

static struct bl_snapshot look(const char *text)
{
	void *mem = calloc(1, bl_sim_world_size());
	struct bl_snapshot snap = { 0 };
	struct bl_err e = { 0 };
	struct bl_sim *s = NULL;

	assert_non_null(mem);
	if (bl_sim_world_parse(mem, "w", text, strlen(text), &e) ||
	    bl_sim_open(mem, bl_sim_world_size(), &s, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(bl_sim_check(s, &e), 0);
	assert_int_equal(bl_sim_snapshot(s, &snap), 0);
	bl_sim_free(s);
	free(mem);
	return snap;
}

/* The world the contract shows, comments and all. */
static void contract_world(void **state)
{
	struct bl_snapshot s = look("[host]\r\nmemory = 16G\ndom0 = 1G\nnodes = 1\nseed = 1\n"
				    "[guest web]\nstatic-max = 4G\nmemory = 4G\nmin = 1G\n"
				    "rate = 400M            # a second, how fast its balloon moves\n"
				    "used = 900M            # its working set\ntelemetry = yes\n"
				    "behaviour = normal     # stuck | slow | floor:SIZE\n");

	(void)state;
	assert_int_equal(s.total.n, 16384 * MIB);
	assert_int_equal(s.n_doms, 2);
	assert_string_equal(s.doms[0].name, "Domain-0");
	assert_true(s.doms[0].flags & BL_DOM_CONTROL);
	assert_int_equal(s.doms[0].tot.n, 1024 * MIB);
	assert_string_equal(s.doms[1].name, "web");
	assert_int_equal(s.doms[1].domid, 1);
	assert_int_equal(s.doms[1].tot.n, 4096 * MIB);
	assert_int_equal(s.doms[1].static_max.n, 4096 * MIB);
	assert_true(s.doms[1].has_dyn_min && s.doms[1].dyn_min.n == 1024 * MIB);
	assert_true(s.doms[1].tele.present && s.doms[1].tele.used.n == 900 * MIB);
	assert_int_equal(s.doms[1].flags, BL_DOM_ANNOUNCED | BL_DOM_DRIVER);
	bl_snapshot_free(&s);
}

static void default_world(void **state)
{
	struct bl_snapshot s = look(bl_sim_default_world), t = look(bl_sim_default_world);

	(void)state;
	assert_int_equal(s.total.n, 16384 * MIB);
	assert_int_equal(s.n_doms, 7);
	assert_true(s.free.n < 1024 * MIB);
	for (size_t i = 1; i < s.n_doms; i++) {
		assert_true(bl_uuid_equal(&s.doms[i].uuid, &t.doms[i].uuid));
		assert_false(bl_uuid_equal(&s.doms[i].uuid, &s.doms[i - 1].uuid));
	}
	bl_snapshot_free(&s);
	bl_snapshot_free(&t);
}

/* Many of one kind, and two of one name, which Xen allows. */
static void counted_guests(void **state)
{
	struct bl_snapshot s = look("[guest g]\nmemory = 8M\ncount = 1000\n"
				    "[guest g-7]\nmemory = 8M\n[host]\nmemory = 16G\n");

	(void)state;
	assert_int_equal(s.n_doms, 1002);
	assert_string_equal(s.doms[7].name, "g-7");
	assert_string_equal(s.doms[1000].name, "g-1000");
	assert_string_equal(s.doms[1001].name, "g-7");
	assert_false(bl_uuid_equal(&s.doms[7].uuid, &s.doms[1001].uuid));
	bl_snapshot_free(&s);
}

static void set_checks_its_values(void **state)
{
	static const struct {
		uint32_t domid;
		const char *key, *value;
		enum bl_err_id id;
		const char *message;
	} rows[] = {
		{ 9, "used", "1G", BL_ERR_NO_SUCH_DOMAIN, "no domain 9" },
		{ 1, "memory", "1G", BL_ERR_INVALID_PARAMS, "unknown key \"memory\"" },
		{ 1, "used", "much", BL_ERR_INVALID_PARAMS, "used" },
		{ 1, "min", "9G", BL_ERR_INVALID_PARAMS, "min: above the static-max of web, 4 GiB" },
		{ 1, "target", "5G", BL_ERR_INVALID_PARAMS, "target: above the static-max of web" },
		{ 1, "behaviour", "bad", BL_ERR_INVALID_PARAMS, "behaviour: \"bad\" is not" },
	};
	void *mem = calloc(1, bl_sim_world_size());
	struct bl_err e = { 0 };
	struct bl_sim *s;

	(void)state;
	assert_non_null(mem);
	assert_int_equal(bl_sim_world_parse(mem, "w", bl_sim_default_world, strlen(bl_sim_default_world),
					    &e),
			 0);
	assert_int_equal(bl_sim_open(mem, bl_sim_world_size(), &s, &e), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(bl_sim_set(s, rows[i].domid, rows[i].key, rows[i].value, &e) < 0);
		assert_int_equal(e.id, rows[i].id);
		if (strncmp(e.msg, rows[i].message, strlen(rows[i].message)))
			fail_msg("%s", e.msg);
	}
	bl_sim_free(s);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_name_file_and_line),
		cmocka_unit_test(long_and_hostile_lines),
		cmocka_unit_test(contract_world),
		cmocka_unit_test(default_world),
		cmocka_unit_test(counted_guests),
		cmocka_unit_test(set_checks_its_values),
	};

	return cmocka_run_group_tests_name("sim-file", tests, NULL, NULL);
}
