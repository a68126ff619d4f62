/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenclaims faults | errors | races SECONDS | speed | which | empty: what the hypervisor it runs on
 * does with claims, with and without the series of hypervisor-patch/. In dom0 of a
 * host on which nothing else happens.
 *
 *   faults  each of the known faults, tried: a line 'fault N seen|gone: ...'
 *   errors  each operation of XENMEM_claim_ctl, and each error
 *   races   a claim moves to a domain that is built, while others want its memory
 *   speed   what it takes to populate and free: a line 'speed ORDER CLAIMS NS'
 *   which   nothing but a line that says whether it is stock or patched
 *   empty   empties the pool, of whomever the claims in it are
 *
 * Status 1: an expectation is not met, which it says; 3: it cannot be tried.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "new-domain.h"
#include "xenclaims.h"

xc_interface *xch;
bool patched;
static unsigned failures;

static void die(const char *what)
{
	fprintf(stderr, "xenclaims: %s: %s\n", what, strerror(errno));
	exit(3);
}

struct memory look(void)
{
	xc_physinfo_t info = { 0 };

	if (xc_physinfo(xch, &info))
		die("physinfo");
	return (struct memory){ info.free_pages, info.outstanding_pages };
}

struct memory settled(void)
{
	static const struct timespec pause = { 0, 5000000 };
	struct memory m = look();

	for (unsigned same = 0; same < 20; same++) {
		struct memory now;

		nanosleep(&pause, NULL);
		now = look();
		if (now.free != m.free || now.claimed != m.claimed)
			same = 0;
		m = now;
	}
	return m;
}

uint64_t node_free(unsigned node)
{
	xc_meminfo_t info[64];
	unsigned n = 64;

	if (xc_numainfo(xch, &n, info, NULL) || node >= n)
		return 0;
	return info[node].memfree / XC_PAGE_SIZE;
}

uint64_t outstanding(uint32_t domid)
{
	xc_domaininfo_t info;

	if (xc_domain_getinfolist(xch, domid, 1, &info) != 1 || info.domain != domid)
		return 0;
	return info.outstanding_pages;
}

uint32_t domain(uint64_t max_pages)
{
	struct xen_domctl_createdomain config = {
		.handle = { 0xc1, 0xa1 },
		.ssidref = flask_label(xch),
		.max_vcpus = 1,
		.max_evtchn_port = 255,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
	};
	uint32_t domid = DOMID_ANY;

	if (xc_domain_create(xch, &domid, &config) ||
	    xc_domain_setmaxmem(xch, domid, max_pages * (XC_PAGE_SIZE / 1024)))
		die("create a domain");
	return domid;
}

void destroy(uint32_t domid)
{
	if (xc_domain_destroy(xch, domid))
		die("destroy a domain");
}

int claim(uint32_t domid, uint64_t pages)
{
	return xc_domain_claim_pages(xch, domid, pages) ? -errno : 0;
}

int ctl(struct xen_memory_claim_ctl *c)
{
	return xc_memory_op(xch, XENMEM_claim_ctl, c, sizeof(*c)) ? -errno : 0;
}

int set(uint32_t owner, unsigned node, uint64_t pages)
{
	struct xen_memory_claim_ctl c = { .version = XEN_CLAIM_VERSION,
					  .op = XEN_CLAIM_OP_set,
					  .owner = (domid_t)owner,
					  .node = (uint16_t)node,
					  .pages = pages };

	return ctl(&c);
}

int move(uint32_t from, uint32_t to, unsigned node, uint64_t pages)
{
	struct xen_memory_claim_ctl c = { .version = XEN_CLAIM_VERSION,
					  .op = XEN_CLAIM_OP_move,
					  .source = (domid_t)from,
					  .owner = (domid_t)to,
					  .node = (uint16_t)node,
					  .pages = pages };

	return ctl(&c);
}

unsigned populate(uint32_t domid, uint64_t gpfn, unsigned order, unsigned n, unsigned node, xen_pfn_t *mfns)
{
	unsigned flags = node == NOBODY ? 0 : XENMEMF_exact_node(node);
	xen_pfn_t *frames = mfns ? mfns : calloc(n, sizeof(*frames));
	int r;

	if (!frames)
		die("memory");
	for (unsigned i = 0; i < n; i++)
		frames[i] = gpfn + ((xen_pfn_t)i << order);
	r = xc_domain_populate_physmap(xch, domid, n, order, flags, frames);
	if (!mfns)
		free(frames);
	return r < 0 ? 0 : (unsigned)r;
}

void release(uint32_t domid, unsigned order, unsigned n, xen_pfn_t *mfns)
{
	if (xc_domain_decrease_reservation(xch, domid, n, order, mfns) != (int)n)
		die("free pages");
}

void expect(bool truth, const char *what)
{
	printf("%s: %s\n", truth ? "ok" : "FAILED", what);
	failures += !truth;
}

int main(int argc, char **argv)
{
	struct xen_memory_claim_ctl c = { .version = XEN_CLAIM_VERSION,
					  .op = XEN_CLAIM_OP_query,
					  .node = ANY_NODE };

	setvbuf(stdout, NULL, _IOLBF, 0);
	xch = xc_interface_open(NULL, NULL, 0);
	if (!xch)
		die("hypervisor");
	patched = ctl(&c) == 0;
	printf("xenclaims: this Xen is %s\n", patched ? "patched" : "stock");
	if (argc == 2 && !strcmp(argv[1], "faults"))
		faults();
	else if (argc == 2 && !strcmp(argv[1], "errors"))
		errors();
	else if (argc == 3 && !strcmp(argv[1], "races"))
		races((unsigned)strtoul(argv[2], NULL, 10));
	else if (argc == 2 && !strcmp(argv[1], "speed"))
		speed();
	else if (argc == 2 && !strcmp(argv[1], "empty"))
		expect(!set(POOL, ANY_NODE, 0), "the pool is empty");
	else if (argc != 2 || strcmp(argv[1], "which"))
		return fprintf(stderr,
			       "usage: xenclaims faults | errors | races SECONDS | speed | which | empty\n"),
		       2;
	xc_interface_close(xch);
	return failures ? 1 : 0;
}
