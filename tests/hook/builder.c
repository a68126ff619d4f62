/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds as it is told, a line a step: `claim DOMID PAGES`, `populate DOMID
 * PAGES` as libxenguest does, `device DOMID PAGES` as a device model does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/hook/fake.h"

int main(void)
{
	char line[128], word[32];
	unsigned domid;
	unsigned long pages;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		int r;

		if (sscanf(line, "%31s %u %lu", word, &domid, &pages) != 3)
			return 2;
		errno = 0;
		if (!strcmp(word, "claim"))
			r = guest_claim(domid, pages);
		else if (!strcmp(word, "populate"))
			r = guest_populate(domid, pages);
		else
			r = xc_domain_populate_physmap_exact(NULL, domid, pages, 0, 0, NULL);
		printf("%s: %d %s\n", word, r, errno ? strerrorname_np(errno) : "0");
	}
	return 0;
}
