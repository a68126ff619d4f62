/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Xen backend on a hypervisor that has the project's patch, or not. */
#include "tests/unit/xen-fixture.h"

#include <errno.h>
#include <string.h>
#include <xenctrl.h>

#define ANY FAKE_NO_NODE

static struct fixture *patched(void)
{
	struct fixture *f = new_fixture();

	fake_xen.patched = true;
	fake_xen.nodes = 2;
	fake_xen.node_total[2] = 300000;
	fake_xen.node_free[2] = 200000;
	return f;
}

static int set(struct fixture *f, int node, uint64_t pages)
{
	return f->h->ops->pool_set(f->h, node, BL_PAGES(pages), &f->e);
}

static int move(struct fixture *f, int node, uint32_t domid, uint64_t pages)
{
	return f->h->ops->pool_move(f->h, node, domid, BL_PAGES(pages), &f->e);
}

static void says(const struct fixture *f, enum bl_err_id id, const char *what)
{
	assert_int_equal(f->e.id, id);
	if (!strstr(f->e.msg, what))
		fail_msg("'%s' does not say '%s'", f->e.msg, what);
}

/* What a daemon finds out at its start, and how loudly. */
static void test_probe(void **state)
{
	static const struct {
		bool patched, pool;
		uint32_t version;
		int fail;
		unsigned lines;
	} rows[] = {
		{ false, false, 1, 0, 0 }, /* stock Xen is no news */
		{ true, true, 1, 0, 0 },
		{ true, false, 2, 0, 1 },
		{ true, false, 1, EPERM, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fixture *f = new_fixture();

		fake_xen.patched = rows[i].patched;
		fake_xen.claim_version = rows[i].version;
		fake_xen.fail_query = rows[i].fail;
		start(f);
		assert_int_equal(f->h->pool, rows[i].pool);
		assert_int_equal(log_lines, rows[i].lines);
		stop(f);
	}
}

/* An error that passes is no answer: who took it for "no pool" would lose what stands there. */
static void test_probe_fails(void **state)
{
	static const int errors[] = { EAGAIN, EBUSY, EFAULT, EINVAL, EIO, ENOMEM };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct fixture *f = new_fixture();

		fake_xen.patched = true;
		fake_xen.fail_query = errors[i];
		assert_int_equal(try_start(f), -errors[i]);
		says(f, BL_ERR_BACKEND, "cannot read the host");
		stop(f);
	}
}

static void test_set(void **state)
{
	struct fixture *f = patched();

	(void)state;
	start(f);
	assert_int_equal(set(f, -1, 100000), 0);
	assert_int_equal(set(f, 2, 30000), 0);
	assert_int_equal(fake_xen.pool[ANY], 100000);
	assert_int_equal(fake_xen.pool[2], 30000);
	assert_int_equal(look(f, 0)->domid, 0);
	assert_int_equal(f->s.n_doms, 1); /* nobody holds it */
	assert_int_equal(f->s.pool.n, 100000);
	assert_int_equal(f->s.outstanding.n, 130000);
	assert_int_equal(bl_snapshot_pool(&f->s, -1).n, 100000);
	assert_int_equal(bl_snapshot_pool(&f->s, 2).n, 30000);
	assert_int_equal(bl_snapshot_pool(&f->s, 0).n, 0);
	assert_int_equal(bl_snapshot_node_room(&f->s, 2).n, 170000);
	assert_int_equal(bl_snapshot_node_room(&f->s, 1).n, 0);
	assert_int_equal(set(f, -1, 1), 0);
	assert_int_equal(fake_xen.pool[ANY], 1);
	stop(f);
}

static void test_set_fails(void **state)
{
	static const struct {
		int node, fail, r;
		uint64_t pages;
		enum bl_err_id id;
		const char *says;
	} rows[] = {
		{ -1, 0, -ENOMEM, 600000, BL_ERR_NO_MEMORY, "no room for a pool of 2.3 GiB" },
		{ 2, 0, -ENOMEM, 200001, BL_ERR_NO_MEMORY, "on node 2" },
		{ 1, 0, -ERANGE, 10, BL_ERR_UNSUPPORTED, "no node 1" },
		{ -1, EPERM, -EPERM, 1000, BL_ERR_BACKEND, "refuses a pool" },
	};
	struct fixture *f = patched();

	(void)state;
	start(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fake_xen.fail_claim = rows[i].fail;
		assert_int_equal(set(f, rows[i].node, rows[i].pages), rows[i].r);
		says(f, rows[i].id, rows[i].says);
		assert_int_equal(fake_xen_outstanding(), 0);
	}
	stop(f);
}

/* A node that somebody has taken since we looked at it is looked at again. */
static void test_node_taken(void **state)
{
	struct fixture *f = patched();

	(void)state;
	start(f);
	assert_int_equal(bl_snapshot_node_room(&f->s, 2).n, 200000);
	fake_xen.node_free[2] = 5000;
	look(f, 0);
	assert_int_equal(bl_snapshot_node_room(&f->s, 2).n, 200000); /* a second old at most */
	assert_int_equal(set(f, 2, 10000), -ENOMEM);
	look(f, 0);
	assert_int_equal(bl_snapshot_node_room(&f->s, 2).n, 5000);
	stop(f);
}

