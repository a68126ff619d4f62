/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shares of the control socket, on a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/control/quota.h"

#define MAX 4096
#define MIB ((size_t)1 << 20)

static struct bd_quota q;
static struct bl_err err;
static uint64_t now;

static int set_up(void **state)
{
	(void)state;
	bd_quota_init(&q, MAX);
	now = 1000000;
	return 0;
}

static struct bd_user *open_one(uid_t uid, enum bd_rank rank)
{
	return bd_quota_connect(&q, uid, rank, now, &err);
}

/* As many connections of uid as it gets, each in a second of its own; at most `most`. */
static unsigned open_all(uid_t uid, enum bd_rank rank, unsigned most)
{
	unsigned n = 0;

	while (n < most && open_one(uid, rank)) {
		n++;
		now += 1000;
	}
	return n;
}

static void ranks(void **state)
{
	(void)state;
	assert_int_equal(bd_quota_rank(BD_ROLE_ADMIN, 0), BD_RANK_ROOT);
	assert_int_equal(bd_quota_rank(BD_ROLE_ADMIN, 7), BD_RANK_GROUP);
	assert_int_equal(bd_quota_rank(BD_ROLE_VIEWER, 7), BD_RANK_VIEWER);
	assert_int_equal(bd_quota_rank(BD_ROLE_NONE, 7), BD_RANK_REFUSED);
	assert_int_equal(bd_quota_rank(BD_ROLE_NONE, (uid_t)-1), BD_RANK_REFUSED);
}

/* One viewer, all viewers, one member, all but root: each finds its end, and the ranks
 * above still get in. */
static void connections_are_shared(void **state)
{
	(void)state;
	assert_int_equal(open_all(1, BD_RANK_VIEWER, MAX), MAX / 8);
	assert_non_null(strstr(err.msg, "max-clients"));
	for (uid_t uid = 2; uid < 40; uid++)
		(void)open_all(uid, BD_RANK_VIEWER, MAX);
	assert_int_equal(q.conns[BD_RANK_VIEWER], MAX / 2);
	assert_int_equal(open_all(100, BD_RANK_GROUP, MAX), MAX * 7 / 8 - MAX / 2);
	assert_null(open_one(101, BD_RANK_GROUP));
	assert_int_equal(open_all(0, BD_RANK_ROOT, 2 * MAX), MAX / 8 + BD_QUOTA_ROOT_EXTRA);
	assert_non_null(strstr(err.msg, "max-clients"));
	assert_int_equal(err.id, BL_ERR_BAD_STATE);
}

static void a_member_has_half(void **state)
{
	(void)state;
	assert_int_equal(open_all(100, BD_RANK_GROUP, MAX), MAX / 2);
	assert_int_equal(open_all(101, BD_RANK_GROUP, MAX), MAX * 7 / 8 - MAX / 2);
}

/* Whatever max-clients is, each rank gets in at first. */
static void small_limits(void **state)
{
	(void)state;
	for (unsigned max = 1; max < 20; max++) {
		struct bd_user *u;

		bd_quota_init(&q, max);
		for (int rank = BD_RANK_ROOT; rank <= BD_RANK_VIEWER; rank++) {
			u = open_one(rank ? 7 : 0, (enum bd_rank)rank);
			assert_non_null(u);
			bd_quota_disconnect(&q, u);
		}
	}
}

static unsigned burst(uid_t uid, enum bd_rank rank, unsigned tries)
{
	unsigned n = 0;

	while (tries--) {
		struct bd_user *u = open_one(uid, rank);

		if (u) {
			bd_quota_disconnect(&q, u);
			n++;
		}
	}
	return n;
}

static void connections_a_second(void **state)
{
	(void)state;
	assert_int_equal(burst(1, BD_RANK_VIEWER, 5000), 1000);
	assert_non_null(strstr(err.msg, "uid 1 opens more than 100"));
	assert_int_equal(burst(2, BD_RANK_VIEWER, 10), 10); /* somebody else */
	assert_int_equal(burst(1, BD_RANK_GROUP, 10), 10);  /* as something else */
	now += 10;
	assert_int_equal(burst(1, BD_RANK_VIEWER, 5000), 1);
	now += 1000;
	assert_int_equal(burst(1, BD_RANK_VIEWER, 5000), 100);
	now -= 5000; /* a clock that goes back gives nothing */
	assert_int_equal(burst(1, BD_RANK_VIEWER, 5000), 0);
	now += UINT32_MAX;
	assert_int_equal(burst(1, BD_RANK_VIEWER, 5000), 1000);
	assert_int_equal(burst(1, BD_RANK_GROUP, 9000), 4096);
	assert_int_equal(burst(0, BD_RANK_ROOT, 100000), 100000);
	assert_int_equal(burst(3, BD_RANK_REFUSED, 5000), 200);
	assert_int_equal(burst(4, BD_RANK_REFUSED, 5000), 0); /* others are one */
}

