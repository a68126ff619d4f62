/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/fake-xen.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>

struct fake_hypervisor fake_xen;
static char handle_of_xc;

void fake_xen_reset(void)
{
	memset(&fake_xen, 0, sizeof(fake_xen));
	fake_xen.total = 1000000;
	fake_xen.free = 500000;
	fake_xen.nodes = 1;
	fake_xen.claim_version = 1;
	for (unsigned i = 0; i < FAKE_NODES; i++) {
		fake_xen.node_total[i] = (i + 1) * 1000;
		fake_xen.node_free[i] = i;
	}
	fake_xen.next_domid = 100;
	fake_xen_add(0, false, false, 262144);
}

struct fake_domain *fake_xen_add(uint32_t domid, bool hvm, bool emulated, uint64_t tot)
{
	for (size_t i = 0; i < sizeof(fake_xen.doms) / sizeof(*fake_xen.doms); i++) {
		struct fake_domain *d = &fake_xen.doms[i];

		if (d->used)
			continue;
		if (fake_xen.n_doms <= i)
			fake_xen.n_doms = i + 1;
		*d = (struct fake_domain){
			.used = true,
			.domid = domid,
			.flags = hvm ? XEN_DOMINF_hvm_guest : 0,
			.emulation = !hvm	? 0
				     : emulated ? XEN_X86_EMU_ALL
						: XEN_X86_EMU_LAPIC,
			.tot = tot,
			.max = tot + 256,
			.cpu_time = 1,
			.claim_node = FAKE_NO_NODE,
		};
		d->handle.b[0] = (uint8_t)(domid + 1);
		d->handle.b[1] = (uint8_t)(domid >> 8);
		return d;
	}
	abort();
}

struct fake_domain *fake_xen_find(uint32_t domid)
{
	for (size_t i = 0; i < fake_xen.n_doms; i++)
		if (fake_xen.doms[i].used && fake_xen.doms[i].domid == domid)
			return &fake_xen.doms[i];
	return NULL;
}

void fake_xen_reuse(uint32_t domid)
{
	fake_xen_find(domid)->handle.b[14] ^= 0xff;
}

uint64_t fake_xen_outstanding(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < fake_xen.n_doms; i++)
		if (fake_xen.doms[i].used)
			sum += fake_xen.doms[i].outstanding;
	for (size_t i = 0; i <= FAKE_NODES; i++)
		sum += fake_xen.pool[i];
	return sum;
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* Every hypercall begins with this. False: it fails, and errno is set. */
static bool called(const char *name, uint32_t domid)
{
	int error = fake_xen.on_call ? fake_xen.on_call(name, domid) : 0;

	fake_xen.calls++;
	if (error)
		errno = error;
	return !error;
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dom_logger, unsigned flags)
{
	(void)logger;
	(void)dom_logger;
	(void)flags;
	if (fake_xen.fail_open) {
		errno = fake_xen.fail_open;
		return NULL;
	}
	return (xc_interface *)&handle_of_xc;
}

int xc_interface_close(xc_interface *xch)
{
	(void)xch;
	return 0;
}

int xc_physinfo(xc_interface *xch, xc_physinfo_t *info)
{
	(void)xch;
	if (!called("physinfo", 0))
		return -1;
	info->total_pages = fake_xen.total;
	info->free_pages = fake_xen.free;
	info->outstanding_pages = fake_xen_outstanding();
	info->nr_nodes = fake_xen.nodes;
	return 0;
}

int xc_numainfo(xc_interface *xch, unsigned *max_nodes, xc_meminfo_t *info, uint32_t *distance)
{
	(void)xch;
	(void)distance;
	if (!called("numainfo", 0))
		return -1;
	for (unsigned i = 0; i < FAKE_NODES; i++)
		info[i] = (xc_meminfo_t){ .memsize = fake_xen.node_total[i] * 4096,
					  .memfree = fake_xen.node_free[i] * 4096 };
	info[1].memsize = XEN_INVALID_MEM_SZ;
	*max_nodes = FAKE_NODES;
	return 0;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned max, xc_domaininfo_t *info)
{
	unsigned n = 0;

	(void)xch;
	if (!called("getinfolist", first))
		return -1;
	/* Ascending, as the hypervisor has them. */
	for (uint32_t at = first; n < max;) {
		struct fake_domain *next = NULL;

		for (size_t i = 0; i < fake_xen.n_doms; i++) {
			struct fake_domain *d = &fake_xen.doms[i];

			if (d->used && d->domid >= at && (!next || d->domid < next->domid))
				next = d;
		}
		if (!next)
			break;
		memset(&info[n], 0, sizeof(info[n]));
		info[n].domain = (domid_t)next->domid;
		info[n].flags = next->flags;
		info[n].tot_pages = next->tot;
		info[n].max_pages = next->max;
		info[n].outstanding_pages = next->outstanding;
		info[n].cpu_time = next->cpu_time;
		info[n].arch_config.emulation_flags = next->emulation;
		memcpy(info[n].handle, next->handle.b, sizeof(next->handle.b));
		n++;
		at = next->domid + 1;
	}
	return (int)n;
}

