/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linked to a fuzz target when libFuzzer is not: runs it over every file named
 * or found in a folder named, one TAP line a file. A finding is a crash. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/target.h"

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	size_t cap = 0, len = 0, got;
	uint8_t *data = NULL;

	if (!f)
		return -errno;
	do {
		if (len == cap) {
			cap = cap ? cap * 2 : 4096;
			data = realloc(data, cap);
			if (!data)
				abort();
		}
		got = fread(data + len, 1, cap - len, f);
		len += got;
	} while (got > 0);
	fclose(f);
	/* An exact copy, so that a sanitizer sees a read past the end. */
	uint8_t *exact = malloc(len ? len : 1);
	if (!exact)
		abort();
	memcpy(exact, data, len);
	free(data);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static unsigned n_run, n_failed;

static void report(const char *path)
{
	int r = run_file(path);

	if (r < 0)
		n_failed++;
	printf("%s %u - %s%s%s\n", r < 0 ? "not ok" : "ok", ++n_run, path, r < 0 ? ": " : "",
	       r < 0 ? strerror(-r) : "");
	fflush(stdout);
}

static int only_files(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct dirent **names;
		struct stat st;
		char path[4096];
		int n;

		if (stat(argv[i], &st) == 0 && !S_ISDIR(st.st_mode)) {
			report(argv[i]);
			continue;
		}
		n = scandir(argv[i], &names, only_files, alphasort);
		if (n < 0) {
			printf("Bail out! %s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		for (int k = 0; k < n; k++) {
			snprintf(path, sizeof(path), "%s/%s", argv[i], names[k]->d_name);
			report(path);
			free(names[k]);
		}
		free(names);
	}
	printf("1..%u\n", n_run);
	return n_failed > 0;
}
