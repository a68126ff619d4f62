/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holders: empty domains that hold a claim, without memory, never introduced to xenstored, never
 * run. The handle of a holder tells that it is ours and whose claim it holds; its name in
 * xenstore is for people alone. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/xen/xen.h"

#define REMOVE_LIMIT BL_MS(2000)

static struct bd_host_xen *xen_of(struct bd_host *h)
{
	return (struct bd_host_xen *)h;
}

static void key_path(uint32_t domid, const char *key, char buf[BD_XEN_PATH_MAX])
{
	(void)snprintf(buf, BD_XEN_PATH_MAX, "/local/domain/%" PRIu32 "/%s", domid, key);
}

/* When a queued request is done, the holder's id may be a guest's, whose toolstack keeps notes
 * there. A holder has nothing in xenstore but its name. */
static struct bd_store_guard still_holder(uint32_t domid, char buf[BD_XEN_PATH_MAX])
{
	key_path(domid, "vm", buf);
	return (struct bd_store_guard){ .path = buf };
}

static void remove_notes(struct bd_store *store, uint32_t domid)
{
	char path[BD_XEN_PATH_MAX], vm[BD_XEN_PATH_MAX];
	const struct bd_store_guard ours = still_holder(domid, vm);

	(void)snprintf(path, sizeof(path), "/local/domain/%" PRIu32, domid);
	(void)bd_store_remove(store, path, &ours);
}

/* Gives the claim up first: the claim of a dying domain can be lost with the domain. */
static int destroy(struct bd_xen_call *call, struct bd_store *store, uint32_t domid)
{
	int r;

	(void)bd_xen_call_claim(call, domid, BL_PAGES(0));
	r = bd_xen_call_destroy(call, domid);
	if (r < 0)
		return r;
	if (store)
		remove_notes(store, domid);
	return 0;
}

/* Makes sure that domid is still the holder with that handle. */
static int check_handle(struct bd_xen_call *call, uint32_t domid, const bl_uuid *handle,
			struct bd_xen_info *ret)
{
	int r = bd_xen_call_one(call, domid, ret);

	if (r < 0)
		return r == -ESRCH ? -ENOENT : r;
	if (!bl_uuid_equal(&ret->handle, handle) || !bl_handle_is_ours(handle) || ret->dying)
		return -ENOENT;
	return 0;
}

static int claim_error(struct bl_err *reterr, int r, uint32_t domid, bl_pages pages)
{
	char size[BL_SIZE_STR];

	switch (r) {
	case -ENOMEM:
		return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
				  "the hypervisor has no room for a claim of %s",
				  bl_pages_format(pages, size));
	case -ESRCH:
		return bl_err_set(reterr, ESRCH, BL_ERR_NO_SUCH_DOMAIN,
				  "domain %" PRIu32 " is gone or dying", domid);
	case -ENOSYS:
		return bl_err_set(reterr, ENOSYS, BL_ERR_UNSUPPORTED,
				  "this hypervisor has no memory claims");
	default:
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "the hypervisor refuses a claim of %s for domain %" PRIu32 ": %s",
				  bl_pages_format(pages, size), domid, strerror(-r));
	}
}

static void write_name(struct bd_host_xen *x, uint32_t domid, const bl_uuid *id)
{
	char path[BD_XEN_PATH_MAX], vm[BD_XEN_PATH_MAX], name[64], text[BL_UUID_STR];
	const struct bd_store_guard ours = still_holder(domid, vm);

	key_path(domid, "name", path);
	bl_uuid_format(id, text);
	(void)snprintf(name, sizeof(name), "balloond-claim-%s", text);
	/* Does not wait for the answer: nothing depends on the name. */
	(void)bd_store_write(x->store, BD_XEN_COOKIE_OTHER, path, name, NULL, &ours);
}

void bd_xen_holder_name(struct bd_host *h, uint32_t holder, const bl_uuid *id)
{
	struct bd_host_xen *x = xen_of(h);
	struct bd_xen_guest *g = bd_xen_guests_find(&x->guests, holder);

	/* Write the name only once: the watch takes a while to show it. */
	if (!g || !g->holder || g->named)
		return;
	g->named = true;
	write_name(x, holder, id);
}

int bd_xen_holder_stake(struct bd_host *h, const bl_uuid *handle, const bl_uuid *id, bl_pages pages,
			int node, uint32_t *ret_domid, struct bl_err *reterr)
{
	struct bd_host_xen *x = xen_of(h);
	uint32_t domid;
	int r;

	if (node >= 0)
		return bl_err_set(reterr, ENOTSUP, BL_ERR_UNSUPPORTED,
				  "this hypervisor has no claims on a node");
	r = bd_xen_call_create(x->call, handle, &domid);
	if (r == -ENOMEM)
		return bl_err_set(reterr, ENOMEM, BL_ERR_NO_MEMORY,
				  "the hypervisor has no memory left for an empty domain");
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot make a domain to hold the claim: %s",
				  strerror(-r));
	r = bd_xen_call_setmaxmem(x->call, domid, pages);
	if (r == 0)
		r = bd_xen_call_claim(x->call, domid, pages);
	if (r < 0) {
		(void)destroy(x->call, NULL, domid);
		return claim_error(reterr, r, domid, pages);
	}
	write_name(x, domid, id);
	*ret_domid = domid;
	return 0;
}

