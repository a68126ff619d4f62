/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that fails, for a moment or for long: what is recorded there is not lost by that. */
#include "tests/unit/state-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "01010101-0101-4001-8001-010101010101"

static bool exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void record_claim(void)
{
	struct bl_claim c = claim(1);
	struct loaded l;

	load(&l, &boot);
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	unload(&l);
}

/* ---- what is no fault of the file ------------------------------------------------ */

static int try_load(struct bl_err *e)
{
	struct loaded l = { 0 };
	int r;

	bl_settings_init(&l.settings);
	r = bd_state_open(folder, NULL, &l.s, e);
	if (r == 0)
		r = bd_state_load(l.s, &boot, &l.ledger, &l.settings, &l.paused, e);
	unload(&l);
	return r;
}

/* What the disk says to so many reads. */
static int read_error;
static unsigned read_errors;

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n)
{
	if (!read_errors)
		return __real_read(fd, buf, n);
	read_errors--;
	errno = read_error;
	return -1;
}

/* It is read again; where that goes on the start fails, and says which file it was. */
static void an_error_that_passes_loses_nothing(void **state)
{
	static const int errors[] = { EIO, EMFILE, ENFILE, ENOMEM, EACCES };
	struct loaded l;
	struct bl_err e;

	(void)state;
	record_claim();
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		read_error = errors[i];
		read_errors = UINT32_MAX;
		assert_int_equal(try_load(&e), -errors[i]);
		assert_non_null(strstr(e.msg, "claims/" ID " cannot be read: "));
		assert_non_null(strstr(e.msg, strerror(errors[i])));
		read_errors = 2;
		load(&l, &boot);
		assert_int_equal(l.ledger.n, 1);
		unload(&l);
	}
	read_errors = 0;
	assert_true(exists("claims/" ID) && !exists("claims/" ID ".bad"));
	assert_int_equal(warnings, 0);
}

/* What the disk says when it is asked so often whether a file is there. */
static int look_error;
static unsigned look_errors;

int __real_faccessat(int dir, const char *name, int mode, int flags);
int __wrap_faccessat(int dir, const char *name, int mode, int flags);
int __wrap_faccessat(int dir, const char *name, int mode, int flags)
{
	if (!look_errors)
		return __real_faccessat(dir, name, mode, flags);
	look_errors--;
	errno = look_error;
	return -1;
}

static void an_error_that_passes_ends_no_pause(void **state)
{
	static const int errors[] = { EIO, ENOMEM, ENFILE, EACCES };
	struct loaded l;
	struct bl_err e;
	uint64_t seq;

	(void)state;
	load(&l, &boot);
	assert_int_equal(bd_state_set_paused(l.s, true, &seq), 0);
	unload(&l);
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		look_error = errors[i];
		look_errors = UINT32_MAX;
		assert_int_equal(try_load(&e), -errors[i]);
		assert_non_null(strstr(e.msg, "/paused cannot be read: "));
		look_errors = 2;
		load(&l, &boot);
		assert_true(l.paused);
		unload(&l);
	}
	look_errors = 0;
}

/* ---- a folder that cannot be written --------------------------------------------- */

static bool read_only;

int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags)
{
	if (!read_only)
		return __real_unlinkat(dir, name, flags);
	errno = EROFS;
	return -1;
}

/* How many claims a start finds that has them in another folder than the older balloond. */
static size_t claims_at_start(const char *claims)
{
	struct loaded l = { 0 };
	struct bl_err e;
	size_t n;

	bl_settings_init(&l.settings);
	if (bd_state_open(folder, claims, &l.s, &e) ||
	    bd_state_load(l.s, &boot, &l.ledger, &l.settings, &l.paused, &e))
		fail_msg("%s", e.msg);
	n = l.ledger.n;
	unload(&l);
	return n;
}

/* The start goes on, and a claim that ends does not come back from there. */
static void old_claims_that_stay_do_not_come_back(void **state)
{
	char claims[80], path[160];

	(void)state;
	record_claim();
	snprintf(claims, sizeof(claims), "%s-run/claims", folder);
	read_only = true;
	assert_int_equal(claims_at_start(claims), 1);
	assert_true(exists("claims/" ID));
	assert_int_equal(claims_at_start(claims), 1);
	snprintf(path, sizeof(path), "%s/" ID, claims);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(claims_at_start(claims), 0);
	read_only = false;
	assert_int_equal(claims_at_start(claims), 0);
	warnings = 0;
}

static void add_problem(void *ud, const char *line)
{
	snprintf(ud, 1024, "%s", line);
}

static void retry(struct bd_state *s)
{
	for (int i = 0; i < 30 && bd_state_failing(s); i++) {
		bd_state_retry(s);
		usleep(100000); /* it is not tried more often than once a second */
	}
}

/* Something else is in its place: everything goes on, and it recovers. */
static void a_missing_folder_is_made_later(void **state)
{
	char problem[1024] = "";
	struct bl_claim c = claim(1);
	struct loaded l;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s", folder);
	assert_int_equal(symlink("/proc/self/nowhere/state", path), 0);
	load(&l, &boot);
	assert_true(bd_state_failing(l.s));
	bd_state_problems(l.s, add_problem, problem);
	assert_non_null(strstr(problem, "state cannot be saved in "));
	assert_int_equal(bd_state_save_claim(l.s, &c), 0);
	assert_true(bd_state_written(l.s, BD_STATE_CLAIM, &c.id, c.record) < 0);
	assert_int_equal(unlink(path), 0);
	retry(l.s);
	assert_false(bd_state_failing(l.s));
	assert_int_equal(bd_state_written(l.s, BD_STATE_CLAIM, &c.id, c.record), 0);
	unload(&l);
	load(&l, &boot);
	assert_int_equal(l.ledger.n, 1);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_error_that_passes_loses_nothing, clean),
		cmocka_unit_test_teardown(an_error_that_passes_ends_no_pause, clean),
		cmocka_unit_test_teardown(old_claims_that_stay_do_not_come_back, clean),
		cmocka_unit_test_teardown(a_missing_folder_is_made_later, clean),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
