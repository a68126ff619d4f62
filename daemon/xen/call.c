/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only file that includes xenctrl.h. */
#include "daemon/xen/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

#include "daemon/xen/claim-ctl.h"

/* More event channels than any toolstack gives its domains. */
#define HOLDER_EVTCHN_PORTS 1023
/* getdomaininfolist: the most domains in a call, and room for domains that are new since the
 * last. */
#define BATCH_MAX 1024
#define BATCH_SPARE 16
/* As many claims as fit into a page: libxenctrl keeps one page for reuse. */
#define CLAIMS_USUAL 256

/* With this domain id the hypervisor chooses a free id. Xen 4.17 to 4.21 choose for 0 and for
 * every reserved id. Xen 4.22 takes 0 as a request for the id of dom0, refuses all other reserved
 * ids, and has a name for this one; older headers do not. */
#ifndef DOMID_ANY
#define DOMID_ANY 0x7ff5
#endif

struct bd_xen_call {
	xc_interface *xch;
	xc_domaininfo_t *raw;
	struct bd_xen_info *infos;
	size_t cap, last_n;
	char version[sizeof("Xen ") + 2 * 6 + sizeof(xen_extraversion_t)];
	xen_commandline_t cmdline;
	uint32_t holder_label; /* FLASK's label; 0 without FLASK */
};

static int failed(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* The label that libxl gives to a domain without one of its own: where FLASK is enforced, no
 * domain can be made without a label. A hypervisor without FLASK ignores it. */
static uint32_t label_of_domains(xc_interface *xch)
{
	char label[] = "system_u:system_r:domU_t";
	uint32_t sid;
	int r;

#ifdef HAVE_FLASK_CONTEXT_SIZE
	r = xc_flask_context_to_sid(xch, label, sizeof(label) - 1, &sid);
#else
	r = xc_flask_context_to_sid(xch, label, &sid);
#endif
	return r == 0 ? sid : 0;
}

int bd_xen_call_open(struct bd_xen_call **ret, struct bl_err *reterr)
{
	struct bd_xen_call *c = calloc(1, sizeof(*c));
	struct bd_xen_host host;
	int r;

	if (!c)
		return bl_err_set(reterr, ENOMEM, BL_ERR_BACKEND, "out of memory");
	c->xch = xc_interface_open(NULL, NULL, 0);
	if (!c->xch) {
		r = failed();
		free(c);
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "cannot reach the hypervisor (%s): balloond must run "
				  "as root in the control domain of a Xen host",
				  strerror(-r));
	}
	r = bd_xen_call_host(c, &host);
	if (r < 0) {
		bd_xen_call_close(c);
		return bl_err_set(reterr, -r, BL_ERR_BACKEND,
				  "the hypervisor does not answer this domain (%s): it is no "
				  "control domain, or libxenctrl is of another version",
				  strerror(-r));
	}
	c->holder_label = label_of_domains(c->xch);
	*ret = c;
	return 0;
}

void bd_xen_call_close(struct bd_xen_call *c)
{
	if (!c)
		return;
	xc_interface_close(c->xch);
	free(c->raw);
	free(c->infos);
	free(c);
}

int bd_xen_call_host(struct bd_xen_call *c, struct bd_xen_host *ret)
{
	xc_physinfo_t info = { 0 };

	if (xc_physinfo(c->xch, &info) < 0)
		return failed();
	*ret = (struct bd_xen_host){
		.total = BL_PAGES(info.total_pages),
		.free = BL_PAGES(info.free_pages),
		.outstanding = BL_PAGES(info.outstanding_pages),
		.n_nodes = info.nr_nodes,
	};
	return 0;
}

int bd_xen_call_nodes(struct bd_xen_call *c, struct bl_node *ret, size_t *ret_n)
{
	xc_meminfo_t info[BL_NODES_MAX] = { { 0 } };
	unsigned max = BL_NODES_MAX;
	size_t n = 0;

	if (xc_numainfo(c->xch, &max, info, NULL) < 0)
		return failed();
	for (unsigned i = 0; i < max && i < BL_NODES_MAX; i++) {
		if (info[i].memsize == XEN_INVALID_MEM_SZ)
			continue;
		ret[n++] = (struct bl_node){
			.node = i,
			.total = bl_pages_from_bytes_floor(BL_BYTES(info[i].memsize)),
			.free = bl_pages_from_bytes_floor(BL_BYTES(info[i].memfree)),
		};
	}
	*ret_n = n;
	return 0;
}

