/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One daemon a Xen host: a second one touches nothing. */
#include "tests/unit/xen-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/app.h"
#include "daemon/base/log.h"
#include "daemon/xen/xen.h"

static char said[512];
static void note(int priority, const char *line)
{
	(void)priority;
	snprintf(said, sizeof(said), "%s", line);
}

static int lock(void)
{
	struct bl_err err;

	return bd_host_xen_lock(&err);
}

static void test_one(void **state)
{
	struct fixture *f = new_fixture();
	struct bl_err err;
	int fd = lock();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(bd_host_xen_lock(&err), -EBUSY);
	assert_non_null(strstr(err.msg, "another balloond"));
	assert_non_null(strstr(err.msg, "host.lock"));
	close(fd);
	fd = lock();
	assert_true(fd >= 0);
	close(fd);
	stop(f);
}

/* Nobody but root may hold the file open, and so lock it. */
static void test_private(void **state)
{
	struct fixture *f = new_fixture();
	char path[128];
	struct stat st;
	int fd = lock();

	(void)state;
	snprintf(path, sizeof(path), "%s/host.lock", bd_xen_lock_folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(fd);
	stop(f);
}

/* The folder is made where it is missing; where it cannot be, the error names it. */
static void test_folder(void **state)
{
	struct fixture *f = new_fixture();
	const char *folder = bd_xen_lock_folder;
	struct bl_err err;
	char path[128];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/run", folder);
	bd_xen_lock_folder = path;
	fd = lock();
	assert_true(fd >= 0);
	close(fd);
	bd_xen_lock_folder = "/no/such/folder";
	assert_true(bd_host_xen_lock(&err) < 0);
	assert_non_null(strstr(err.msg, "/no/such/folder/host.lock"));
	/* Not through a link to somewhere else. */
	bd_xen_lock_folder = folder;
	snprintf(path, sizeof(path), "%s/host.lock", folder);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(bd_host_xen_lock(&err), -ELOOP);
	stop(f);
}

static int run_balloond(int n, const char *const *words)
{
	return bd_app_main(n, (char **)(uintptr_t)words);
}

/* A daemon that comes second leaves the first one's holders, its pool, and the folders alone. */
static void test_second(void **state)
{
	struct fixture *f = new_fixture();
	char dir[64], config[64];
	const char *const daemon[] = {
		"balloond", "--state-dir", dir, "--config", config, "--socket", "/no/such/folder/socket",
		NULL
	};
	const char *const drop[] = { "balloond", "--drop-holders", NULL };
	struct stat st;
	int fd = lock();

	(void)state;
	/* No settings: the file of the lock, which is empty. */
	snprintf(config, sizeof(config), "%s/host.lock", bd_xen_lock_folder);
	bd_log_set_sink(note);
	said[0] = '\0';
	snprintf(dir, sizeof(dir), "%s/state", bd_xen_lock_folder);
	assert_true(bl_uuid_parse("ba11002d-c1a1-4000-8000-000000000001",
				  &fake_xen_add(9, false, false, 0)->handle));
	fake_xen.patched = true;
	fake_xen.pool[FAKE_NODES] = 100;
	assert_int_equal(run_balloond(7, daemon), 1);
	if (!strstr(said, "another balloond"))
		fail_msg("%s", said);
	assert_int_equal(stat(dir, &st), -1);
	assert_int_equal(run_balloond(2, drop), 1);
	assert_non_null(fake_xen_find(9));
	assert_int_equal(fake_xen.pool[FAKE_NODES], 100);
	assert_int_equal(fake_xen.calls, 0);
	/* The first one ends: now they are dropped. */
	close(fd);
	assert_int_equal(run_balloond(2, drop), 0);
	assert_null(fake_xen_find(9));
	assert_int_equal(fake_xen.pool[FAKE_NODES], 0);
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
