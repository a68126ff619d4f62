/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenprobe: what the hypervisor itself says of the host and its domains, as
 * JSON, so that a suite can hold balloonctl's word against it to the page.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <xenctrl.h>

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
	printf("\", \"tot_pages\": %" PRIu64 ", \"max_pages\": %" PRIu64
	       ", \"outstanding_pages\": %" PRIu64 ", \"flags\": %" PRIu32
	       ", \"hvm\": %s, \"paused\": %s, \"dying\": %s, \"shutdown\": %s}",
	       (uint64_t)d->tot_pages, (uint64_t)d->max_pages, (uint64_t)d->outstanding_pages,
	       (uint32_t)d->flags, truth(d->flags & XEN_DOMINF_hvm_guest),
	       truth(d->flags & XEN_DOMINF_paused), truth(d->flags & XEN_DOMINF_dying),
	       truth(d->flags & XEN_DOMINF_shutdown));
}

int main(void)
{
	static xc_domaininfo_t domains[MAX_DOMAINS];
	xc_physinfo_t host = {0};
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	int n;

	if (!xch || xc_physinfo(xch, &host) < 0) {
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
	       (uint64_t)host.total_pages, (uint64_t)host.free_pages,
	       (uint64_t)host.outstanding_pages);
	for (int i = 0; i < n; i++)
		print_domain(&domains[i], i == 0);
	printf("]}\n");
	xc_interface_close(xch);
	return 0;
}