static void test_move(void **state)
{
	struct fixture *f = patched();
	struct fake_domain *d;

	(void)state;
	start(f);
	assert_int_equal(set(f, -1, 1000), 0);
	assert_int_equal(set(f, 2, 1000), 0);
	d = fake_xen_add(5, true, false, 100);
	d->max = 800;
	look(f, 5);
	assert_int_equal(move(f, -1, 5, 300), 0);
	assert_int_equal(d->outstanding, 300);
	assert_int_equal(fake_xen.pool[ANY], 700);
	assert_int_equal(look(f, 5)->outstanding.n, 300);
	/* One that has a claim already gets more. */
	assert_int_equal(move(f, -1, 5, 200), 0);
	assert_int_equal(d->outstanding, 500);
	assert_int_equal(fake_xen_outstanding(), 2000);

	/* Whatever is wrong, the pool is as it was. */
	assert_int_equal(move(f, -1, 5, 201), -ERANGE);
	says(f, BL_ERR_BACKEND, "its limit");
	assert_int_equal(move(f, -1, 5, 501), -ENOENT);
	says(f, BL_ERR_BACKEND, "the pool has less");
	assert_int_equal(move(f, 2, 5, 100), -EINVAL);
	says(f, BL_ERR_BAD_STATE, "not on node 2");
	assert_int_equal(move(f, -1, 6, 100), -ESRCH);
	says(f, BL_ERR_NO_SUCH_DOMAIN, "domain 6");
	d->flags |= XEN_DOMINF_dying;
	assert_int_equal(move(f, -1, 5, 100), -ESRCH);
	fake_xen.fail_claim = EPERM;
	d->flags &= ~(uint32_t)XEN_DOMINF_dying;
	assert_int_equal(move(f, -1, 5, 100), -EPERM);
	says(f, BL_ERR_BACKEND, "does not move a claim");
	/* Its id is another's since the last look. */
	fake_xen.fail_claim = 0;
	fake_xen_reuse(5);
	assert_int_equal(move(f, -1, 5, 100), -ESRCH);
	assert_int_equal(f->h->ops->cancel(f->h, 5), -ESRCH);
	assert_int_equal(fake_xen.pool[ANY], 500);
	assert_int_equal(d->outstanding, 500);
	look(f, 5);

	/* With a node: what the domain has of it is not free there for others. */
	assert_int_equal(f->h->ops->cancel(f->h, 5), 0);
	assert_int_equal(move(f, 2, 5, 400), 0);
	assert_int_equal(d->claim_node, 2);
	look(f, 5);
	assert_int_equal(bl_snapshot_node_room(&f->s, 2).n, 199000);
	stop(f);
}

/* More claims than one page of answers holds. */
static void test_many(void **state)
{
	struct fixture *f = patched();

	(void)state;
	for (uint32_t i = 1; i <= 400; i++)
		fake_xen_add(i, false, false, 10)->outstanding = 1;
	fake_xen.doms[400].claim_node = 2; /* the last of the list */
	start(f);
	assert_int_equal(set(f, 2, 7), 0);
	look(f, 0);
	assert_int_equal(f->s.nodes[1].pool.n, 7);
	assert_int_equal(f->s.nodes[1].claimed.n, 8);
	fake_xen.fail_query = EIO;
	assert_int_equal(f->h->ops->snapshot(f->h, &f->s), -EIO);
	stop(f);
}

static void test_drop(void **state)
{
	struct fixture *f = patched();
	bl_uuid handle = { { 0 } };

	(void)state;
	memcpy(handle.b, BL_HOLDER_PREFIX, BL_HOLDER_PREFIX_LEN);
	fake_xen_add(50, false, false, 0)->handle = handle;
	fake_xen.pool[0] = 5;
	fake_xen.pool[2] = 6;
	fake_xen.pool[ANY] = 7;
	assert_int_equal(bd_host_xen_drop_holders(NULL), 0);
	assert_int_equal(fake_xen_outstanding(), 0);
	assert_null(fake_xen_find(50));
	/* One on which nobody may ask for that drops holders nevertheless. */
	fake_xen_add(51, false, false, 0)->handle = handle;
	fake_xen.fail_query = EPERM;
	assert_int_equal(bd_host_xen_drop_holders(&f->e), -EPERM);
	says(f, BL_ERR_BACKEND, "cannot drop");
	assert_null(fake_xen_find(51));
	stop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),	   cmocka_unit_test(test_probe_fails),
		cmocka_unit_test(test_set),	   cmocka_unit_test(test_set_fails),
		cmocka_unit_test(test_node_taken), cmocka_unit_test(test_move),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