/* A user with many uids gains no more than the table has rows. */
static void many_uids(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uid_t uid = 100000; uid < 100000 + 65536; uid++)
		n += burst(uid, BD_RANK_VIEWER, 1);
	assert_int_equal(n, BD_QUOTA_USERS + 1000); /* the rest share one bucket */
	/* those that have a row still are who they were */
	assert_int_equal(burst(100000, BD_RANK_VIEWER, 5000), 999);
	/* and rows are free again when their users may open as many as anybody */
	now += 10000;
	assert_int_equal(burst(200000, BD_RANK_VIEWER, 5000), 1000);
	for (uid_t uid = 100000; uid < 100000 + 65536; uid++)
		(void)open_one(uid, BD_RANK_VIEWER);
	assert_in_range(q.conns[BD_RANK_VIEWER], BD_QUOTA_USERS, MAX / 2);
	assert_non_null(open_one(7, BD_RANK_GROUP));
}

static void refused_ones_are_few(void **state)
{
	(void)state;
	assert_int_equal(open_all(7, BD_RANK_REFUSED, MAX), BD_QUOTA_REFUSED_MAX);
	assert_int_equal(open_all(8, BD_RANK_REFUSED, MAX), 0);
	assert_non_null(open_one(1, BD_RANK_VIEWER));
}

static void bytes_of_one_user(void **state)
{
	struct bd_user *viewer = open_one(1, BD_RANK_VIEWER), *root = open_one(0, BD_RANK_ROOT);

	(void)state;
	bd_quota_add_held(&q, root, 2 * MIB, 0);
	assert_null(bd_quota_over_held(&q, root));
	bd_quota_add_held(&q, viewer, MIB, 0);
	assert_null(bd_quota_over_held(&q, viewer));
	bd_quota_add_held(&q, viewer, 1, 0);
	assert_ptr_equal(bd_quota_over_held(&q, viewer), viewer);
	assert_null(bd_quota_over_held(&q, root));
	bd_quota_add_held(&q, viewer, 0, 1);
	assert_null(bd_quota_over_held(&q, viewer));
	bd_quota_add_unsent(&q, viewer, 8 * MIB + 1, 0);
	assert_ptr_equal(bd_quota_over_unsent(&q, viewer), viewer);
	assert_int_equal(bd_quota_bytes(&q), 11 * MIB + 1);
}

/* When many users are each within their limit, who has most gives; other ranks never do. */
static void bytes_of_a_rank(void **state)
{
	struct bd_user *users[6], *root = open_one(0, BD_RANK_ROOT);

	(void)state;
	bd_quota_add_held(&q, root, 15 * MIB, 0);
	for (unsigned i = 0; i < 6; i++) {
		users[i] = open_one(i + 1, BD_RANK_VIEWER);
		bd_quota_add_held(&q, users[i], MIB / 2 + i, 0);
	}
	assert_null(bd_quota_over_held(&q, users[0]));
	bd_quota_add_held(&q, users[0], MIB / 4, 0);
	bd_quota_add_held(&q, users[1], MIB / 2 - 1, 0);
	bd_quota_add_held(&q, users[2], MIB / 2 - 2, 0);
	assert_ptr_equal(bd_quota_over_held(&q, users[3]), users[1]);
	assert_null(bd_quota_over_held(&q, root));
}

static void requests_in_flight(void **state)
{
	struct bd_user *viewer = open_one(1, BD_RANK_VIEWER), *root = open_one(0, BD_RANK_ROOT);

	(void)state;
	for (viewer->calls = 0; bd_quota_may_call(viewer); viewer->calls++)
		;
	assert_int_equal(viewer->calls, 64);
	root->calls = 100000;
	assert_true(bd_quota_may_call(root));
}

static void a_rank_changes(void **state)
{
	const struct bd_charge charge = { .calls = 2, .held = 10, .unsent = 20 };
	struct bd_user *member = open_one(7, BD_RANK_GROUP), *viewer;

	(void)state;
	assert_ptr_equal(open_one(7, BD_RANK_GROUP), member);
	member->calls = 3;
	bd_quota_add_held(&q, member, 15, 0);
	bd_quota_add_unsent(&q, member, 20, 0);
	viewer = bd_quota_move(&q, member, 7, BD_RANK_VIEWER, &charge);
	assert_ptr_not_equal(viewer, member);
	assert_int_equal(viewer->rank, BD_RANK_VIEWER);
	assert_int_equal(viewer->conns + 10 * viewer->calls, 21);
	assert_int_equal(viewer->held, 10);
	assert_int_equal(viewer->unsent, 20);
	assert_int_equal(member->conns + 10 * member->calls, 11);
	assert_int_equal(member->held, 5);
	assert_int_equal(q.unsent[BD_RANK_GROUP], 0);
	assert_int_equal(q.conns[BD_RANK_VIEWER], 1);
	assert_ptr_equal(open_one(7, BD_RANK_VIEWER), viewer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranks, set_up),
		cmocka_unit_test_setup(connections_are_shared, set_up),
		cmocka_unit_test_setup(a_member_has_half, set_up),
		cmocka_unit_test_setup(small_limits, set_up),
		cmocka_unit_test_setup(connections_a_second, set_up),
		cmocka_unit_test_setup(many_uids, set_up),
		cmocka_unit_test_setup(refused_ones_are_few, set_up),
		cmocka_unit_test_setup(bytes_of_one_user, set_up),
		cmocka_unit_test_setup(bytes_of_a_rank, set_up),
		cmocka_unit_test_setup(requests_in_flight, set_up),
		cmocka_unit_test_setup(a_rank_changes, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