int bd_xen_holder_unstake(struct bd_host *h, uint32_t holder, const bl_uuid *handle)
{
	struct bd_host_xen *x = xen_of(h);
	struct bd_xen_info info;
	int r = check_handle(x->call, holder, handle, &info);

	return r < 0 ? r : destroy(x->call, x->store, holder);
}

/* Xen 4.17 never gives back what is claimed for a domain that is dying already. So if the domain
 * began to die, or another domain has the id now, give the claim up while that works. */
static int claim_for(struct bd_host_xen *x, uint32_t domid, bl_pages pages)
{
	struct bd_xen_info info;
	int r = bd_xen_call_claim(x->call, domid, pages);

	if (r < 0)
		return r;
	r = bd_xen_still_there(x, domid, &info);
	if (r == 0 && info.dying)
		r = -ESRCH;
	if (r < 0)
		(void)bd_xen_call_claim(x->call, domid, BL_PAGES(0));
	return r;
}

int bd_xen_holder_transfer(struct bd_host *h, uint32_t holder, const bl_uuid *handle, uint32_t domid,
			   bl_pages pages, struct bl_err *reterr)
{
	struct bd_host_xen *x = xen_of(h);
	struct bd_xen_info info;
	int r = bd_xen_still_there(x, domid, &info);

	if (r == 0 && holder == BL_DOMID_NONE)
		r = claim_for(x, domid, pages);
	if (r < 0)
		return claim_error(reterr, r, domid, pages);
	if (holder == BL_DOMID_NONE)
		return 0;
	r = check_handle(x->call, holder, handle, &info);
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "the claim's holder, domain %" PRIu32 ", is gone", holder);
	/* No hypercall moves a claim: between the next two somebody may take the pages. */
	r = bd_xen_call_claim(x->call, holder, BL_PAGES(0));
	if (r == 0)
		r = claim_for(x, domid, pages);
	if (r < 0) {
		/* Restore the holder's claim, unless somebody was faster. */
		(void)bd_xen_call_claim(x->call, holder, bl_pages_add(info.tot, info.outstanding));
		return claim_error(reterr, r, domid, pages);
	}
	r = destroy(x->call, x->store, holder);
	if (r < 0)
		bd_log(LOG_WARNING,
		       "domain %" PRIu32 ", whose claim has moved to domain %" PRIu32
		       ", cannot be destroyed: %s",
		       holder, domid, strerror(-r));
	return 0;
}

int bd_xen_holder_cancel(struct bd_host *h, uint32_t domid)
{
	struct bd_host_xen *x = xen_of(h);
	struct bd_xen_info info;
	int r = bd_xen_still_there(x, domid, &info);

	if (r == 0)
		r = bd_xen_call_claim(x->call, domid, BL_PAGES(0));
	/* Giving up a claim fails only if the domain is gone. */
	return r == -EINVAL ? -ESRCH : r;
}

static void ignore_reply(void *ud, const struct bd_store_reply *reply)
{
	(void)ud;
	(void)reply;
}

/* Removes the names if xenstored answers in time: during a shutdown it may not. */
static void remove_names(const uint32_t *domids, size_t n)
{
	struct event_base *base = event_base_new();
	struct bd_store *store = NULL;

	if (base && bd_store_open(base, ignore_reply, NULL, &store, NULL) == 0) {
		(void)bd_store_settle(store, REMOVE_LIMIT); /* connected by now, or never */
		for (size_t i = 0; i < n; i++)
			remove_notes(store, domids[i]);
		(void)bd_store_settle(store, REMOVE_LIMIT);
		bd_store_close(store);
	}
	if (base)
		event_base_free(base);
}

static int drop_all(struct bl_err *reterr)
{
	enum { MOST = 1024 };
	const struct bd_xen_info *infos;
	struct bd_xen_info now;
	struct bd_xen_call *call;
	uint32_t domids[MOST];
	size_t n, dropped = 0;
	int r, first;

	r = bd_xen_call_open(&call, reterr);
	if (r < 0)
		return r;
	first = bd_xen_pool_empty(call);
	r = bd_xen_call_list(call, &infos, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		int d;

		if (!bl_handle_is_ours(&infos[i].handle) || infos[i].dying)
			continue;
		d = check_handle(call, infos[i].domid, &infos[i].handle, &now);
		if (d == -ENOENT)
			continue;
		if (d == 0)
			d = destroy(call, NULL, infos[i].domid);
		if (d < 0 && !first)
			first = d;
		else if (d == 0 && dropped < MOST)
			domids[dropped++] = infos[i].domid;
	}
	bd_xen_call_close(call);
	if (dropped)
		remove_names(domids, dropped);
	if (r == 0)
		r = first;
	if (r < 0)
		return bl_err_set(reterr, -r, BL_ERR_BACKEND, "cannot drop what holds claims: %s",
				  strerror(-r));
	return 0;
}

int bd_host_xen_drop_holders(struct bl_err *reterr)
{
	int lock = bd_host_xen_lock(reterr), r;

	if (lock < 0)
		return lock;
	r = drop_all(reterr);
	(void)close(lock);
	return r;
}