static enum bl_dom_type type_of(const xc_domaininfo_t *d)
{
	if (!(d->flags & XEN_DOMINF_hvm_guest))
		return BL_DOM_PV;
#if defined(__x86_64__) || defined(__i386__)
	/* Only a fully emulated machine has a real-time clock. */
	if (d->arch_config.emulation_flags & XEN_X86_EMU_RTC)
		return BL_DOM_HVM;
#endif
	return BL_DOM_PVH;
}

static void take_info(const xc_domaininfo_t *d, struct bd_xen_info *ret)
{
	unsigned reason = d->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;

	*ret = (struct bd_xen_info){
		.domid = d->domain,
		.type = type_of(d),
		.dying = d->flags & XEN_DOMINF_dying,
		.shutdown = d->flags & XEN_DOMINF_shutdown,
		.suspended = d->flags & XEN_DOMINF_shutdown && reason == SHUTDOWN_suspend,
		.rebooting = d->flags & XEN_DOMINF_shutdown && reason == SHUTDOWN_reboot,
		.crashed = d->flags & XEN_DOMINF_shutdown &&
			   (reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog),
		.paused = d->flags & XEN_DOMINF_paused,
		.ran = d->cpu_time > 0,
		.xenstore = d->flags & XEN_DOMINF_xs_domain,
		.tot = BL_PAGES(d->tot_pages),
		.max = BL_PAGES(d->max_pages),
		.outstanding = BL_PAGES(d->outstanding_pages),
	};
	_Static_assert(sizeof(d->handle) == sizeof(ret->handle.b), "a handle is 16 bytes");
	memcpy(ret->handle.b, d->handle, sizeof(ret->handle.b));
}

static int grow(struct bd_xen_call *c, size_t cap)
{
	void *raw, *infos;

	if (cap <= c->cap)
		return 0;
	raw = reallocarray(c->raw, cap, sizeof(*c->raw));
	if (raw)
		c->raw = raw;
	infos = reallocarray(c->infos, cap, sizeof(*c->infos));
	if (infos)
		c->infos = infos;
	if (!raw || !infos)
		return -ENOMEM;
	c->cap = cap;
	return 0;
}

int bd_xen_call_list(struct bd_xen_call *c, const struct bd_xen_info **ret, size_t *ret_n)
{
	uint32_t first = 0;
	size_t n = 0;

	for (;;) {
		/* Every domain in the call costs a copy, so ask for a few more than there were. */
		size_t ask = n < c->last_n ? c->last_n - n + BATCH_SPARE : BATCH_SPARE;
		int got, r;

		if (ask > BATCH_MAX)
			ask = BATCH_MAX;
		r = grow(c, n + ask);
		if (r < 0)
			return r;
		got = xc_domain_getinfolist(c->xch, first, (unsigned)ask, c->raw + n);
		if (got < 0)
			return failed();
		for (int i = 0; i < got; i++, n++)
			take_info(&c->raw[n], &c->infos[n]);
		if ((size_t)got < ask)
			break;
		first = c->infos[n - 1].domid + 1;
	}
	c->last_n = n;
	*ret = c->infos;
	*ret_n = n;
	return 0;
}

int bd_xen_call_one(struct bd_xen_call *c, uint32_t domid, struct bd_xen_info *ret)
{
	xc_domaininfo_t d;
	int got = xc_domain_getinfolist(c->xch, domid, 1, &d);

	if (got < 0)
		return failed();
	/* The hypervisor returned the next domain that exists. */
	if (got == 0 || d.domain != domid)
		return -ESRCH;
	take_info(&d, ret);
	return 0;
}

const char *bd_xen_call_version(struct bd_xen_call *c)
{
	xen_extraversion_t extra = "";
	int version;

	if (c->version[0])
		return c->version;
	version = xc_version(c->xch, XENVER_version, NULL);
	if (version < 0 || xc_version(c->xch, XENVER_extraversion, extra) < 0)
		return "Xen";
	(void)snprintf(c->version, sizeof(c->version), "Xen %d.%d%.*s", version >> 16, version & 0xffff,
		       (int)sizeof(extra), extra);
	return c->version;
}

const char *bd_xen_call_cmdline(struct bd_xen_call *c)
{
	if (!c->cmdline[0] && xc_version(c->xch, XENVER_commandline, c->cmdline) < 0)
		c->cmdline[0] = '\0';
	return c->cmdline;
}

int bd_xen_call_pod(struct bd_xen_call *c, uint32_t domid, bl_pages *ret_entries, bl_pages *ret_cache)
{
	uint64_t tot, cache, entries;

	if (xc_domain_get_pod_target(c->xch, domid, &tot, &cache, &entries) < 0)
		return failed();
	*ret_entries = BL_PAGES(entries);
	*ret_cache = BL_PAGES(cache);
	return 0;
}

