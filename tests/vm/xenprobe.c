/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenprobe: what the hypervisor itself says of the host and its domains, as
 * JSON, so that a suite can hold balloonctl's word against it to the page.
 *
 * xenprobe until DOMID PAGES SECONDS: waits until the domain has that many pages
 * exactly, and prints the time it was so, in ms since 1970; else status 1.
 * xenprobe tables DOMID: how many pages the tables have that map the memory of a
 * PVH or HVM domain: one more for every 2 MiB that are not mapped as one.
 * xenprobe hold DOMID FRAME COUNT: maps so many frames of a PVH or HVM domain, prints
 * "held" and keeps them until it is killed: a domain that ends meanwhile stays, dying, with
 * these pages.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenforeignmemory.h>

enum { MAX_DOMAINS = 4096 };

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

static void print_domain(const xc_domaininfo_t *d, bool first)
{
	printf("%s\n  {\"domid\": %u, \"handle\": \"", first ? "" : ",", (unsigned)d->domain);
	for (size_t i = 0; i < sizeof(d->handle); i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", d->handle[i]);
	printf("\", \"tot_pages\": %" PRIu64 ", \"max_pages\": %" PRIu64 ", \"outstanding_pages\": %" PRIu64
	       ", \"flags\": %" PRIu32 ", \"hvm\": %s, \"paused\": %s, \"dying\": %s, \"shutdown\": %s}",
	       (uint64_t)d->tot_pages, (uint64_t)d->max_pages, (uint64_t)d->outstanding_pages,
	       (uint32_t)d->flags, truth(d->flags & XEN_DOMINF_hvm_guest),
	       truth(d->flags & XEN_DOMINF_paused), truth(d->flags & XEN_DOMINF_dying),
	       truth(d->flags & XEN_DOMINF_shutdown));
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int until(xc_interface *xch, uint32_t domid, uint64_t pages, long seconds)
{
	static const struct timespec pause = { 0, 5000000 };
	int64_t end = now_ms() + seconds * 1000;
	xc_domaininfo_t d;

	for (;;) {
		if (xc_domain_getinfolist(xch, domid, 1, &d) != 1 || d.domain != domid) {
			fprintf(stderr, "xenprobe: no domain %u\n", domid);
			return 1;
		}
		if (d.tot_pages == pages) {
			printf("%" PRId64 "\n", now_ms());
			return 0;
		}
		if (now_ms() > end) {
			fprintf(stderr, "xenprobe: domain %u has %" PRIu64 " pages, not %" PRIu64 "\n",
				domid, (uint64_t)d.tot_pages, pages);
			return 1;
		}
		nanosleep(&pause, NULL);
	}
}

/*
 * The pool such tables are taken from says its size only. What is left when all
 * of it is taken back is in use; the domain sleeps for that moment.
 */
static int tables(xc_interface *xch, uint32_t domid)
{
	uint64_t size, used;
	int r;

	if (xc_domain_pause(xch, domid)) {
		perror("xenprobe: pause");
		return 1;
	}
	r = xc_get_paging_mempool_size(xch, domid, &size);
	if (!r) {
		(void)xc_set_paging_mempool_size(xch, domid, 0); /* fails: not all can go */
		r = xc_get_paging_mempool_size(xch, domid, &used) ||
		    xc_set_paging_mempool_size(xch, domid, size);
	}
	if (r)
		perror("xenprobe: the pool for tables");
	else
		printf("%" PRIu64 "\n", used / XC_PAGE_SIZE);
	return xc_domain_unpause(xch, domid) || r;
}

static int hold(uint32_t domid, uint64_t frame, size_t count)
{
	xenforeignmemory_handle *f = xenforeignmemory_open(NULL, 0);
	xen_pfn_t *frames = calloc(count, sizeof(*frames));

	for (size_t i = 0; frames && i < count; i++)
		frames[i] = frame + i;
	if (!f || !frames || !xenforeignmemory_map(f, domid, PROT_READ, count, frames, NULL)) {
		perror("xenprobe: cannot map frames");
		return 1;
	}
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}

static int print_all(xc_interface *xch)
{
	static xc_domaininfo_t domains[MAX_DOMAINS];
	xc_physinfo_t host = { 0 };
	int n;

	if (xc_physinfo(xch, &host) < 0) {
		perror("xenprobe: physinfo");
		return 1;
	}
	n = xc_domain_getinfolist(xch, 0, MAX_DOMAINS, domains);
	if (n < 0) {
		perror("xenprobe: getdomaininfolist");
		return 1;
	}
	printf("{\"host\": {\"total_pages\": %" PRIu64 ", \"free_pages\": %" PRIu64
	       ", \"outstanding_pages\": %" PRIu64 "},\n \"domains\": [",
	       (uint64_t)host.total_pages, (uint64_t)host.free_pages, (uint64_t)host.outstanding_pages);
	for (int i = 0; i < n; i++)
		print_domain(&domains[i], i == 0);
	printf("]}\n");
	return 0;
}

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	uint32_t domid = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	int r;

	if (!xch) {
		perror("xenprobe");
		return 1;
	}
	if (argc == 5 && !strcmp(argv[1], "until"))
		r = until(xch, domid, strtoull(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "tables"))
		r = tables(xch, domid);
	else if (argc == 5 && !strcmp(argv[1], "hold"))
		r = hold(domid, strtoull(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
	else
		r = print_all(xch);
	xc_interface_close(xch);
	return r;
}