int xc_version(xc_interface *xch, int cmd, void *arg)
{
	(void)xch;
	if (!called("version", 0))
		return -1;
	if (cmd == XENVER_version)
		return 4 << 16 | 17;
	assert(cmd == XENVER_extraversion || cmd == XENVER_commandline);
	strcpy(arg, cmd == XENVER_extraversion ? ".5" : "dom0_mem=1G");
	return 0;
}

int xc_domain_get_pod_target(xc_interface *xch, uint32_t domid, uint64_t *tot, uint64_t *cache,
			     uint64_t *entries)
{
	struct fake_domain *d = fake_xen_find(domid);

	(void)xch;
	if (!called("get_pod_target", domid))
		return -1;
	if (!d)
		return refuse(ESRCH);
	*tot = d->tot;
	*cache = d->pod_cache;
	*entries = d->pod_entries;
	return 0;
}

int xc_domain_setmaxmem(xc_interface *xch, uint32_t domid, uint64_t max_memkb)
{
	struct fake_domain *d = fake_xen_find(domid);

	(void)xch;
	if (!called("setmaxmem", domid))
		return -1;
	if (!d)
		return refuse(ESRCH);
	d->max = max_memkb / 4;
	return 0;
}

/* XENMEM_claim_pages with the answers of a real one. */
static long claim_pages(const struct xen_memory_reservation *r)
{
	struct fake_domain *d = fake_xen_find(r->domid);

	if (!d)
		return refuse(EINVAL);
	if (r->nr_extents == 0) {
		d->outstanding = 0;
		return 0;
	}
	if (fake_xen.fail_claim)
		return refuse(fake_xen.fail_claim);
	if (d->outstanding || r->nr_extents <= d->tot || r->nr_extents > d->max)
		return refuse(EINVAL);
	if (r->nr_extents - d->tot > fake_xen.free - fake_xen_outstanding())
		return refuse(ENOMEM);
	d->outstanding = r->nr_extents - d->tot;
	d->claim_node = FAKE_NO_NODE;
	if (fake_xen.on_claim)
		fake_xen.on_claim();
	return 0;
}

long xc_memory_op(xc_interface *xch, unsigned cmd, void *arg, size_t len)
{
	(void)xch;
	if (cmd == XENMEM_claim_pages) {
		const struct xen_memory_reservation *r = arg;

		assert(len == sizeof(*r));
		if (!called(r->nr_extents ? "claim_pages" : "claim_pages (none)", r->domid))
			return -1;
		return claim_pages(r);
	}
	if (!called("claim_ctl", 0))
		return -1;
	return fake_xen.patched ? fake_claim_ctl(arg, len) : refuse(ENOSYS);
}

void *xc__hypercall_buffer_alloc(xc_interface *xch, xc_hypercall_buffer_t *b, size_t size)
{
	(void)xch;
	b->hbuf = malloc(size);
	return b->hbuf;
}

void xc__hypercall_buffer_free(xc_interface *xch, xc_hypercall_buffer_t *b)
{
	(void)xch;
	free(b->hbuf);
}

#ifdef HAVE_FLASK_CONTEXT_SIZE
int xc_flask_context_to_sid(xc_interface *xch, char *buf, uint32_t size, uint32_t *sid)
{
#else
int xc_flask_context_to_sid(xc_interface *xch, char *buf, uint32_t *sid)
{
	size_t size = strlen(buf);
#endif
	const char label[] = "system_u:system_r:domU_t";

	(void)xch;
	if (!fake_xen.flask_label)
		return refuse(ENOSYS);
	if (size != sizeof(label) - 1 || memcmp(buf, label, size))
		return refuse(EINVAL);
	*sid = fake_xen.flask_label;
	return 0;
}

/* Whether a domain can be made with this id, as Xen 4.22 sees it, which is stricter than
 * those before: 0 is an id like others, and one reserved id alone stands for any that is free. */
static bool fake_domid_free(uint32_t domid)
{
	const uint32_t any = 0x7ff5;

	return domid < DOMID_FIRST_RESERVED ? !fake_xen_find(domid) : domid == any;
}

int xc_domain_create(xc_interface *xch, uint32_t *domid, struct xen_domctl_createdomain *config)
{
	struct fake_domain *d;

	(void)xch;
	if (!called("createdomain", 0))
		return -1;
	if (!fake_domid_free(*domid))
		return refuse(EEXIST);
	if (fake_xen.fail_create)
		return refuse(fake_xen.fail_create);
	if (fake_xen.flask_label && config->ssidref != fake_xen.flask_label)
		return refuse(EACCES);
	d = fake_xen_add(*domid < DOMID_FIRST_RESERVED ? *domid : fake_xen.next_domid++, false, false, 0);
	memcpy(d->handle.b, config->handle, sizeof(d->handle.b));
	d->flags = XEN_DOMINF_paused;
	d->max = d->cpu_time = 0;
	*domid = d->domid;
	return 0;
}

int xc_domain_destroy(xc_interface *xch, uint32_t domid)
{
	struct fake_domain *d = fake_xen_find(domid);

	(void)xch;
	if (!called("destroydomain", domid))
		return -1;
	if (!d)
		return refuse(ESRCH);
	fake_xen.free += d->tot;
	d->used = false;
	if (fake_xen.on_destroy)
		fake_xen.on_destroy();
	return 0;
}
