/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds as it is told, a line a step, `WORD DOMID PAGES`: what libxenguest does,
 * in steps (`claim`, `populate`, `extents`) or whole (`pv`, `pvh`, `hvm`, `pod`,
 * `restore`); and what others do, a device model (`device`, `device-extents`)
 * and libxl (`create`, `mem-set`). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/hook/fake.h"

static int populate_as_device(uint32_t domid, unsigned long pages)
{
	return xc_domain_populate_physmap_exact(NULL, domid, pages, 0, 0, NULL);
}

static int extents_as_device(uint32_t domid, unsigned long pages)
{
	return xc_domain_populate_physmap(NULL, domid, pages / 512, 9, 0, NULL);
}

static int create_domain(uint32_t domid, unsigned long pages)
{
	(void)pages;
	return xc_domain_create(NULL, &domid, NULL);
}

static int set_memory(uint32_t domid, unsigned long pages)
{
	return xc_domain_set_pod_target(NULL, domid, pages, NULL, NULL, NULL);
}

static const struct {
	const char *word;
	int (*run)(uint32_t domid, unsigned long pages);
} steps[] = {
	{ "claim", guest_claim },	  { "populate", guest_populate },
	{ "extents", guest_extents },	  { "pv", guest_build_pv },
	{ "pvh", guest_build_pvh },	  { "hvm", guest_build_hvm },
	{ "pod", guest_build_pod },	  { "restore", guest_restore },
	{ "device", populate_as_device }, { "device-extents", extents_as_device },
	{ "create", create_domain },	  { "mem-set", set_memory },
};

int main(void)
{
	const size_t n = sizeof(steps) / sizeof(*steps);
	char line[128], word[32];
	unsigned domid;
	unsigned long pages;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin)) {
		size_t i = 0;
		int r;

		if (sscanf(line, "%31s %u %lu", word, &domid, &pages) != 3)
			return 2;
		while (i < n && strcmp(word, steps[i].word))
			i++;
		if (i == n)
			return 2;
		errno = 0;
		r = steps[i].run(domid, pages);
		printf("%s: %d %s\n", word, r, errno ? strerrorname_np(errno) : "0");
	}
	return 0;
}
