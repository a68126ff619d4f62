/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guesthog MIB [rate=MIB] [seconds=N] [busy]: in a test guest, holds that much
 * memory of its own, filled with what cannot be squeezed; rate= is how much it takes a
 * second (all at once), seconds= when it lets go (never; on SIGTERM at once), busy
 * that it writes to all of it again and again. It says when it has all, and when
 * it lets go; whoever runs it sees by its status whether it was killed.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static volatile sig_atomic_t told;

static void tell(int signal)
{
	(void)signal;
	told = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void doze(double seconds)
{
	struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

	if (seconds > 0)
		nanosleep(&t, NULL);
}

static void fill(uint64_t *at, size_t bytes)
{
	static uint64_t x = 88172645463325252U;

	for (size_t i = 0; i < bytes / sizeof(*at); i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at[i] = x;
	}
}

static void touch(char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		at[i]++;
}

int main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, rate = 0, seconds = 0;
	double start = now();
	bool busy = false;
	char *memory;

	for (int i = 2; i < argc; i++)
		if (!strncmp(argv[i], "rate=", 5))
			rate = strtoul(argv[i] + 5, NULL, 10);
		else if (!strncmp(argv[i], "seconds=", 8))
			seconds = strtoul(argv[i] + 8, NULL, 10);
		else if (!strcmp(argv[i], "busy"))
			busy = true;
		else
			mib = 0;
	if (!mib) {
		fprintf(stderr, "usage: guesthog MIB [rate=MIB] [seconds=N] [busy]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTERM, tell);
	memory = mmap(NULL, mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		      -1, 0);
	if (memory == MAP_FAILED) {
		perror("guesthog");
		return 1;
	}
	/* A fault for each 4 KiB takes minutes under emulation. */
	madvise(memory, mib * MIB, MADV_HUGEPAGE);
	for (size_t i = 0; i < mib && !told; i++) {
		fill((uint64_t *)(memory + i * MIB), MIB);
		if (rate)
			doze(start + (double)(i + 1) / (double)rate - now());
	}
	printf("guesthog: has %zu MiB\n", mib);
	for (double end = now() + (double)seconds; !told && (!seconds || now() < end);) {
		if (busy)
			touch(memory, mib * MIB);
		doze(busy ? 1 : 0.05);
	}
	munmap(memory, mib * MIB);
	printf("guesthog: let go\n");
	return 0;
}