int bd_xen_call_setmaxmem(struct bd_xen_call *c, uint32_t domid, bl_pages pages)
{
	if (xc_domain_setmaxmem(c->xch, domid, bl_pages_to_kib(pages).n) < 0)
		return failed();
	return 0;
}

/* xc_domain_claim_pages() reports success on a hypervisor that has no claims. */
int bd_xen_call_claim(struct bd_xen_call *c, uint32_t domid, bl_pages pages)
{
	struct xen_memory_reservation claim = {
		.nr_extents = pages.n,
		.domid = (domid_t)domid,
	};

	if (xc_memory_op(c->xch, XENMEM_claim_pages, &claim, sizeof(claim)) < 0)
		return failed();
	return 0;
}

static int claim_ctl(struct bd_xen_call *c, struct bd_xen_claim_ctl *ctl)
{
	ctl->version = BD_XEN_CLAIM_VERSION;
	if (xc_memory_op(c->xch, BD_XENMEM_CLAIM_CTL, ctl, sizeof(*ctl)) < 0)
		return failed();
	return 0;
}

/* -ERANGE: there are more claims than max. */
static int query(struct bd_xen_call *c, uint32_t max, struct bd_xen_pool *ret)
{
	DECLARE_HYPERCALL_BUFFER(struct bd_xen_claim_entry, entries);
	struct bd_xen_claim_ctl ctl = { .op = BD_XEN_CLAIM_QUERY,
					.node = BD_XEN_CLAIM_ANY_NODE,
					.n_entries = max };
	int r;

	entries = xc_hypercall_buffer_alloc(c->xch, entries, max * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	ctl.entries = (uintptr_t)entries;
	r = claim_ctl(c, &ctl);
	memset(ret, 0, sizeof(*ret));
	for (uint32_t i = 0; r == 0 && i < ctl.n_entries && i < max; i++) {
		const struct bd_xen_claim_entry *e = &entries[i];
		bool pool = e->owner == BD_XEN_CLAIM_POOL;

		if (pool && e->node == BD_XEN_CLAIM_ANY_NODE)
			ret->any = BL_PAGES(e->pages);
		if (e->node >= BL_NODES_MAX)
			continue;
		if (pool)
			ret->nodes[e->node].pool = BL_PAGES(e->pages);
		ret->nodes[e->node].claimed = bl_pages_add(ret->nodes[e->node].claimed, BL_PAGES(e->pages));
	}
	xc_hypercall_buffer_free(c->xch, entries);
	return r;
}

int bd_xen_call_pool(struct bd_xen_call *c, struct bd_xen_pool *ret)
{
	int r = query(c, CLAIMS_USUAL, ret);

	return r == -ERANGE ? query(c, BD_XEN_CLAIM_ENTRIES_MAX, ret) : r;
}

static uint16_t node_of(int node)
{
	return node < 0 ? BD_XEN_CLAIM_ANY_NODE : (uint16_t)node;
}

int bd_xen_call_pool_set(struct bd_xen_call *c, int node, bl_pages pages)
{
	struct bd_xen_claim_ctl ctl = {
		.op = BD_XEN_CLAIM_SET, .owner = BD_XEN_CLAIM_POOL, .node = node_of(node), .pages = pages.n
	};

	return claim_ctl(c, &ctl);
}

int bd_xen_call_pool_move(struct bd_xen_call *c, int node, uint32_t domid, bl_pages pages)
{
	struct bd_xen_claim_ctl ctl = { .op = BD_XEN_CLAIM_MOVE,
					.owner = (uint16_t)domid,
					.source = BD_XEN_CLAIM_POOL,
					.node = node_of(node),
					.pages = pages.n };

	return claim_ctl(c, &ctl);
}

int bd_xen_call_create(struct bd_xen_call *c, const bl_uuid *handle, uint32_t *ret_domid)
{
	struct xen_domctl_createdomain config = {
		.ssidref = c->holder_label,
		.max_vcpus = 1,
		.max_evtchn_port = HOLDER_EVTCHN_PORTS,
		.max_grant_frames = -1, /* the hypervisor's default */
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(1),
	};
	uint32_t domid = DOMID_ANY;

	memcpy(config.handle, handle->b, sizeof(config.handle));
	if (xc_domain_create(c->xch, &domid, &config) < 0)
		return failed();
	*ret_domid = domid;
	return 0;
}

int bd_xen_call_destroy(struct bd_xen_call *c, uint32_t domid)
{
	if (xc_domain_destroy(c->xch, domid) < 0)
		return failed();
	return 0;
}
